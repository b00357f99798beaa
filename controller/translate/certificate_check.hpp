// SPDX-License-Identifier: Apache-2.0
// Whether a certificate and its key can be shown to clients: everything a data plane would refuse,
// found where the object can be named. Pure; nothing throws out of here, and no text it gives has
// anything of the key in it.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "common/model/certificate_info.hpp"
#include "controller/objects/objects.hpp"

namespace evergate::controller {

struct CertificateFault {
    std::string where;  // field of the Secret: data["tls.crt"]
    std::string what;

    friend bool operator==(const CertificateFault&, const CertificateFault&) = default;
};

using CheckedCertificate = std::variant<model::CertificateInfo, CertificateFault>;

// Keeps the OpenSSL context that certificates are tried in. One thread.
class CertificateCheck {
public:
    CertificateCheck();
    ~CertificateCheck();

    // The chain parses whole, its first certificate belongs to the key, both are strong enough.
    // Says nothing about time or names.
    CheckedCertificate check(const TlsKeyPair& pair);

private:
    struct Context;
    std::unique_ptr<Context> context_;
};

}  // namespace evergate::controller
