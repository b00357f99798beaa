// SPDX-License-Identifier: Apache-2.0
// Which certificates a client gets for the host it asks for: exact name, else one-label wildcard,
// else the default. And which it has to show itself there.
//
// Immutable; compiled with each configuration off the workers and shared by them through the
// snapshot. Unchanged certificates are taken over from the compilation before, parsed keys and
// contexts included.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/config.hpp"
#include "common/model/validation.hpp"
#include "dataplane/tls/certificate.hpp"
#include "dataplane/tls/server_context.hpp"

namespace evergate::tls {

class ServerCertificates {
public:
    // `fallback` serves where the settings name no certificate; `before` may be null. Null, with
    // problems by key, when a certificate is no good.
    static std::shared_ptr<const ServerCertificates> compile(
        const model::Config& config, const std::shared_ptr<const Certificate>& fallback,
        const ServerCertificates* before, std::vector<model::KeyedProblem>& problems);

    // Null: nothing for that host. Case does not matter.
    const ServerContext* find(std::string_view host) const;

    const ServerContext& byDefault() const noexcept { return *default_; }

    // The one that requests for `host` are to come through: the default where there is no other. A
    // final dot does not matter either.
    const ServerContext& serving(std::string_view host) const;

    // Of sessions made for `host`; empty: for none. RFC 6066 §3: no other host may resume them.
    SessionCache::Scope sessionScope(std::string_view host) const;

    // By which rules clients that send requests for `host` are verified; null: they are not.
    const ClientRules* clientsOf(std::string_view host) const;

    // By key name; null when there is none.
    std::shared_ptr<const Certificate> named(const std::string& name) const;

    // What clients may be shown, without those that were made from no configuration.
    std::vector<NamedCertificate> shown() const;

    // When each certificate ends, by key name; UNIX time.
    std::vector<std::pair<std::string, std::int64_t>> expiries() const;

private:
    struct Loaded {
        std::shared_ptr<const model::Value> value;  // what it was made from
        std::shared_ptr<const Certificate> certificate;
        std::shared_ptr<const ClientRules> clients;  // null: not asked for
    };

    using Group = std::vector<std::shared_ptr<const Certificate>>;

    // What is shown, and what has to be.
    struct Offer {
        Group certificates;
        std::shared_ptr<const ClientRules> clients;

        friend auto operator<=>(const Offer&, const Offer&) = default;
    };

    using Hosts = std::map<std::string, std::shared_ptr<const ServerContext>, std::less<>>;

    ServerCertificates() = default;
    bool load(const model::Config& config, const ServerCertificates* before,
              std::vector<model::KeyedProblem>& problems);
    bool loadOne(const model::Config::Map::value_type& item, const ServerCertificates* before,
                 std::vector<model::KeyedProblem>& problems);
    std::shared_ptr<const ClientRules> rulesFor(const model::ClientVerification& value,
                                                const ServerCertificates* before,
                                                model::Problem& problem);
    std::map<std::string, Offer> offers(const model::Config& config) const;
    std::shared_ptr<const ServerContext> contextFor(const Offer& offer,
                                                    const ServerCertificates* before,
                                                    std::string& wrong);

    ServerProfile profile_;
    std::map<std::string, Loaded, std::less<>> loaded_;  // by key name
    std::map<ClientRules::Id, std::shared_ptr<const ClientRules>> rules_;
    std::map<Offer, std::shared_ptr<const ServerContext>> contexts_;
    Hosts hosts_;
    std::shared_ptr<const ServerContext> default_;
};

}  // namespace evergate::tls
