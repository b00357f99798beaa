// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/certificate.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <algorithm>
#include <utility>

#include "common/model/certificate_info.hpp"

namespace evergate::tls {
namespace {

constexpr std::size_t kMaxIssuers = 16;
constexpr long kSelfSignedSeconds = 10L * 365 * 24 * 3600;

// A key under a passphrase is an error; OpenSSL would ask the terminal.
int noPassphrase(char*, int, int, void*) {
    return -1;
}

OpensslPtr<BIO> reader(const std::string& text) {
    return OpensslPtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool atEndOfPem() {
    const unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// What is wrong with the chain; empty: nothing.
std::string readChain(const std::string& pem, std::vector<OpensslPtr<X509>>& chain) {
    const OpensslPtr<BIO> bio = reader(pem);
    for (;;) {
        OpensslPtr<X509> one(PEM_read_bio_X509(bio.get(), nullptr, noPassphrase, nullptr));
        if (!one)
            break;
        if (chain.size() > kMaxIssuers)
            return "has more than " + std::to_string(kMaxIssuers + 1) + " certificates";
        chain.push_back(std::move(one));
    }
    if (!atEndOfPem()) {
        return "certificate " + std::to_string(chain.size() + 1) +
               " is not readable: " + takeErrorText();
    }
    ERR_clear_error();
    return chain.empty() ? "has no certificate in PEM" : "";
}

bool fillSelfSigned(X509* certificate, EVP_PKEY* key) {
    std::uint64_t serial = 0;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1)
        return false;
    static constexpr unsigned char kName[] = "Evergate self-signed certificate";
    X509_NAME* const name = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), (serial >> 1U) + 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nullptr &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), kSelfSignedSeconds) != nullptr &&
           X509_set_pubkey(certificate, key) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, kName, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1 &&
           X509_sign(certificate, key, EVP_sha256()) != 0;
}

}  // namespace

void Certificate::takeFacts() {
    model::CertificateInfo info = model::describe(*leaf_);
    notAfter_ = info.notAfter;
    const char* const type = EVP_PKEY_get0_type_name(key_.get());
    keyType_ = type == nullptr ? "" : type;
    if (hosts_.empty())
        hosts_ = std::move(info.names);
}

bool Certificate::useIn(SSL_CTX* context) const {
    if (SSL_CTX_use_certificate(context, leaf_.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, key_.get()) != 1)
        return false;
    return std::all_of(issuers_.begin(), issuers_.end(), [context](const OpensslPtr<X509>& issuer) {
        return SSL_CTX_add1_chain_cert(context, issuer.get()) == 1;
    });
}

std::variant<std::shared_ptr<const Certificate>, model::Problem> Certificate::load(
    const model::Certificate& value) {
    ERR_clear_error();
    std::vector<OpensslPtr<X509>> chain;
    if (std::string wrong = readChain(value.chain, chain); !wrong.empty())
        return model::Problem{"chain", std::move(wrong)};
    std::unique_ptr<Certificate> certificate(new Certificate);
    const OpensslPtr<BIO> bio = reader(value.key);
    certificate->key_.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, noPassphrase, nullptr));
    if (!certificate->key_) {
        return model::Problem{
            "key", "is not a readable private key in PEM without passphrase: " + takeErrorText()};
    }
    if (X509_check_private_key(chain.front().get(), certificate->key_.get()) != 1) {
        return model::Problem{
            "key", "does not belong to the first certificate of chain: " + takeErrorText()};
    }
    certificate->leaf_ = std::move(chain.front());
    chain.erase(chain.begin());
    certificate->issuers_ = std::move(chain);
    certificate->hosts_ = value.hosts;
    certificate->takeFacts();
    return certificate;
}

std::shared_ptr<const Certificate> Certificate::selfSigned() {
    std::unique_ptr<Certificate> certificate(new Certificate);
    certificate->key_.reset(EVP_EC_gen("P-256"));
    certificate->leaf_.reset(X509_new());
    if (!certificate->key_ || !certificate->leaf_ ||
        !fillSelfSigned(certificate->leaf_.get(), certificate->key_.get())) {
        ERR_clear_error();
        return nullptr;
    }
    certificate->takeFacts();
    return certificate;
}

}  // namespace evergate::tls
