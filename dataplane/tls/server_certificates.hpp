// SPDX-License-Identifier: Apache-2.0
// Which certificates a client gets for the host it asks for: exact name, else one-label wildcard,
// else the default.
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

    // When each certificate ends, by key name; UNIX time.
    std::vector<std::pair<std::string, std::int64_t>> expiries() const;

private:
    struct Loaded {
        std::shared_ptr<const model::Value> value;  // what it was made from
        std::shared_ptr<const Certificate> certificate;
    };

    using Group = std::vector<std::shared_ptr<const Certificate>>;
    using Hosts = std::map<std::string, std::shared_ptr<const ServerContext>, std::less<>>;

    ServerCertificates() = default;
    bool load(const model::Config& config, const ServerCertificates* before,
              std::vector<model::KeyedProblem>& problems);
    void adopt(const std::string& name, const Loaded& loaded, std::map<std::string, Group>& hosts);
    std::shared_ptr<const ServerContext> contextFor(const Group& group,
                                                    const ServerCertificates* before,
                                                    std::string& wrong);

    std::map<std::string, Loaded, std::less<>> loaded_;  // by key name
    std::map<Group, std::shared_ptr<const ServerContext>> contexts_;
    Hosts hosts_;
    std::shared_ptr<const ServerContext> default_;
};

}  // namespace evergate::tls
