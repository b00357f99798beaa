// SPDX-License-Identifier: Apache-2.0
// How we speak TLS to the endpoints of a backend: whom we trust.
//
// Immutable; made off the workers, shared by all of them and by every backend that trusts the same.
#pragma once

#include <memory>
#include <string>

#include "dataplane/tls/openssl_ptr.hpp"

namespace evergate::tls {

class ClientContext {
public:
    // `authorities`: PEM; empty: the system's. They matter only with `verify`. Null, with what is
    // wrong, when they cannot be used.
    static std::shared_ptr<const ClientContext> make(bool verify, const std::string& authorities,
                                                     std::string& wrong);

    SSL_CTX* get() const noexcept { return context_.get(); }

    bool verifies() const noexcept { return verify_; }

    const std::string& authorities() const noexcept { return authorities_; }

private:
    ClientContext(OpensslPtr<SSL_CTX> context, bool verify, std::string authorities)
        : context_(std::move(context)), verify_(verify), authorities_(std::move(authorities)) {}

    OpensslPtr<SSL_CTX> context_;
    bool verify_;
    std::string authorities_;
};

}  // namespace evergate::tls
