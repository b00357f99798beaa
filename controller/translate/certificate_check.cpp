// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/certificate_check.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "controller/translate/pem.hpp"

namespace evergate::controller {
namespace {

constexpr const char* kCertificateField = "data[\"tls.crt\"]";
constexpr const char* kKeyField = "data[\"tls.key\"]";
// Every handshake sends the whole chain.
constexpr int kMaxChain = 16;
constexpr int kMinRsaBits = 2048;
// A signature takes time with the cube of this, and any client may ask for one.
constexpr int kMaxRsaBits = 8192;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

void freeChain(STACK_OF(X509) * chain) {
    sk_X509_pop_free(chain, X509_free);
}

using Chain = std::unique_ptr<STACK_OF(X509), decltype(&freeChain)>;

// OpenSSL's words for what went wrong last, which quote nothing.
std::string lastReason() {
    const char* text = ERR_reason_error_string(ERR_peek_last_error());
    return text == nullptr ? "no reason given" : text;
}

std::variant<Chain, CertificateFault> parseChain(const std::string& text) {
    const auto fault = [](std::string what) {
        return CertificateFault{kCertificateField, std::move(what)};
    };
    if (text.empty()) {
        return fault("is missing or empty");
    }
    const pem::Bio bio = pem::bioOf(text);
    Chain chain(sk_X509_new_null(), freeChain);
    for (;;) {
        pem::Certificate next = pem::readCertificate(*bio);
        if (next == nullptr) {
            break;
        }
        if (sk_X509_num(chain.get()) == kMaxChain) {
            return fault("has more than " + std::to_string(kMaxChain) + " certificates");
        }
        sk_X509_push(chain.get(), next.release());
    }
    const int count = sk_X509_num(chain.get());
    if (!pem::atEnd()) {
        return fault("certificate " + std::to_string(count + 1) +
                     " of it cannot be read: " + lastReason());
    }
    return count > 0 ? std::variant<Chain, CertificateFault>(std::move(chain))
                     : fault("has no PEM block CERTIFICATE");
}

std::variant<Key, CertificateFault> parseKey(const std::string& text) {
    const auto fault = [](std::string what) {
        return CertificateFault{kKeyField, std::move(what)};
    };
    if (text.empty()) {
        return fault("is missing or empty");
    }
    if (text.find("ENCRYPTED") != std::string::npos) {
        return fault("is encrypted; a key without passphrase is needed");
    }
    const pem::Bio bio = pem::bioOf(text);
    Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, pem::noPassphrase, nullptr), EVP_PKEY_free);
    return key != nullptr ? std::variant<Key, CertificateFault>(std::move(key))
                          : fault("has no private key in PEM that can be read");
}

// Why a key of this kind is not used, or nothing.
std::optional<std::string> keyFault(const EVP_PKEY* key) {
    const int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        return bits >= kMinRsaBits && bits <= kMaxRsaBits
                   ? std::nullopt
                   : std::optional("is an RSA key of " + std::to_string(bits) + " bits; " +
                                   std::to_string(kMinRsaBits) + " to " +
                                   std::to_string(kMaxRsaBits) + " are served");
    }
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        std::array<char, 80> group{};
        std::size_t size = 0;
        EVP_PKEY_get_group_name(key, group.data(), group.size(), &size);
        const std::string_view name(group.data(), std::min(size, group.size()));
        return name == "prime256v1" || name == "secp384r1" || name == "secp521r1"
                   ? std::nullopt
                   : std::optional<std::string>("is on a curve other than P-256, P-384 and P-521");
    }
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519
               ? std::nullopt
               : std::optional<std::string>("is neither RSA, ECDSA nor Ed25519");
}

}  // namespace

struct CertificateCheck::Context {
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> ssl{SSL_CTX_new(TLS_server_method()),
                                                          SSL_CTX_free};
};

CertificateCheck::CertificateCheck() : context_(std::make_unique<Context>()) {}

CertificateCheck::~CertificateCheck() = default;

CheckedCertificate CertificateCheck::check(const TlsKeyPair& pair) {
    ERR_clear_error();
    auto parsed = parseChain(pair.chain);
    if (auto* fault = std::get_if<CertificateFault>(&parsed)) {
        return std::move(*fault);
    }
    auto parsedKey = parseKey(pair.key);
    if (auto* fault = std::get_if<CertificateFault>(&parsedKey)) {
        return std::move(*fault);
    }
    const Chain chain = std::get<Chain>(std::move(parsed));
    const Key key = std::get<Key>(std::move(parsedKey));
    const pem::Certificate first(sk_X509_shift(chain.get()), X509_free);
    if (const auto why = keyFault(key.get())) {
        return CertificateFault{kKeyField, *why};
    }
    if (X509_check_private_key(first.get(), key.get()) != 1) {
        return CertificateFault{kKeyField, "does not belong to the first certificate of tls.crt"};
    }
    ERR_clear_error();
    // Not the context itself: that would keep the key.
    const std::unique_ptr<SSL, decltype(&SSL_free)> user(SSL_new(context_->ssl.get()), SSL_free);
    if (SSL_use_cert_and_key(user.get(), first.get(), key.get(), chain.get(), 1) != 1) {
        return CertificateFault{kCertificateField, "is refused by OpenSSL: " + lastReason()};
    }
    auto info = model::describeChain(pair.chain);
    return info ? CheckedCertificate(*std::move(info))
                : CertificateFault{kCertificateField, "cannot be read"};
}

}  // namespace evergate::controller
