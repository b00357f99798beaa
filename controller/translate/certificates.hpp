// SPDX-License-Identifier: Apache-2.0
// The certificates of one translation: which host is shown which Secret, and which Secrets are fit
// to be shown. Pure; borrows the store, options and cache.
//
// A host belongs to the first Ingress that names it, even when its Secret is no good: nobody else
// gets a host by breaking a Secret, or by its absence. Such a host is shown the default
// certificate. That Ingress may name several Secrets for it, RSA and ECDSA say. docs/tls.md states
// the semantics for users.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/model/config.hpp"
#include "controller/objects/object_store.hpp"
#include "controller/translate/certificate_cache.hpp"
#include "controller/translate/client_table.hpp"
#include "controller/translate/problem_list.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

class CertificateTable {
public:
    // `now`: seconds since 1970, for problems with a certificate's time; 0: time is not looked at.
    CertificateTable(const ObjectStore& store, const HttpsOptions& options, CertificateCache& cache,
                     std::int64_t now, ProblemList& problems)
        : store_(store), options_(options), cache_(cache), now_(now), problems_(problems) {}

    // The tls of an Ingress, in order of precedence.
    void addIngress(const Ingress& ingress);
    // Whether `host`, of a rule of `ingress`, is meant to be asked for over TLS: some tls names it,
    // or one of this Ingress with a star does. After every addIngress().
    bool asksForTls(const Ingress& ingress, const std::string& host) const;
    // Whether clients that ask for `host` are shown a certificate somebody gave us for it, or the
    // default one. One that cannot be used counts: it has its own problem.
    bool shows(const std::string& host);
    // The key of the certificate that endpoints are shown from this Secret; empty, and why, when it
    // is not fit. It is one of the values of emit().
    std::string forEndpoints(const ObjectName& secret, std::string& fault);
    // Certificates, and the default one in `settings`. `clients`: what handshakes for a host ask
    // of clients.
    void emit(model::Config& config, model::Settings& settings, const ClientTable& clients);

private:
    struct Claim {
        ObjectName secret;  // its name is empty: the default certificate
        std::string origin;
        std::string where;
    };

    // A Secret that may be shown, looked at once per translation.
    struct Fitness {
        const Secret* secret = nullptr;                // null: unfit
        const model::CertificateInfo* info = nullptr;  // null: unfit
        std::string fault;                             // why it is unfit
    };

    // Hosts that are shown a certificate, and the same of clients.
    struct Shown {
        model::ClientVerification clients;
        std::vector<std::string> hosts{};
    };

    // What is usual comes first with the default certificate, whose value it is.
    using ShownBySecret = std::map<const Secret*, std::vector<Shown>>;

    std::set<const Secret*> shownFor(const std::string& host, const Secret* fallback) const;
    const Secret* emitDefault(model::Settings& settings);
    static void show(const std::string& host, const model::ClientVerification& clients,
                     std::vector<Shown>& all);
    std::vector<std::string> hostsOf(const Ingress& ingress, std::size_t index);
    bool claim(const Ingress& ingress, const std::string& host, const Claim& wanted);
    void checkSecret(const Ingress& ingress, const Claim& claim,
                     const std::vector<std::string>& hosts);
    const Fitness& fitnessOf(const ObjectName& name);
    void checkTime(const std::string& origin, const model::CertificateInfo& info);
    void emitOne(model::Config& config, const Secret& secret, const std::vector<Shown>& all,
                 bool isDefault);

    const ObjectStore& store_;
    const HttpsOptions& options_;
    CertificateCache& cache_;
    std::int64_t now_;
    ProblemList& problems_;
    std::map<std::string, Claim> claims_;                        // by host
    std::multimap<std::string, Claim> further_;                  // of the same Ingress
    std::map<const Ingress*, std::set<std::string>> wildcards_;  // of its tls; "" = any host
    std::map<ObjectName, Fitness> fitness_;
    std::set<ObjectName> forEndpoints_;
};

}  // namespace evergate::controller
