// SPDX-License-Identifier: Apache-2.0
// A self-signed certificate with its key, of any kind, good or bad: made in memory, for one test.
// (temporary_certificate.hpp has an authority that issues good ones.)
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace evergate::test {

struct SelfSignedRequest {
    std::vector<std::string> names{};  // DNS
    std::string key = "P-256";         // a curve, "RSA-2048" or any other size, "ED25519"
    long notBefore = -3600;            // seconds from now
    long notAfter = 3600;
    std::string passphrase{};  // of the key; empty: none
    const EVP_MD* digest = EVP_sha256();
    bool issued = false;  // by somebody else after all
};

struct SelfSigned {
    std::string chain;
    std::string key;
};

namespace self_signed {

template <typename Write>
std::string pem(const Write& write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
    if (write(bio.get()) != 1) {
        throw std::runtime_error("self-signed: PEM");
    }
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

inline EVP_PKEY* newKey(const std::string& kind) {
    if (kind.starts_with("RSA-")) {
        return EVP_RSA_gen(static_cast<unsigned>(std::stoul(kind.substr(4))));
    }
    if (kind == "ED25519") {
        return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    }
    return EVP_EC_gen(kind.c_str());
}

}  // namespace self_signed

inline SelfSigned selfSigned(const SelfSignedRequest& request) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(self_signed::newKey(request.key),
                                                                  EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
    X509* x = certificate.get();
    std::uint32_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), static_cast<long>(serial >> 1U) + 1);
    X509_gmtime_adj(X509_getm_notBefore(x), request.notBefore);
    X509_gmtime_adj(X509_getm_notAfter(x), request.notAfter);
    X509_set_pubkey(x, key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("self-signed"), -1, -1, 0);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> issuer(
        request.issued ? EVP_EC_gen("P-256") : nullptr, EVP_PKEY_free);
    const std::unique_ptr<X509_NAME, decltype(&X509_NAME_free)> other(X509_NAME_new(),
                                                                      X509_NAME_free);
    X509_NAME_add_entry_by_txt(other.get(), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("issuer"), -1, -1, 0);
    X509_set_issuer_name(x, issuer == nullptr ? X509_get_subject_name(x) : other.get());
    std::string names;
    for (const std::string& name : request.names) {
        names += (names.empty() ? "DNS:" : ",DNS:") + name;
    }
    if (!names.empty()) {
        X509_EXTENSION* extension =
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
        X509_add_ext(x, extension, -1);
        X509_EXTENSION_free(extension);
    }
    EVP_PKEY* signer = issuer == nullptr ? key.get() : issuer.get();
    if (X509_sign(x, signer, request.key == "ED25519" ? nullptr : request.digest) == 0) {
        throw std::runtime_error("self-signed: signature");
    }
    const char* secret = request.passphrase.empty() ? nullptr : request.passphrase.c_str();
    return {self_signed::pem([&](BIO* bio) { return PEM_write_bio_X509(bio, x); }),
            self_signed::pem([&](BIO* bio) {
                return PEM_write_bio_PKCS8PrivateKey(
                    bio, key.get(), secret == nullptr ? nullptr : EVP_aes_128_cbc(), nullptr, 0,
                    nullptr, const_cast<char*>(secret));
            })};
}

}  // namespace evergate::test
