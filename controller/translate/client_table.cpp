// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/client_table.hpp"

#include <algorithm>
#include <variant>

#include "controller/translate/annotations.hpp"
#include "controller/translate/match_syntax.hpp"

namespace evergate::controller {
namespace {

using model::ClientCertificates;

std::string textOf(const Ingress& ingress) {
    return toText({ResourceKind::ingress, ingress.metadata.id});
}

std::string_view nameOf(ClientCertificates mode) {
    switch (mode) {
        case ClientCertificates::off:
            return "off";
        case ClientCertificates::optional:
            return "optional";
        case ClientCertificates::required:
            return "required";
    }
    return "";
}

std::string described(const ClientTable::Rules& rules) {
    std::string text(nameOf(rules.value.mode));
    if (rules.value.mode != ClientCertificates::off) {
        text += rules.secret.empty() ? " by nobody" : " by " + rules.secret;
        text += ", depth " + std::to_string(rules.value.depth);
    }
    return text;
}

ObjectName secretOf(const Ingress& ingress, const std::string& text) {
    const std::size_t slash = text.find('/');
    return slash == std::string::npos ? ObjectName{ingress.metadata.id.ns, text}
                                      : ObjectName{text.substr(0, slash), text.substr(slash + 1)};
}

std::set<std::string> hostsOf(const Ingress& ingress) {
    std::set<std::string> hosts;
    for (const IngressRule& rule : ingress.rules) {
        auto parsed = parseHost(rule.host);  // a wrong one is noted with the rules
        if (auto* host = std::get_if<std::string>(&parsed)) {
            hosts.insert(std::move(*host));
        }
    }
    if (ingress.rules.empty()) {
        hosts.insert("");
    }
    return hosts;
}

void letNobodyIn(ClientTable::Rules& rules) {
    rules.value.mode = ClientCertificates::required;
    rules.value.authorities.clear();
    rules.value.revocations.clear();
    rules.secret.clear();
}

}  // namespace

void ClientTable::setUsual(const ClientDefaults& usual) {
    if (usual.mode == ClientCertificates::off) {
        return;
    }
    usual_.value.mode = usual.mode;
    usual_.value.depth = usual.depth;
    const ObjectName name = usual.authorities.value_or(ObjectName{});
    const std::string fault = fillFrom(name, usual_);
    if (!fault.empty()) {
        problems_.add(toText({ResourceKind::secret, name}), "",
                      fault +
                          "; wanted by --https-client-ca: nobody is let in where Ingresses do "
                          "not say otherwise");
        letNobodyIn(usual_);
    }
}

void ClientTable::addSilent(const Ingress& ingress, const ClientWish& wish) {
    if (usual_.value.mode == ClientCertificates::off) {
        return;
    }
    Rules rules = usual_;
    rules.origin = textOf(ingress);
    rules.value.depth = wish.depth.value_or(rules.value.depth);
    for (const std::string& host : hostsOf(ingress)) {
        if (!host.empty()) {
            hosts_.try_emplace(host, rules);
        }
    }
}

void ClientTable::addIngress(const Ingress& ingress, const ClientWish& wish) {
    const std::string where = annotationPath(annotation::kClientCertificates);
    if (!wish.mode && !wish.authorities) {
        if (wish.depth && usual_.value.mode == ClientCertificates::off) {
            problems_.add(textOf(ingress), annotationPath(annotation::kClientVerifyDepth),
                          "has no effect without evergate.io/client-ca");
        }
        return;
    }
    if (!secretsRead_) {
        if (wish.asked() != ClientCertificates::off) {
            problems_.add(textOf(ingress), where,
                          wish.asked() == ClientCertificates::required
                              ? "there is no https listener to ask clients on; nobody is let in"
                              : "has no effect: there is no https listener");
        }
        return;
    }
    const Rules wanted = rulesOf(ingress, wish);
    for (const std::string& host : hostsOf(ingress)) {
        if (!host.empty()) {
            claim(ingress, host, wanted);
        } else if (wanted.value.mode == ClientCertificates::required) {
            problems_.add(textOf(ingress), where,
                          "clients are asked by host: rules without one let nobody in");
        } else if (wanted.value.mode == ClientCertificates::optional) {
            problems_.add(textOf(ingress), where,
                          "clients are asked by host: rules without one ask nobody");
        }
    }
}

ClientTable::Rules ClientTable::rulesOf(const Ingress& ingress, const ClientWish& wish) {
    Rules rules;
    rules.origin = textOf(ingress);
    rules.value.mode = wish.asked();
    if (rules.value.mode == ClientCertificates::off) {
        return rules;
    }
    rules.value.depth = wish.depth.value_or(rules.value.depth);
    const std::string fault = fill(ingress, wish, rules);
    if (!fault.empty()) {
        problems_.add(rules.origin,
                      annotationPath(wish.authorities ? annotation::kClientCa
                                                      : annotation::kClientCertificates),
                      fault + "; nobody is let in");
        letNobodyIn(rules);
    }
    return rules;
}

// What is wrong; empty: nothing.
std::string ClientTable::fill(const Ingress& ingress, const ClientWish& wish, Rules& rules) {
    if (!wish.authorities) {
        return "needs evergate.io/client-ca";
    }
    const ObjectName name = secretOf(ingress, *wish.authorities);
    if (!isObjectName(name.ns) || !isObjectName(name.name)) {
        return "names no Secret";  // noted when it was read, too
    }
    return fillFrom(name, rules);
}

std::string ClientTable::fillFrom(const ObjectName& name, Rules& rules) {
    const Authorities& found = authorities_.of(name);
    if (found.pem.empty()) {
        return found.fault;
    }
    rules.value.authorities = found.pem;
    rules.secret = toText({ResourceKind::secret, name});
    const Secret* secret = store_.secret(name);
    if (secret == nullptr || !secret->revocations) {
        return {};
    }
    auto lists = revocationsOf(*secret->revocations);
    if (!lists) {
        return "data[\"ca.crl\"] of " + rules.secret +
               " is not lists of revoked certificates in PEM, 64 KiB at most";
    }
    rules.value.revocations = *std::move(lists);
    return {};
}

void ClientTable::claim(const Ingress& ingress, const std::string& host, const Rules& wanted) {
    const auto [it, inserted] = hosts_.try_emplace(host, wanted);
    Rules& held = it->second;
    if (inserted || held.value == wanted.value) {
        return;
    }
    const auto tell = [&](const Rules& loser, const Rules& winner) {
        problems_.add(loser.origin, annotationPath(annotation::kClientCertificates),
                      "host " + host + " is asked by " + winner.origin +
                          " for other certificates (" + described(winner) +
                          "); the stricter holds");
    };
    if (held.value.mode == ClientCertificates::off) {
        tell(held, wanted);
        held = wanted;
        return;
    }
    tell(wanted, held);
    if (wanted.value.mode == ClientCertificates::off) {
        return;
    }
    held.value.mode = std::max(held.value.mode, wanted.value.mode);
    held.value.depth = std::min(held.value.depth, wanted.value.depth);
    if (held.value.authorities != wanted.value.authorities ||
        held.value.revocations != wanted.value.revocations) {
        refused_.emplace(ingress.metadata.id, host);
        problems_.add(wanted.origin, annotationPath(annotation::kClientCa),
                      "host " + host + " has the authorities of " + held.origin +
                          "; nobody is let in to the paths of this Ingress there");
    }
}

bool ClientTable::holds(const Ingress& ingress, const std::string& host) const {
    return !refused_.contains({ingress.metadata.id, host});
}

}  // namespace evergate::controller
