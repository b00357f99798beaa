// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/translate.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "controller/translate/backend_table.hpp"
#include "controller/translate/class_selector.hpp"
#include "controller/translate/endpoints.hpp"
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

std::optional<std::string> backendNameOf(const Ingress& ingress, const IngressBackend& backend) {
    const auto reference = referenceOf(ingress.metadata.id.ns, backend);
    const auto* good = std::get_if<BackendReference>(&reference);
    return good == nullptr ? std::nullopt : std::optional(good->backendName());
}

// One run of translate(): who claims what, in order of precedence.
class Translation {
public:
    Translation(const ObjectStore& store, const TranslateOptions& options)
        : store_(store), options_(options), backends_(store, options, problems_) {}

    Desired run() {
        selectIngresses();
        for (const Ingress* ingress : ingresses_) {
            backends_.addIngress(*ingress);
            claimRules(*ingress);
        }
        // After every explicit rule: a default never takes what somebody wrote down.
        for (const Ingress* ingress : ingresses_) {
            claimHostDefaults(*ingress);
        }
        for (const bool withRules : {false, true}) {
            for (const Ingress* ingress : ingresses_) {
                if (ingress->rules.empty() != withRules) {
                    claimCatchAll(*ingress);
                }
            }
        }
        return emit();
    }

private:
    void selectIngresses();
    void claimRules(const Ingress& ingress);
    // `place` names the route within the Ingress.
    void claim(const Ingress& ingress, const std::string& place, std::string host, PathMatch match,
               std::string backend, std::string where);
    void claimPath(const Ingress& ingress, std::size_t i, std::size_t j, const std::string& host);
    void claimHostDefaults(const Ingress& ingress);
    void claimCatchAll(const Ingress& ingress);
    Desired emit();

    const ObjectStore& store_;
    const TranslateOptions& options_;
    ProblemList problems_;
    BackendTable backends_;
    RouteTable routes_;
    std::vector<const Ingress*> ingresses_;  // ours, oldest first
};

void Translation::selectIngresses() {
    const ClassSelector selector(store_, options_);
    for (const auto& [id, ingress] : store_.ingresses()) {
        if (selector.selects(ingress)) {
            ingresses_.push_back(&ingress);
            reportUnknownAnnotations({ResourceKind::ingress, id}, ingress.metadata, problems_);
        } else {
            selector.explain(ingress, problems_);
        }
    }
    std::sort(ingresses_.begin(), ingresses_.end(), [](const Ingress* a, const Ingress* b) {
        return std::tie(a->metadata.createdAt, a->metadata.id) <
               std::tie(b->metadata.createdAt, b->metadata.id);
    });
}

void Translation::claimRules(const Ingress& ingress) {
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
            claimPath(ingress, i, j, std::get<std::string>(parsed));
        }
    }
}

void Translation::claim(const Ingress& ingress, const std::string& place, std::string host,
                        PathMatch match, std::string backend, std::string where) {
    routes_.claim({routePrefix(ingress) + place,
                   model::Route{{"http"},
                                std::move(host),
                                match.type,
                                std::move(match.path),
                                std::move(backend),
                                textOf(ingress)},
                   std::move(where), std::nullopt},
                  problems_);
}

void Translation::claimPath(const Ingress& ingress, std::size_t i, std::size_t j,
                            const std::string& host) {
    const IngressPath& path = ingress.rules[i].paths[j];
    auto match = parsePath(path.pathType, path.path);
    if (auto* error = std::get_if<SyntaxError>(&match)) {
        problems_.add(textOf(ingress), pathPath(i, j) + ".path", std::move(error->what));
        return;
    }
    // A reference that is wrong was noted when the backends were gathered.
    if (auto backend = backendNameOf(ingress, path.backend)) {
        claim(ingress, std::to_string(i) + '/' + std::to_string(j), host,
              std::get<PathMatch>(std::move(match)), std::move(*backend), pathPath(i, j));
    }
}

// Paths that no rule of a host matches go to the defaultBackend of the Ingress that has the host.
void Translation::claimHostDefaults(const Ingress& ingress) {
    const auto backend =
        ingress.defaultBackend ? backendNameOf(ingress, *ingress.defaultBackend) : std::nullopt;
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
            claim(ingress, std::to_string(i) + "/default", *host, {}, *backend,
                  "spec.defaultBackend");
        }
    }
}

void Translation::claimCatchAll(const Ingress& ingress) {
    const auto backend =
        ingress.defaultBackend ? backendNameOf(ingress, *ingress.defaultBackend) : std::nullopt;
    if (!backend) {
        return;
    }
    // An Ingress whose rules all name hosts does not miss the rest.
    const bool needed =
        ingress.rules.empty() || std::any_of(ingress.rules.begin(), ingress.rules.end(),
                                             [](const auto& rule) { return rule.host.empty(); });
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
    claim(ingress, "default", "", {}, *backend, "spec.defaultBackend");
}

Desired Translation::emit() {
    Desired desired;
    model::Config& config = desired.config;
    config.put({model::Kind::settings, "global"}, options_.settings);
    config.put({model::Kind::listener, "http"},
               model::Listener{options_.listenAddress, options_.listenPort,
                               model::ListenerProtocol::http, ""});
    for (const auto& [id, service] : store_.services()) {
        reportUnknownAnnotations({ResourceKind::service, id}, service.metadata, problems_);
    }
    const auto requests = listenerRequests(store_, problems_);
    for (const ListenerRequest& request : requests) {
        backends_.add(request.target);
    }
    emitListeners(requests, options_, config, problems_);
    backends_.emit(config);
    routes_.emit(config);
    desired.problems = problems_.take();
    return desired;
}

}  // namespace

Desired translate(const ObjectStore& store, const TranslateOptions& options) {
    return Translation(store, options).run();
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
                if (auto backendName = backendNameOf(*ingress, backend)) {
                    names.insert(std::move(*backendName));
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
