// SPDX-License-Identifier: Apache-2.0
// What a certificate's authority says about it (OCSP, RFC 6960; in the light form of RFC 5019: no
// nonce, so that responders may answer from a cache): the question, and what an answer is worth.
//
// Pure; the time is an argument. Answers come over plain HTTP from anybody: only one that the
// certificate's issuer signed, or somebody it named for that (id-kp-OCSPSigning), and that says
// until when it holds, is worth anything.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/tls/certificate.hpp"

namespace evergate::tls {

enum class OcspOutcome : std::uint8_t {
    good,
    revoked,
    unknown,      // the responder does not know the certificate
    refused,      // it answers with an error
    invalid,      // not an answer, not by who may give it, or out of its time
    unreachable,  // no address, no connection, or not in time
    forbidden,    // we do not ask such a responder
    noIssuer,     // the chain lacks the issuer, without which nothing can be asked or verified
    count_,
};

std::string_view name(OcspOutcome outcome) noexcept;

struct OcspVerdict {
    OcspOutcome outcome = OcspOutcome::invalid;
    std::int64_t thisUpdate = 0;  // UNIX time; when it was so
    std::int64_t nextUpdate = 0;  // and until when that may be believed
    std::string detail;           // for people, in fixed words
};

class OcspQuestion {
public:
    // Nothing when the certificate names no responder.
    static std::optional<OcspQuestion> about(std::shared_ptr<const Certificate> certificate);

    // As the certificate has it: any text. The first one for http.
    const std::string& responder() const noexcept { return responder_; }

    // DER; empty when the chain lacks the issuer.
    const std::string& request() const noexcept { return request_; }

    OcspVerdict judge(std::string_view response, std::int64_t now) const;

private:
    OcspQuestion() = default;

    std::shared_ptr<const Certificate> certificate_;
    X509* issuer_ = nullptr;  // the certificate's
    std::string responder_;
    std::string request_;
};

}  // namespace evergate::tls
