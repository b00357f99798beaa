// SPDX-License-Identifier: Apache-2.0
// What the first certificate of a PEM chain says about itself: all that may be shown of a
// Certificate. Pure; total: outside text gives an answer or a problem.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct x509_st;  // OpenSSL's X509

namespace evergate::model {

struct CertificateInfo {
    std::vector<std::string> names{};  // DNS names it is valid for, lower case, as written: "*.a.b"
    std::int64_t notBefore = 0;        // seconds since 1970
    std::int64_t notAfter = 0;
    std::string fingerprint{};  // SHA-256 of its DER form, lower-case hex

    friend bool operator==(const CertificateInfo&, const CertificateInfo&) = default;
};

CertificateInfo describe(const x509_st& certificate);

// Nothing when the text does not begin with a certificate.
std::optional<CertificateInfo> describeChain(std::string_view pem);

// Whether one of `names` is good for `host` (RFC 6125: a star stands for one label, the first). A
// host "*.a.b" needs that very name.
bool covers(const std::vector<std::string>& names, std::string_view host);

}  // namespace evergate::model
