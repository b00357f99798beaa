// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/translate.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "controller/translate/backend_table.hpp"
#include "controller/translate/certificates.hpp"
#include "controller/translate/class_selector.hpp"
#include "controller/translate/client_table.hpp"
#include "controller/translate/endpoints.hpp"
#include "controller/translate/main_listeners.hpp"
#include "controller/translate/route_table.hpp"
#include "controller/translate/service_listeners.hpp"

namespace evergate::controller {
namespace {

std::string textOf(const Ingress& ingress) {
    return toText({ResourceKind::ingress, ingress.metadata.id});
}

std::string routePrefix(const Ingress& ingress) {
    return ingress.metadata.id.ns + '/' + ingress.metadata.id.name + '/';
}

std::optional<std::string> hostOf(const IngressRule& rule) {
    auto parsed = parseHost(rule.host);
    auto* host = std::get_if<std::string>(&parsed);
    return host == nullptr ? std::nullopt : std::optional(std::move(*host));
}

std::optional<BackendReference> goodReference(const Ingress& ingress,
                                              const IngressBackend& backend) {
    auto reference = referenceOf(ingress.metadata.id.ns, backend);
    auto* good = std::get_if<BackendReference>(&reference);
    return good == nullptr ? std::nullopt : std::optional(std::move(*good));
}

std::optional<BackendReference> goodDefault(const Ingress& ingress) {
    return ingress.defaultBackend ? goodReference(ingress, *ingress.defaultBackend) : std::nullopt;
}

// What an ACME authority asks for over http (RFC 8555 §8.3): to redirect it would keep a host from
// its first certificate. By the path of the route, whatever is asked for.
bool isAcmeChallenge(const std::string& path) {
    constexpr std::string_view kFolder = "/.well-known/acme-challenge";
    return path.starts_with(kFolder) &&
           (path.size() == kFolder.size() || path[kFolder.size()] == '/');
}

constexpr const char* kNoHttps = "has no effect: there is no https listener";

constexpr std::size_t kHostsInProblem = 5;

std::string listed(const std::set<std::string>& hosts) {
    std::string text;
    std::size_t count = 0;
    for (const std::string& host : hosts) {
        if (count++ == kHostsInProblem) {
            return text + " and " + std::to_string(hosts.size() - kHostsInProblem) + " more";
        }
        text += (text.empty() ? "" : ", ") + host;
    }
    return text;
}

bool asksForRedirect(const GivenAnnotations& given) {
    RouteClaim claim;
    applyToRoute(given, {}, claim);
    return claim.sslRedirect.value_or(false);
}

// An Ingress of ours and what its annotations say.
struct OwnIngress {
    const Ingress* ingress = nullptr;
    GivenAnnotations given;
    RouteClaim policy;       // of all its routes, without their match
    bool asksUsual = false;  // nothing is said about clients' certificates: the usual rules hold
};

// One run of translate(): who claims what, in order of precedence.
class Translation {
public:
    Translation(const ObjectStore& store, const TranslateOptions& options, CertificateCache& cache,
                std::int64_t now)
        : store_(store),
          options_(options),
          services_(store, problems_),
          backends_(store, options, services_, problems_),
          clients_(store, options.https.has_value(), problems_) {
        if (options.https) {
            clients_.setUsual(options.https->clients);
            certificates_.emplace(store, *options.https, cache, now, problems_);
        }
    }

    Desired run() {
        selectIngresses();
        if (certificates_) {
            for (const OwnIngress& own : ingresses_) {
                // Hosts that pass through are shown their endpoints' certificates.
                if (!own.policy.passthrough) {
                    certificates_->addIngress(*own.ingress);
                }
            }
        }
        claimClients();
        for (const OwnIngress& own : ingresses_) {
            backends_.addIngress(*own.ingress, own.given);
            claimRules(own);
        }
        // After every explicit rule: a default never takes what somebody wrote down.
        for (const OwnIngress& own : ingresses_) {
            claimHostDefaults(own);
        }
        for (const bool withRules : {false, true}) {
            for (const OwnIngress& own : ingresses_) {
                if (own.ingress->rules.empty() != withRules) {
                    claimCatchAll(own);
                }
            }
        }
        return emit();
    }

private:
    void selectIngresses();
    void select(const Ingress& ingress);
    void claimRules(const OwnIngress& own);
    // `place` names the route within the Ingress.
    void claim(const OwnIngress& own, const std::string& place, std::string host, PathMatch match,
               const BackendReference& backend, std::string where);
    void claimClients();
    void demandClients(const OwnIngress& own, const std::string& host, const PathMatch& match,
                       model::Route& route) const;
    void claimPassthrough(const OwnIngress& own, RouteClaim claim, const PathMatch& match);
    void claimPath(const OwnIngress& own, std::size_t i, std::size_t j, const std::string& host);
    void claimHostDefaults(const OwnIngress& own);
    void claimCatchAll(const OwnIngress& own);
    // Redirects that were asked for in so many words and lead nowhere good.
    void checkCertificate(const OwnIngress& own, const std::string& host, const ObjectName& service,
                          const RouteClaim& claim);
    void checkRedirect(const ListenerRequest& request);
    void checkRedirects();
    Desired emit();

    const ObjectStore& store_;
    const TranslateOptions& options_;
    ProblemList problems_;
    const ServiceAnnotations services_;
    BackendTable backends_;
    ClientTable clients_;
    std::optional<CertificateTable> certificates_;  // without an https listener: none
    RouteTable routes_;
    std::vector<OwnIngress> ingresses_;  // oldest first
    std::set<ObjectName> routed_;        // Services that routes of Ingresses lead to
    // By the object that asks for it: hosts redirected to where there is no certificate for them.
    std::map<std::string, std::set<std::string>> uncertified_;
};

void Translation::selectIngresses() {
    const ClassSelector selector(store_, options_);
    std::vector<const Ingress*> ours;
    for (const auto& [id, ingress] : store_.ingresses()) {
        if (selector.selects(ingress)) {
            ours.push_back(&ingress);
        } else {
            selector.explain(ingress, problems_);
        }
    }
    std::sort(ours.begin(), ours.end(), [](const Ingress* a, const Ingress* b) {
        return std::tie(a->metadata.createdAt, a->metadata.id) <
               std::tie(b->metadata.createdAt, b->metadata.id);
    });
    ingresses_.reserve(ours.size());
    for (const Ingress* ingress : ours) {
        select(*ingress);
    }
}

void Translation::select(const Ingress& ingress) {
    OwnIngress own;
    own.ingress = &ingress;
    own.given =
        readAnnotations({ResourceKind::ingress, ingress.metadata.id}, ingress.metadata, problems_);
    applyToRoute(own.given, {}, own.policy);
    if (options_.https && !own.policy.passthrough) {
        own.asksUsual = complete(own.policy.clients, options_.https->clients);
    }
    if (own.policy.sslRedirect.value_or(false) && !options_.https) {
        problems_.add(textOf(ingress), annotationPath(annotation::kSslRedirect), kNoHttps);
    }
    if (own.policy.passthrough && !options_.https) {
        problems_.add(textOf(ingress), annotationPath(annotation::kSslPassthrough),
                      std::string(kNoHttps) + "; its hosts are not served");
    }
    if (own.policy.passthrough && own.policy.clients.asked() != model::ClientCertificates::off) {
        problems_.add(textOf(ingress), annotationPath(annotation::kClientCertificates),
                      "clients cannot be asked on connections that pass through; nobody is let in");
    }
    ingresses_.push_back(std::move(own));
}

void Translation::claimRules(const OwnIngress& own) {
    const Ingress& ingress = *own.ingress;
    if (ingress.rules.empty() && !ingress.defaultBackend) {
        problems_.add(textOf(ingress), "spec", "has neither rules nor a defaultBackend");
    }
    for (std::size_t i = 0; i < ingress.rules.size(); ++i) {
        const IngressRule& rule = ingress.rules[i];
        auto parsed = parseHost(rule.host);
        if (auto* error = std::get_if<SyntaxError>(&parsed)) {
            problems_.add(textOf(ingress), rulePath(i) + ".host", std::move(error->what));
            continue;
        }
        if (rule.paths.empty() && !ingress.defaultBackend) {
            problems_.add(textOf(ingress), rulePath(i),
                          "has no paths, and the Ingress has no defaultBackend");
        }
        for (std::size_t j = 0; j < rule.paths.size(); ++j) {
            claimPath(own, i, j, std::get<std::string>(parsed));
        }
    }
}

void Translation::claim(const OwnIngress& own, const std::string& place, std::string host,
                        PathMatch match, const BackendReference& backend, std::string where) {
    RouteClaim claim = own.policy;
    applyToRoute(services_.of(backend.service), own.given, claim);
    claim.name = routePrefix(*own.ingress) + place;
    claim.where = std::move(where);
    claim.route.backend = backend.backendName();
    claim.route.origin = textOf(*own.ingress);
    routed_.insert(backend.service);
    demandClients(own, host, match, claim.route);
    if (own.policy.passthrough) {
        claim.route.host = std::move(host);
        return claimPassthrough(own, std::move(claim), match);
    }
    claim.route.listeners = {kHttpListener};
    if (certificates_) {
        claim.route.listeners.emplace_back(kHttpsListener);
        checkCertificate(own, host, backend.service, claim);
        claim.route.redirectToHttps = claim.sslRedirect.value_or(
            certificates_->asksForTls(*own.ingress, host) && !isAcmeChallenge(match.path));
        claim.route.redirectPort = options_.https->redirectPort;
    }
    claim.route.host = std::move(host);
    claim.route.pathType = match.type;
    claim.route.path = std::move(match.path);
    routes_.claim(std::move(claim), problems_);
}

void Translation::claimClients() {
    for (const bool silent : {false, true}) {
        for (const OwnIngress& own : ingresses_) {
            if (own.policy.passthrough || own.asksUsual != silent) {
                continue;
            }
            if (silent) {
                clients_.addSilent(*own.ingress, own.policy.clients);
            } else {
                clients_.addIngress(*own.ingress, own.policy.clients);
            }
        }
    }
}

// Where clients cannot be asked as this Ingress wants them to be, nobody is served.
void Translation::demandClients(const OwnIngress& own, const std::string& host,
                                const PathMatch& match, model::Route& route) const {
    route.clientCertificates = own.policy.clients.asked();
    if (own.asksUsual && !own.policy.passthrough) {
        // Somebody else may have said something for this host; authorities have no certificates of
        // ours to show when they look for a challenge's answer.
        const auto rules = clients_.hosts().find(host);
        route.clientCertificates = isAcmeChallenge(match.path) ? model::ClientCertificates::off
                                   : rules == clients_.hosts().end() ? clients_.usual().mode
                                                                     : rules->second.value.mode;
    }
    const bool asked = route.clientCertificates != model::ClientCertificates::off;
    if (own.policy.passthrough ? asked : !clients_.holds(*own.ingress, host)) {
        route.restrictSources = true;
        route.allowSources.clear();
    }
}

// What is said about requests means nothing for `claim`: nobody sees any.
void Translation::claimPassthrough(const OwnIngress& own, RouteClaim claim,
                                   const PathMatch& match) {
    if (!options_.https) {
        return;  // noted
    }
    const model::Route& wanted = claim.route;
    if (wanted.host.empty() || match.path != "/") {
        problems_.add(textOf(*own.ingress), claim.where,
                      wanted.host.empty()
                          ? "has no host, which ssl-passthrough goes by; ignored"
                          : "has a path other than /, which ssl-passthrough cannot see; ignored");
        return;
    }
    model::Route route;
    route.host = wanted.host;
    route.backend = wanted.backend;
    route.origin = wanted.origin;
    route.restrictSources = wanted.restrictSources;
    route.allowSources = wanted.allowSources;
    if (claim.sslRedirect.value_or(true)) {
        claim.plain = route;
        claim.plain->listeners = {kHttpListener};
        claim.plain->redirectToHttps = true;
        claim.plain->redirectPort = options_.https->redirectPort;
    }
    route.listeners = {kHttpsListener};
    route.passthrough = true;
    claim.route = std::move(route);
    routes_.claim(std::move(claim), problems_);
}

void Translation::claimPath(const OwnIngress& own, std::size_t i, std::size_t j,
                            const std::string& host) {
    const Ingress& ingress = *own.ingress;
    const IngressPath& path = ingress.rules[i].paths[j];
    auto match = parsePath(path.pathType, path.path);
    if (auto* error = std::get_if<SyntaxError>(&match)) {
        problems_.add(textOf(ingress), pathPath(i, j) + ".path", std::move(error->what));
        return;
    }
    // A reference that is wrong was noted when the backends were gathered.
    if (const auto backend = goodReference(ingress, path.backend)) {
        claim(own, std::to_string(i) + '/' + std::to_string(j), host,
              std::get<PathMatch>(std::move(match)), *backend, pathPath(i, j));
    }
}

// Paths that no rule of a host matches go to the defaultBackend of the Ingress that has the host.
void Translation::claimHostDefaults(const OwnIngress& own) {
    const Ingress& ingress = *own.ingress;
    const auto backend = goodDefault(ingress);
    if (!backend) {
        return;
    }
    for (std::size_t i = 0; i < ingress.rules.size(); ++i) {
        const auto host = hostOf(ingress.rules[i]);
        if (!host || host->empty()) {
            continue;
        }
        const RouteClaim* owner = routes_.rootOf(*host);
        // Somebody's explicit "/", or this Ingress's own: nothing is left to fall to a default.
        const bool otherDefault = owner != nullptr && owner->where == "spec.defaultBackend" &&
                                  owner->route.origin != textOf(ingress);
        if (owner == nullptr || otherDefault) {
            claim(own, std::to_string(i) + "/default", *host, {}, *backend, "spec.defaultBackend");
        }
    }
}

void Translation::claimCatchAll(const OwnIngress& own) {
    const Ingress& ingress = *own.ingress;
    const auto backend = goodDefault(ingress);
    if (!backend) {
        return;
    }
    // An Ingress whose rules all name hosts does not miss the rest.
    const bool needed =
        ingress.rules.empty() || std::any_of(ingress.rules.begin(), ingress.rules.end(),
                                             [](const auto& rule) { return rule.host.empty(); });
    if (own.policy.passthrough && !needed) {
        return;
    }
    const RouteClaim* owner = routes_.rootOf("");
    const bool ownRule = owner != nullptr && owner->route.origin == textOf(ingress);
    if (owner != nullptr && (!needed || ownRule)) {
        return;
    }
    if (owner != nullptr) {
        problems_.add(textOf(ingress), "spec.defaultBackend",
                      "requests for any host already belong to " + owner->route.origin + " (" +
                          owner->where + "), which comes first; ignored");
        return;
    }
    claim(own, "default", "", {}, *backend, "spec.defaultBackend");
}

void Translation::checkCertificate(const OwnIngress& own, const std::string& host,
                                   const ObjectName& service, const RouteClaim& claim) {
    if (!claim.sslRedirect.value_or(false) || certificates_->shows(host)) {
        return;
    }
    const std::string object =
        own.policy.sslRedirect ? textOf(*own.ingress) : toText({ResourceKind::service, service});
    uncertified_[object].insert(host.empty() ? "any host" : host);
}

void Translation::checkRedirect(const ListenerRequest& request) {
    const ObjectName& service = request.service->metadata.id;
    if (certificates_ && asksForRedirect(services_.of(service)) && !routed_.contains(service)) {
        problems_.add(toText({ResourceKind::service, service}),
                      annotationPath(annotation::kSslRedirect),
                      "has no effect: no Ingress leads here, and listeners of Services never "
                      "redirect");
    }
}

void Translation::checkRedirects() {
    for (const auto& [object, hosts] : uncertified_) {
        problems_.add(object, annotationPath(annotation::kSslRedirect),
                      "redirects " + listed(hosts) +
                          " to https, where no certificate for that is known: a self-signed one is "
                          "shown");
    }
    if (certificates_) {
        return;
    }
    for (const auto& [service, given] : services_.all()) {
        if (asksForRedirect(given)) {
            problems_.add(toText({ResourceKind::service, service}),
                          annotationPath(annotation::kSslRedirect), kNoHttps);
        }
    }
}

Desired Translation::emit() {
    Desired desired;
    model::Config& config = desired.config;
    model::Settings settings = options_.settings;
    emitMainListeners(options_, config);
    const auto requests = listenerRequests(store_, problems_);
    for (const ListenerRequest& request : requests) {
        backends_.add(request.target);
        checkRedirect(request);
    }
    checkRedirects();
    emitListeners(requests, options_, services_, config, problems_);
    backends_.emit(config, certificates_ ? &*certificates_ : nullptr);
    routes_.emit(config);
    if (certificates_) {
        certificates_->emit(config, settings, clients_);
    }
    config.put({model::Kind::settings, "global"}, settings);
    desired.problems = problems_.take();
    return desired;
}

}  // namespace

Desired translate(const ObjectStore& store, const TranslateOptions& options,
                  CertificateCache& certificates, std::int64_t now) {
    return Translation(store, options, certificates, now).run();
}

Desired translate(const ObjectStore& store, const TranslateOptions& options) {
    CertificateCache certificates;
    return translate(store, options, certificates, 0);
}

model::Endpoints translateEndpoints(const ObjectStore& store, const TranslateOptions& options,
                                    std::string_view backend) {
    const auto reference = BackendReference::parse(backend);
    return reference ? endpointsOf(store, options, *reference, nullptr) : model::Endpoints{};
}

std::vector<std::string> affectedBackends(const ObjectStore& store, const TranslateOptions& options,
                                          const ObjectName& name) {
    std::set<std::string> names;
    const ClassSelector selector(store, options);
    for (const Ingress* ingress : store.ingressesNaming(name)) {
        if (!selector.selects(*ingress)) {
            continue;
        }
        forEachBackend(*ingress, [&](const IngressBackend& backend, const std::string&) {
            if (!backend.resource && backend.service == name.name) {
                if (const auto reference = goodReference(*ingress, backend)) {
                    names.insert(reference->backendName());
                }
            }
        });
    }
    if (const Service* service = store.service(name)) {
        for (const ListenerRequest& request : listenerRequests(*service, nullptr)) {
            names.insert(request.target.backendName());
        }
    }
    return {names.begin(), names.end()};
}

bool selects(const ObjectStore& store, const TranslateOptions& options, const Ingress& ingress) {
    return ClassSelector(store, options).selects(ingress);
}

}  // namespace evergate::controller
