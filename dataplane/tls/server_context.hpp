// SPDX-License-Identifier: Apache-2.0
// How we speak TLS to clients with one set of certificates (at most one per kind of key): versions,
// ciphers, groups, tickets, ALPN.
//
// Immutable; made off the workers, shared by all of them. TLS 1.2 and 1.3 with Mozilla's
// "intermediate" ciphers; no renegotiation, no compression, no early data.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "dataplane/tls/certificate.hpp"
#include "dataplane/tls/openssl_ptr.hpp"

namespace evergate::tls {

class ServerContext {
public:
    // Null, with what is wrong, when OpenSSL refuses a certificate (its key is too small, say).
    static std::shared_ptr<const ServerContext> make(
        std::span<const std::shared_ptr<const Certificate>> certificates, std::string& wrong);

    SSL_CTX* get() const noexcept { return context_.get(); }

private:
    explicit ServerContext(OpensslPtr<SSL_CTX> context) : context_(std::move(context)) {}

    OpensslPtr<SSL_CTX> context_;
};

// Options that hold for both sides, ours towards clients and ours towards endpoints.
bool setCommonOptions(SSL_CTX* context);

}  // namespace evergate::tls
