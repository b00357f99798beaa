// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/certificates.hpp"

#include <algorithm>
#include <utility>

#include "common/model/public_json.hpp"
#include "controller/objects/printable.hpp"
#include "controller/translate/annotations.hpp"
#include "controller/translate/match_syntax.hpp"

namespace evergate::controller {
namespace {

// Of one Certificate value (common/model/validation.cpp): a Secret for more hosts becomes several.
constexpr std::size_t kHostsPerValue = 256;
constexpr std::size_t kHostsInProblem = 5;
// No number, so that it is no part of a Secret for many hosts.
constexpr const char* kForEndpoints = "/endpoints";

std::string textOf(const Ingress& ingress) {
    return toText({ResourceKind::ingress, ingress.metadata.id});
}

std::string textOf(const ObjectName& secret) {
    return toText({ResourceKind::secret, secret});
}

std::string tlsPath(std::size_t index) {
    return "spec.tls[" + std::to_string(index) + "]";
}

// "*.b.c" for "a.b.c".
std::string wildcardOf(const std::string& host) {
    const std::size_t dot = host.find('.');
    return dot == std::string::npos ? std::string() : '*' + host.substr(dot);
}

std::string listed(const std::vector<std::string>& hosts) {
    std::string text;
    for (std::size_t i = 0; i < std::min(hosts.size(), kHostsInProblem); ++i) {
        text += (text.empty() ? "" : ", ") + hosts[i];
    }
    return hosts.size() <= kHostsInProblem
               ? text
               : text + " and " + std::to_string(hosts.size() - kHostsInProblem) + " more";
}

std::string meaning(const ObjectName& secret) {
    return secret.name.empty() ? "the default certificate" : textOf(secret);
}

}  // namespace

// The hosts of spec.tls[index] in lower case; "" stands for rules without a host.
std::vector<std::string> CertificateTable::hostsOf(const Ingress& ingress, std::size_t index) {
    const IngressTls& tls = ingress.tls[index];
    std::vector<std::string> hosts;
    for (std::size_t i = 0; i < tls.hosts.size(); ++i) {
        auto parsed = parseHost(tls.hosts[i]);
        auto* host = std::get_if<std::string>(&parsed);
        if (host != nullptr && !host->empty()) {
            hosts.push_back(std::move(*host));
            continue;
        }
        problems_.add(textOf(ingress), tlsPath(index) + ".hosts[" + std::to_string(i) + "]",
                      host != nullptr ? "must not be empty; ignored"
                                      : std::get<SyntaxError>(parsed).what + "; ignored");
    }
    if (tls.hosts.empty()) {
        for (const IngressRule& rule : ingress.rules) {
            auto parsed = parseHost(rule.host);  // a wrong one was noted with the rules
            if (auto* host = std::get_if<std::string>(&parsed)) {
                hosts.push_back(std::move(*host));
            }
        }
    }
    std::sort(hosts.begin(), hosts.end());
    hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
    return hosts;
}

void CertificateTable::addIngress(const Ingress& ingress) {
    for (std::size_t i = 0; i < ingress.tls.size(); ++i) {
        const Claim wanted{
            {ingress.metadata.id.ns, ingress.tls[i].secretName}, textOf(ingress), tlsPath(i)};
        std::vector<std::string> mine;
        for (const std::string& host : hostsOf(ingress, i)) {
            if (host.empty() || host.starts_with('*')) {
                wildcards_[&ingress].insert(host);
            }
            if (claim(ingress, host, wanted)) {
                mine.push_back(host);
            }
        }
        checkSecret(ingress, wanted, mine);
    }
}

// Whether `host` is shown what is wanted for it.
bool CertificateTable::claim(const Ingress& ingress, const std::string& host, const Claim& wanted) {
    if (host.empty()) {
        if (!wanted.secret.name.empty()) {
            problems_.add(textOf(ingress), wanted.where,
                          "has no host to show " + textOf(wanted.secret) +
                              " for: a rule without a host is shown the default certificate");
        }
        return false;
    }
    const auto [it, inserted] = claims_.try_emplace(host, wanted);
    if (inserted || it->second.secret == wanted.secret) {
        return true;
    }
    const Claim& winner = it->second;
    if (winner.origin == wanted.origin && !winner.secret.name.empty() &&
        !wanted.secret.name.empty()) {
        further_.emplace(host, wanted);
        return true;
    }
    problems_.add(textOf(ingress), wanted.where,
                  "host " + host + " is already shown " + meaning(winner.secret) + " by " +
                      (winner.origin == wanted.origin ? winner.where
                                                      : winner.origin + " (" + winner.where + ")") +
                      ", which comes first; ignored");
    return false;
}

void CertificateTable::checkSecret(const Ingress& ingress, const Claim& claim,
                                   const std::vector<std::string>& hosts) {
    if (claim.secret.name.empty()) {
        return;
    }
    const std::string where = claim.where + ".secretName";
    if (!isObjectName(claim.secret.name)) {
        problems_.add(textOf(ingress), where,
                      "\"" + printable(claim.secret.name) +
                          "\" is not the name of a Secret in the namespace of the Ingress; the "
                          "default certificate is shown");
        return;
    }
    const Fitness& fitness = fitnessOf(claim.secret);
    if (fitness.info == nullptr) {
        problems_.add(textOf(ingress), where, fitness.fault + "; the default certificate is shown");
        return;
    }
    std::vector<std::string> uncovered;
    std::copy_if(hosts.begin(), hosts.end(), std::back_inserter(uncovered),
                 [&](const auto& host) { return !model::covers(fitness.info->names, host); });
    if (!uncovered.empty()) {
        problems_.add(textOf(ingress), where,
                      "the certificate of " + textOf(claim.secret) + " is not valid for " +
                          listed(uncovered) + "; shown all the same");
    }
}

const CertificateTable::Fitness& CertificateTable::fitnessOf(const ObjectName& name) {
    const auto [it, inserted] = fitness_.try_emplace(name);
    Fitness& fitness = it->second;
    if (!inserted) {
        return fitness;
    }
    const Secret* secret = store_.secret(name);
    if (secret == nullptr) {
        fitness.fault = "no " + textOf(name) + " of type kubernetes.io/tls is known";
        return fitness;
    }
    const CheckedCertificate& checked = cache_.check(secret->pair);
    if (const auto* fault = std::get_if<CertificateFault>(&checked)) {
        problems_.add(textOf(name), fault->where, fault->what);
        fitness.fault = textOf(name) + " cannot be used: " + fault->where + ' ' + fault->what;
        return fitness;
    }
    fitness.secret = secret;
    fitness.info = &std::get<model::CertificateInfo>(checked);
    checkTime(textOf(name), *fitness.info);
    return fitness;
}

void CertificateTable::checkTime(const std::string& origin, const model::CertificateInfo& info) {
    if (now_ == 0) {
        return;
    }
    if (info.notAfter < now_) {
        problems_.add(origin, "data[\"tls.crt\"]",
                      "expired at " + model::timeText(info.notAfter) + "; shown all the same");
    } else if (info.notBefore > now_) {
        problems_.add(
            origin, "data[\"tls.crt\"]",
            "is not valid before " + model::timeText(info.notBefore) + "; shown all the same");
    }
}

bool CertificateTable::asksForTls(const Ingress& ingress, const std::string& host) const {
    if (claims_.contains(host)) {
        return true;
    }
    const auto own = wildcards_.find(&ingress);
    return own != wildcards_.end() && (own->second.contains(host) ||
                                       (!host.empty() && own->second.contains(wildcardOf(host))));
}

bool CertificateTable::shows(const std::string& host) {
    if (options_.defaultCertificate && fitnessOf(*options_.defaultCertificate).info != nullptr) {
        return true;
    }
    const auto named = [&](const std::string& name) {
        const auto it = claims_.find(name);
        return it != claims_.end() && !it->second.secret.name.empty();
    };
    return claims_.contains(host) ? named(host) : named(wildcardOf(host));
}

std::string CertificateTable::forEndpoints(const ObjectName& secret, std::string& fault) {
    const Fitness& fitness = fitnessOf(secret);
    if (fitness.info == nullptr) {
        fault = fitness.fault;
        return {};
    }
    forEndpoints_.insert(secret);
    return secret.ns + '/' + secret.name + kForEndpoints;
}

// The Secret of the default certificate; null: there is none.
const Secret* CertificateTable::emitDefault(model::Settings& settings) {
    const auto& name = options_.defaultCertificate;
    if (!name) {
        return nullptr;
    }
    const Fitness& fitness = fitnessOf(*name);
    if (fitness.secret == nullptr) {
        problems_.add(textOf(*name), "",
                      fitness.fault +
                          "; wanted by --default-certificate, a self-signed "
                          "certificate is shown in its place");
    } else {
        settings.defaultCertificate = name->ns + '/' + name->name;
    }
    return fitness.secret;
}

// By its own claims, else by those of its star. None: a self-signed one.
std::set<const Secret*> CertificateTable::shownFor(const std::string& host,
                                                   const Secret* fallback) const {
    std::set<const Secret*> shown;
    const auto add = [&](const Claim& claim) {
        const auto it = fitness_.find(claim.secret);
        if (it != fitness_.end() && it->second.secret != nullptr) {
            shown.insert(it->second.secret);
        }
    };
    auto claim = claims_.find(host);
    if (claim == claims_.end()) {
        claim = claims_.find(wildcardOf(host));
    }
    if (claim != claims_.end()) {
        add(claim->second);
        const auto [begin, end] = further_.equal_range(claim->first);
        std::for_each(begin, end, [&](const auto& each) { add(each.second); });
    }
    // Named for the default certificate too: a star of somebody else must not take the host.
    if (shown.empty() && fallback != nullptr) {
        shown.insert(fallback);
    }
    return shown;
}

void CertificateTable::show(const std::string& host, const model::ClientVerification& clients,
                            std::vector<Shown>& all) {
    const auto same = std::find_if(all.begin(), all.end(),
                                   [&](const Shown& each) { return each.clients == clients; });
    if (same != all.end()) {
        same->hosts.push_back(host);
    } else {
        all.push_back({clients, {host}});
    }
}

void CertificateTable::emit(model::Config& config, model::Settings& settings,
                            const ClientTable& clients) {
    const Secret* fallback = emitDefault(settings);
    ShownBySecret shown;
    const model::ClientVerification& usual = clients.usual();
    if (fallback != nullptr) {
        shown[fallback] = {Shown{usual}};
    }
    std::set<std::string> hosts;
    for (const auto& [host, claim] : claims_) {
        hosts.insert(host);
    }
    for (const auto& [host, rules] : clients.hosts()) {
        if (rules.value.mode != usual.mode || usual.mode != model::ClientCertificates::off) {
            hosts.insert(host);
        }
    }
    for (const std::string& host : hosts) {
        const auto rules = clients.hosts().find(host);
        const bool known = rules != clients.hosts().end();
        const bool asked = known && rules->second.value.mode != model::ClientCertificates::off;
        const auto secrets = shownFor(host, fallback);
        for (const Secret* secret : secrets) {
            auto& all = shown.try_emplace(secret, std::vector<Shown>{Shown{}}).first->second;
            show(host,
                 asked   ? rules->second.value
                 : known ? model::ClientVerification{}
                         : usual,
                 all);
        }
        if (secrets.empty() && asked) {
            problems_.add(rules->second.origin, annotationPath(annotation::kClientCertificates),
                          "there is no certificate to show for host " + host +
                              ", so that clients cannot be asked for theirs; those that need one "
                              "are not let in");
        }
    }
    for (const auto& [secret, all] : shown) {
        emitOne(config, *secret, all, secret == fallback);
    }
    for (const ObjectName& name : forEndpoints_) {
        const Secret& secret = *fitnessOf(name).secret;
        const std::string key = name.ns + '/' + name.name + kForEndpoints;
        config.put({model::Kind::certificate, key},
                   cache_.entry(key, secret.pair, {}, textOf(name), {}));
    }
    cache_.endRun();
}

void CertificateTable::emitOne(model::Config& config, const Secret& secret,
                               const std::vector<Shown>& all, bool isDefault) {
    const ObjectName& id = secret.metadata.id;
    std::size_t part = 0;
    const auto put = [&](const Shown& shown, std::size_t from) {
        const std::size_t to = std::min(from + kHostsPerValue, shown.hosts.size());
        const auto begin = shown.hosts.begin();
        const std::string name =
            id.ns + '/' + id.name + (++part == 1 ? "" : '/' + std::to_string(part));
        config.put({model::Kind::certificate, name},
                   cache_.entry(name, secret.pair,
                                {begin + static_cast<std::ptrdiff_t>(from),
                                 begin + static_cast<std::ptrdiff_t>(to)},
                                textOf(id), shown.clients));
        return to;
    };
    if (isDefault && (all.empty() || all.front().hosts.empty())) {
        put(all.empty() ? Shown{} : all.front(), 0);
    }
    for (const Shown& shown : all) {
        for (std::size_t from = 0; from < shown.hosts.size();) {
            from = put(shown, from);
        }
    }
}

}  // namespace evergate::controller
