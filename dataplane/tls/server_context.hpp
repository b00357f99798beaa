// SPDX-License-Identifier: Apache-2.0
// How we speak TLS to clients with one set of certificates (at most one per kind of key): versions,
// ciphers, groups, tickets, ALPN, and which certificates of theirs are asked for.
//
// Immutable; made off the workers, shared by all of them. Versions and ciphers by Mozilla's Server
// Side TLS 5.7, without the finite-field groups; no renegotiation, no compression, no early data.
// A session is resumed only under the same rules for clients (its session id context), and the
// host is looked at before it is resumed: else a session of one host would open another. One that
// is kept here, for a client without tickets, only with the same certificates and policy, too.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "dataplane/tls/certificate.hpp"
#include "dataplane/tls/client_rules.hpp"
#include "dataplane/tls/openssl_ptr.hpp"
#include "dataplane/tls/session_cache.hpp"

namespace evergate::tls {

// What holds for all hosts.
struct ServerProfile {
    model::TlsPolicy policy = model::TlsPolicy::intermediate;

    friend bool operator==(const ServerProfile&, const ServerProfile&) = default;
};

class ServerContext {
public:
    // Null, with what is wrong, when OpenSSL refuses a certificate (its key is too small, say).
    static std::shared_ptr<const ServerContext> make(
        std::span<const std::shared_ptr<const Certificate>> certificates,
        const ServerProfile& profile, std::shared_ptr<const ClientRules> clients,
        std::string& wrong);

    SSL_CTX* get() const noexcept { return context_.get(); }

    // Null: clients are asked for no certificate.
    const std::shared_ptr<const ClientRules>& clients() const noexcept { return clients_; }

    // For a connection that shows what another context has: its client is asked, and resumes, as
    // with this one. False when there is no memory.
    bool askClientOf(SSL* ssl) const;

    // Names certificates, policy and rules: the same for a context that was made anew of the same.
    const SessionCache::Scope& sessionScope() const noexcept { return sessionScope_; }

private:
    ServerContext(OpensslPtr<SSL_CTX> context, std::shared_ptr<const ClientRules> clients,
                  const SessionCache::Scope& sessionScope)
        : context_(std::move(context)), clients_(std::move(clients)), sessionScope_(sessionScope) {}

    OpensslPtr<SSL_CTX> context_;
    std::shared_ptr<const ClientRules> clients_;
    SessionCache::Scope sessionScope_;
};

// Options that hold for both sides, ours towards clients and ours towards endpoints.
bool setCommonOptions(SSL_CTX* context);

}  // namespace evergate::tls
