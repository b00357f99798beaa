// SPDX-License-Identifier: Apache-2.0
#include "common/model/certificate_info.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <span>

#include "common/model/hex.hpp"
#include "common/model/syntax.hpp"

namespace evergate::model {
namespace {

// More names than a real certificate has would only slow every look at them.
constexpr int kMaxNames = 1'000;

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Names = std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)>;

// Without it OpenSSL would ask at the terminal.
int noPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
    return 0;
}

std::int64_t secondsOf(const ASN1_TIME* time) {
    std::tm parts{};
    return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(::timegm(&parts)) : 0;
}

std::vector<std::string> dnsNames(const X509* certificate) {
    const Names names(static_cast<GENERAL_NAMES*>(
                          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
                      GENERAL_NAMES_free);
    std::vector<std::string> found;
    const int count = names == nullptr ? 0 : std::min(sk_GENERAL_NAME_num(names.get()), kMaxNames);
    for (int i = 0; i < count; ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != GEN_DNS) {
            continue;
        }
        const auto* bytes = ASN1_STRING_get0_data(name->d.dNSName);
        const auto size = static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName));
        auto text = lowerCase({reinterpret_cast<const char*>(bytes), size});
        if (isHostName(text, true)) {
            found.push_back(std::move(text));
        }
    }
    return found;
}

std::string fingerprintOf(const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) {
        return {};
    }
    return hexOf(std::span(digest.data(), size));
}

}  // namespace

CertificateInfo describe(const x509_st& certificate) {
    CertificateInfo info{dnsNames(&certificate), secondsOf(X509_get0_notBefore(&certificate)),
                         secondsOf(X509_get0_notAfter(&certificate)), fingerprintOf(&certificate)};
    ERR_clear_error();
    return info;
}

std::optional<CertificateInfo> describeChain(std::string_view pem) {
    if (pem.size() > 1024 * 1024) {
        return std::nullopt;
    }
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, noPassphrase, nullptr),
                                  X509_free);
    if (certificate == nullptr) {
        ERR_clear_error();
        return std::nullopt;
    }
    return describe(*certificate);
}

bool covers(const std::vector<std::string>& names, std::string_view host) {
    const std::size_t dot = host.find('.');
    const bool wildcard = host.starts_with("*.");
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
        return name == host || (!wildcard && dot != std::string_view::npos &&
                                name.starts_with("*.") && name.substr(1) == host.substr(dot));
    });
}

}  // namespace evergate::model
