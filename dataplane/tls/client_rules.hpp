// SPDX-License-Identifier: Apache-2.0
// Which certificates clients may show in a handshake (model::ClientVerification), ready for
// OpenSSL.
//
// Immutable; made off the workers, shared by all contexts that verify alike. Without authorities
// nobody's certificate is good. The id names the rules: sessions are resumed, and verified
// connections serve a host, only where the rules are the very same. Every list of revocations in a
// chain must be there and in its time once there is one (CRL_CHECK_ALL): what is not known to be
// good is not let in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/model/sha256.hpp"
#include "common/model/values.hpp"
#include "dataplane/tls/openssl_ptr.hpp"

namespace evergate::tls {

class ClientRules {
public:
    using Id = model::Sha256Digest;

    // Null when the mode is off. The problem's `where` is the field: "clients.authorities".
    static std::variant<std::shared_ptr<const ClientRules>, model::Problem> load(
        const model::ClientVerification& value);
    // Certificates are required, and none is good.
    static std::shared_ptr<const ClientRules> nobody();

    static Id idOf(const model::ClientVerification& value) noexcept;

    const Id& id() const noexcept { return id_; }

    // Whether no authority and no list of revocations has come to its end since (UNIX times): what
    // was verified `then` would be at `now`, too.
    bool heldSince(std::int64_t then, std::int64_t now) const noexcept;

    // False when there is no memory.
    bool applyTo(SSL_CTX* context) const;
    // Over those of its context.
    bool applyTo(SSL* ssl) const;

private:
    ClientRules() = default;

    int mode() const noexcept;

    Id id_{};
    bool required_ = false;
    int depth_ = 0;
    OpensslPtr<X509_STORE> store_;
    std::vector<std::int64_t> ends_;  // of what is in it; UNIX time
};

}  // namespace evergate::tls
