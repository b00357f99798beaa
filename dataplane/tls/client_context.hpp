// SPDX-License-Identifier: Apache-2.0
// How we speak TLS to the endpoints of a backend: whom we trust, and what we show.
//
// Immutable; made off the workers, shared by all of them and by every backend that wants the
// same.
#pragma once

#include <memory>
#include <string>

#include "dataplane/tls/certificate.hpp"
#include "dataplane/tls/openssl_ptr.hpp"

namespace evergate::tls {

class ClientContext {
public:
    // `authorities`: PEM; empty: the system's. They matter only with `verify`. `shown`: to
    // endpoints that ask for one; null: none is. Null, with what is wrong, when they cannot be
    // used.
    static std::shared_ptr<const ClientContext> make(
        bool verify, const std::string& authorities, std::string& wrong,
        std::shared_ptr<const Certificate> shown = nullptr);

    SSL_CTX* get() const noexcept { return context_.get(); }

    bool verifies() const noexcept { return verify_; }

    const std::string& authorities() const noexcept { return authorities_; }

    const std::shared_ptr<const Certificate>& shown() const noexcept { return shown_; }

private:
    ClientContext(OpensslPtr<SSL_CTX> context, bool verify, std::string authorities,
                  std::shared_ptr<const Certificate> shown)
        : context_(std::move(context)),
          verify_(verify),
          authorities_(std::move(authorities)),
          shown_(std::move(shown)) {}

    OpensslPtr<SSL_CTX> context_;
    bool verify_;
    std::string authorities_;
    std::shared_ptr<const Certificate> shown_;
};

}  // namespace evergate::tls
