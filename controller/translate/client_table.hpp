// SPDX-License-Identifier: Apache-2.0
// Which hosts ask clients for certificates, and by which rules: those of evergate.io/client-...,
// else the usual ones (--https-client-...). Pure; one translation; borrows the store.
//
// A handshake knows a host and no path: its rules are one for all Ingresses with that host. The
// stricter mode and the smaller depth hold. Authorities cannot be weighed against each other: those
// of the oldest Ingress hold, and an Ingress that wants others is not served on that host. Whatever
// cannot be had lets nobody in.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "controller/objects/object_store.hpp"
#include "controller/translate/backend_authorities.hpp"
#include "controller/translate/client_wish.hpp"
#include "controller/translate/problem_list.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

class ClientTable {
public:
    struct Rules {
        model::ClientVerification value;
        std::string secret;  // where the authorities are from
        std::string origin;  // of the Ingress: "Ingress shop/cart"
    };

    // `secretsRead`: without an https listener no Secret is, and no client is asked.
    ClientTable(const ObjectStore& store, bool secretsRead, ProblemList& problems)
        : store_(store),
          secretsRead_(secretsRead),
          problems_(problems),
          authorities_(store, secretsRead) {}

    // What is asked where nobody says anything else. Before the others, if at all.
    void setUsual(const ClientDefaults& usual);
    // In order of precedence: those that say something.
    void addIngress(const Ingress& ingress, const ClientWish& wish);
    // The hosts of an Ingress that says nothing but, perhaps, a depth. After every addIngress().
    void addSilent(const Ingress& ingress, const ClientWish& wish);
    // False: `ingress` wants rules for this host that do not hold; nobody may be served there.
    bool holds(const Ingress& ingress, const std::string& host) const;

    // Of every host that is not in hosts(), and of clients that name none.
    const model::ClientVerification& usual() const noexcept { return usual_.value; }

    // By host; those of mode off too. After every addIngress() and addSilent().
    const std::map<std::string, Rules>& hosts() const noexcept { return hosts_; }

private:
    Rules rulesOf(const Ingress& ingress, const ClientWish& wish);
    std::string fill(const Ingress& ingress, const ClientWish& wish, Rules& rules);
    std::string fillFrom(const ObjectName& secret, Rules& rules);
    void claim(const Ingress& ingress, const std::string& host, const Rules& wanted);

    const ObjectStore& store_;
    bool secretsRead_;
    ProblemList& problems_;
    BackendAuthorities authorities_;
    Rules usual_;
    std::map<std::string, Rules> hosts_;
    std::set<std::pair<ObjectName, std::string>> refused_;  // Ingress, host
};

}  // namespace evergate::controller
