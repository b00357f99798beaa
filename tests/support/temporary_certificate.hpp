// SPDX-License-Identifier: Apache-2.0
// A certificate authority made for one test, and certificates signed by it.
//
// Keys are P-256 and valid for a day; nothing touches the disk unless asked.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace evergate::test {

struct CertificateAndKey {
    std::string certificatePem;
    std::string keyPem;
};

struct CertificateRequest {
    std::string commonName = "test";
    std::vector<std::string> dnsNames{};
    std::vector<std::string> addresses{};  // IP literals
    std::vector<std::string> uris{};
    bool rsa = false;                                        // instead of ECDSA P-256
    std::chrono::seconds lifetime = std::chrono::hours(24);  // negative: it ended so long ago
    std::string responder{};    // where its authority answers about it (OCSP); empty: nowhere
    bool signsAnswers = false;  // is for that (id-kp-OCSPSigning)
};

// What an authority says about one certificate.
struct OcspSaid {
    enum class Status { good, revoked, unknown };
    Status status = Status::good;
    long begins = -3600;                        // seconds from now
    long ends = 3600;                           // 0: it does not say
    const CertificateAndKey* signer = nullptr;  // null: the authority itself
};

class TemporaryAuthority {
public:
    // `issuer`: who signed it; null: itself.
    explicit TemporaryAuthority(const std::string& commonName = "test authority",
                                const TemporaryAuthority* issuer = nullptr);
    ~TemporaryAuthority();

    const std::string& certificatePem() const noexcept { return certificatePem_; }

    CertificateAndKey issue(const CertificateRequest& request) const;
    // The list of what it revoked (PEM), good for so long; these certificates are on it.
    std::string revoke(const std::vector<std::string>& certificates,
                       std::chrono::seconds lifetime = std::chrono::hours(24)) const;
    // The response (DER) to an OCSP request (DER), about the first certificate it names.
    std::string answer(const std::string& request, const OcspSaid& said = {}) const;

private:
    struct Keys;
    std::unique_ptr<Keys> keys_;
    std::string certificatePem_;
};

// A directory that goes with the object.
class TemporaryDirectory {
public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }

    // Writes a file in it, replacing an old one; the path.
    std::string write(const std::string& name, const std::string& text) const;

private:
    std::filesystem::path path_;
};

}  // namespace evergate::test
