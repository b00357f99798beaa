// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/backend_authorities.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <optional>

#include "common/model/json.hpp"
#include "controller/translate/pem.hpp"

namespace evergate::controller {
namespace {

// Every data plane loads them for every backend that wants them.
constexpr int kMaxCertificates = 64;

// What was written to `out`; nothing when it is nothing or over `most` bytes.
std::optional<std::string> textIn(BIO* out, std::size_t most) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    if (size <= 0 || static_cast<std::size_t>(size) > most) {
        return std::nullopt;
    }
    return std::string(data, static_cast<std::size_t>(size));
}

// The certificates of a PEM text, and nothing else of it; nothing when one cannot be read, there is
// none, or there are too many.
std::optional<std::string> certificatesOf(const std::string& text) {
    ERR_clear_error();
    const pem::Bio in = pem::bioOf(text);
    const pem::Bio out(BIO_new(BIO_s_mem()), BIO_free);
    int count = 0;
    for (;; ++count) {
        const pem::Certificate next = pem::readCertificate(*in);
        if (next == nullptr) {
            break;
        }
        if (count == kMaxCertificates || PEM_write_bio_X509(out.get(), next.get()) != 1) {
            return std::nullopt;
        }
    }
    const bool whole = pem::atEnd() && count > 0;
    ERR_clear_error();
    return whole ? textIn(out.get(), model::kMaxPemBytes) : std::nullopt;
}

}  // namespace

std::optional<std::string> revocationsOf(const std::string& text) {
    ERR_clear_error();
    const pem::Bio in = pem::bioOf(text);
    const pem::Bio out(BIO_new(BIO_s_mem()), BIO_free);
    for (;;) {
        const pem::Revocations next = pem::readRevocations(*in);
        if (next == nullptr) {
            break;
        }
        if (PEM_write_bio_X509_CRL(out.get(), next.get()) != 1) {
            return std::nullopt;
        }
    }
    const bool whole = pem::atEnd();
    ERR_clear_error();
    return whole ? textIn(out.get(), model::kMaxStringBytes) : std::nullopt;
}

const Authorities& BackendAuthorities::of(const ObjectName& secret) {
    const auto it = known_.find(secret);
    return it != known_.end() ? it->second : known_.emplace(secret, read(secret)).first->second;
}

Authorities BackendAuthorities::read(const ObjectName& name) const {
    const std::string text = toText({ResourceKind::secret, name});
    const Secret* secret = store_.secret(name);
    if (secret == nullptr) {
        return {{},
                secretsRead_ ? "no " + text + " of type kubernetes.io/tls is known"
                             : "Secrets are not read without an https listener"};
    }
    if (secret->authorities.empty()) {
        return {{}, text + " has no data[\"ca.crt\"] that can be read"};
    }
    auto certificates = certificatesOf(secret->authorities);
    if (!certificates) {
        return {{},
                "data[\"ca.crt\"] of " + text + " is not 1 to " + std::to_string(kMaxCertificates) +
                    " certificates in PEM"};
    }
    return {*std::move(certificates), {}};
}

}  // namespace evergate::controller
