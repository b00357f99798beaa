// SPDX-License-Identifier: Apache-2.0
#include "tests/support/temporary_certificate.hpp"

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <stdexcept>

namespace evergate::test {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

constexpr long kHour = 3600;

void require(bool ok, const char* what) {
    if (!ok) {
        throw std::runtime_error(std::string("temporary certificate: ") + what);
    }
}

std::string textOf(const Bio& bio) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string pemOf(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
    require(PEM_write_bio_X509(bio.get(), certificate) == 1, "PEM of the certificate");
    return textOf(bio);
}

std::string pemOf(EVP_PKEY* key) {
    const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
    require(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
            "PEM of the key");
    return textOf(bio);
}

void addExtension(X509* certificate, X509* issuer, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
    require(extension != nullptr, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

Certificate blank(EVP_PKEY* key, const std::string& commonName, std::chrono::seconds lifetime) {
    Certificate certificate(X509_new(), X509_free);
    std::uint32_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), static_cast<long>(serial >> 1U) + 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -24 * kHour);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), lifetime.count());
    X509_set_pubkey(certificate.get(), key);
    auto* const name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(commonName.c_str()), -1, -1,
                               0);
    return certificate;
}

std::string alternativeNames(const CertificateRequest& request) {
    std::string names;
    const auto add = [&](const char* type, const std::vector<std::string>& values) {
        for (const auto& value : values) {
            names += (names.empty() ? "" : ",") + std::string(type) + ":" + value;
        }
    };
    add("DNS", request.dnsNames);
    add("IP", request.addresses);
    add("URI", request.uris);
    return names;
}

}  // namespace

struct TemporaryAuthority::Keys {
    Key key{EVP_EC_gen("P-256"), EVP_PKEY_free};
    Certificate certificate{nullptr, X509_free};
};

TemporaryAuthority::TemporaryAuthority(const std::string& commonName,
                                       const TemporaryAuthority* issuer)
    : keys_(std::make_unique<Keys>()) {
    require(keys_->key != nullptr, "key");
    keys_->certificate = blank(keys_->key.get(), commonName, std::chrono::hours(24));
    auto* const certificate = keys_->certificate.get();
    const Keys& signer = issuer == nullptr ? *keys_ : *issuer->keys_;
    X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate.get()));
    addExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    addExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    require(X509_sign(certificate, signer.key.get(), EVP_sha256()) != 0, "signature");
    certificatePem_ = pemOf(certificate);
}

TemporaryAuthority::~TemporaryAuthority() = default;

CertificateAndKey TemporaryAuthority::issue(const CertificateRequest& request) const {
    const Key key(request.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"), EVP_PKEY_free);
    require(key != nullptr, "key");
    const auto certificate = blank(key.get(), request.commonName, request.lifetime);
    auto* const issuer = keys_->certificate.get();
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
    addExtension(certificate.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
    addExtension(certificate.get(), issuer, NID_ext_key_usage,
                 request.signsAnswers ? "OCSPSigning" : "serverAuth,clientAuth");
    if (!request.responder.empty()) {
        addExtension(certificate.get(), issuer, NID_info_access, "OCSP;URI:" + request.responder);
    }
    if (const auto names = alternativeNames(request); !names.empty()) {
        addExtension(certificate.get(), issuer, NID_subject_alt_name, names);
    }
    require(X509_sign(certificate.get(), keys_->key.get(), EVP_sha256()) != 0, "signature");
    return {pemOf(certificate.get()), pemOf(key.get())};
}

std::string TemporaryAuthority::revoke(const std::vector<std::string>& certificates,
                                       std::chrono::seconds lifetime) const {
    const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> list(X509_CRL_new(), X509_CRL_free);
    const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> when(
        X509_gmtime_adj(nullptr, -2 * kHour), ASN1_TIME_free);
    const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> next(
        X509_gmtime_adj(nullptr, lifetime.count()), ASN1_TIME_free);
    X509_CRL_set_version(list.get(), 1);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(keys_->certificate.get()));
    X509_CRL_set1_lastUpdate(list.get(), when.get());
    X509_CRL_set1_nextUpdate(list.get(), next.get());
    for (const std::string& text : certificates) {
        const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free);
        const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr),
                                      X509_free);
        require(certificate != nullptr, "a certificate to revoke");
        X509_REVOKED* const entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get()));
        X509_REVOKED_set_revocationDate(entry, when.get());
        X509_CRL_add0_revoked(list.get(), entry);
    }
    X509_CRL_sort(list.get());
    require(X509_CRL_sign(list.get(), keys_->key.get(), EVP_sha256()) != 0, "signature of a list");
    const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
    require(PEM_write_bio_X509_CRL(bio.get(), list.get()) == 1, "PEM of a list");
    return textOf(bio);
}

std::string TemporaryAuthority::answer(const std::string& text, const OcspSaid& said) const {
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    const std::unique_ptr<OCSP_REQUEST, decltype(&OCSP_REQUEST_free)> request(
        d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(text.size())), OCSP_REQUEST_free);
    require(request && OCSP_request_onereq_count(request.get()) == 1, "a question");
    OCSP_CERTID* const id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request.get(), 0));
    using Time = std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)>;
    const Time begin(X509_gmtime_adj(nullptr, said.begins), ASN1_TIME_free);
    const Time end(said.ends == 0 ? nullptr : X509_gmtime_adj(nullptr, said.ends), ASN1_TIME_free);
    constexpr std::array kStatus{V_OCSP_CERTSTATUS_GOOD, V_OCSP_CERTSTATUS_REVOKED,
                                 V_OCSP_CERTSTATUS_UNKNOWN};
    const std::unique_ptr<OCSP_BASICRESP, decltype(&OCSP_BASICRESP_free)> basic(
        OCSP_BASICRESP_new(), OCSP_BASICRESP_free);
    OCSP_basic_add1_status(basic.get(), id, kStatus[static_cast<std::size_t>(said.status)], 0,
                           begin.get(), begin.get(), end.get());
    Certificate certificate(nullptr, X509_free);
    Key key(nullptr, EVP_PKEY_free);
    if (said.signer != nullptr) {
        const Bio first(BIO_new_mem_buf(said.signer->certificatePem.c_str(), -1), BIO_free);
        const Bio second(BIO_new_mem_buf(said.signer->keyPem.c_str(), -1), BIO_free);
        certificate.reset(PEM_read_bio_X509(first.get(), nullptr, nullptr, nullptr));
        key.reset(PEM_read_bio_PrivateKey(second.get(), nullptr, nullptr, nullptr));
    }
    require(OCSP_basic_sign(basic.get(), certificate ? certificate.get() : keys_->certificate.get(),
                            key ? key.get() : keys_->key.get(), EVP_sha256(), nullptr,
                            said.signer != nullptr ? 0UL : OCSP_NOCERTS) == 1,
            "signature of an answer");
    const std::unique_ptr<OCSP_RESPONSE, decltype(&OCSP_RESPONSE_free)> response(
        OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()), OCSP_RESPONSE_free);
    unsigned char* bytes = nullptr;
    const int size = i2d_OCSP_RESPONSE(response.get(), &bytes);
    require(size > 0, "an answer");
    std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return der;
}

TemporaryDirectory::TemporaryDirectory() {
    auto pattern = (std::filesystem::temp_directory_path() / "evergate-test-XXXXXX").string();
    require(::mkdtemp(pattern.data()) != nullptr, "temporary directory");
    path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    const auto fresh = path_ / (name + ".new");
    std::ofstream(fresh, std::ios::binary) << text;
    std::filesystem::rename(fresh, file);
    return file.string();
}

}  // namespace evergate::test
