// SPDX-License-Identifier: Apache-2.0
// A certificate chain with its key, parsed and found to belong together.
//
// Immutable; made off the workers, shared by every snapshot that has the same model value. What is
// wrong is told without a byte of the input: a key never gets into a problem.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/model/values.hpp"
#include "dataplane/tls/openssl_ptr.hpp"

namespace evergate::tls {

class Certificate {
public:
    // The problem's `where` is the field: "chain" or "key".
    static std::variant<std::shared_ptr<const Certificate>, model::Problem> load(
        const model::Certificate& value);
    // For clients that ask for nothing we have. Null when the system gives no randomness.
    static std::shared_ptr<const Certificate> selfSigned();

    X509* leaf() const noexcept { return leaf_.get(); }

    EVP_PKEY* key() const noexcept { return key_.get(); }

    const std::vector<OpensslPtr<X509>>& issuers() const noexcept { return issuers_; }

    // Lower case; of the model value, or else the DNS names in the certificate.
    const std::vector<std::string>& hosts() const noexcept { return hosts_; }

    std::int64_t notAfter() const noexcept { return notAfter_; }  // UNIX time

    // With key and issuers, beside those of other kinds. False: OpenSSL refuses it.
    bool useIn(SSL_CTX* context) const;

    // "RSA", "EC", ...: certificates of different kinds can serve one host together.
    const std::string& keyType() const noexcept { return keyType_; }

private:
    Certificate() = default;
    void takeFacts();

    OpensslPtr<X509> leaf_;
    std::vector<OpensslPtr<X509>> issuers_;
    OpensslPtr<EVP_PKEY> key_;
    std::vector<std::string> hosts_;
    std::int64_t notAfter_ = 0;
    std::string keyType_;
};

// With its name in the configuration.
struct NamedCertificate {
    std::string name;
    std::shared_ptr<const Certificate> certificate;

    friend bool operator==(const NamedCertificate&, const NamedCertificate&) = default;
};

}  // namespace evergate::tls
