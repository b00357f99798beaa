// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/ocsp.hpp"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

namespace evergate::tls {
namespace {

// Clocks of authorities and ours may differ by this much.
constexpr std::int64_t kSkewSeconds = 300;

struct OcspDelete {
    void operator()(OCSP_REQUEST* object) const noexcept { OCSP_REQUEST_free(object); }

    void operator()(OCSP_RESPONSE* object) const noexcept { OCSP_RESPONSE_free(object); }

    void operator()(OCSP_BASICRESP* object) const noexcept { OCSP_BASICRESP_free(object); }

    void operator()(OCSP_CERTID* object) const noexcept { OCSP_CERTID_free(object); }

    void operator()(STACK_OF(X509) * object) const noexcept { sk_X509_free(object); }

    void operator()(STACK_OF(OPENSSL_STRING) * object) const noexcept { X509_email_free(object); }

    void operator()(unsigned char* object) const noexcept { OPENSSL_free(object); }
};

template <typename T>
using OcspPtr = std::unique_ptr<T, OcspDelete>;

// SHA-1 names the issuer here and proves nothing; it is what every responder takes (RFC 5019
// §2.1.1).
OcspPtr<OCSP_CERTID> idOf(X509* certificate, X509* issuer) {
    return OcspPtr<OCSP_CERTID>(OCSP_cert_to_id(EVP_sha1(), certificate, issuer));
}

std::string responderOf(X509* certificate) {
    const OcspPtr<STACK_OF(OPENSSL_STRING)> all(X509_get1_ocsp(certificate));
    for (int i = 0; all && i < sk_OPENSSL_STRING_num(all.get()); ++i) {
        const std::string_view text = sk_OPENSSL_STRING_value(all.get(), i);
        if (text.starts_with("http://"))
            return std::string(text);
    }
    return {};
}

X509* issuerOf(const Certificate& certificate) {
    for (const auto& each : certificate.issuers()) {
        if (X509_check_issued(each.get(), certificate.leaf()) == X509_V_OK)
            return each.get();
    }
    return nullptr;
}

std::string requestFor(X509* certificate, X509* issuer) {
    const OcspPtr<OCSP_REQUEST> request(OCSP_REQUEST_new());
    OcspPtr<OCSP_CERTID> id = idOf(certificate, issuer);
    if (!request || !id || OCSP_request_add0_id(request.get(), id.get()) == nullptr)
        return {};
    static_cast<void>(id.release());  // the request's
    unsigned char* bytes = nullptr;
    const int size = i2d_OCSP_REQUEST(request.get(), &bytes);
    const OcspPtr<unsigned char> owner(bytes);
    return size <= 0
               ? std::string()
               : std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

// Only the issuer is trusted, and whom it named.
bool signedBy(OCSP_BASICRESP* answer, X509* issuer, std::int64_t now) {
    const OpensslPtr<X509_STORE> store(X509_STORE_new());
    const OcspPtr<STACK_OF(X509)> known(sk_X509_new_null());
    if (!store || !known || X509_STORE_add_cert(store.get(), issuer) != 1 ||
        sk_X509_push(known.get(), issuer) == 0)
        return false;
    X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store.get()), static_cast<std::time_t>(now));
    return OCSP_basic_verify(answer, known.get(), store.get(),
                             OCSP_PARTIAL_CHAIN | OCSP_NOEXPLICIT) == 1;
}

OcspVerdict invalid(const char* what) {
    ERR_clear_error();
    return {OcspOutcome::invalid, 0, 0, what};
}

OcspPtr<OCSP_RESPONSE> parse(std::string_view text) {
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    const unsigned char* const end = at + text.size();
    OcspPtr<OCSP_RESPONSE> response(
        d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(text.size())));
    if (at != end)
        response.reset();
    return response;
}

}  // namespace

std::string_view name(OcspOutcome outcome) noexcept {
    static constexpr std::array<std::string_view, static_cast<std::size_t>(OcspOutcome::count_)>
        kNames{"good",    "revoked",     "unknown",   "refused",
               "invalid", "unreachable", "forbidden", "no_issuer"};
    return kNames[static_cast<std::size_t>(outcome)];
}

std::optional<OcspQuestion> OcspQuestion::about(std::shared_ptr<const Certificate> certificate) {
    OcspQuestion question;
    question.responder_ = responderOf(certificate->leaf());
    if (question.responder_.empty()) {
        ERR_clear_error();
        return std::nullopt;
    }
    question.issuer_ = issuerOf(*certificate);
    if (question.issuer_ != nullptr)
        question.request_ = requestFor(certificate->leaf(), question.issuer_);
    question.certificate_ = std::move(certificate);
    ERR_clear_error();
    return question;
}

OcspVerdict OcspQuestion::judge(std::string_view text, std::int64_t now) const {
    ERR_clear_error();
    const OcspPtr<OCSP_RESPONSE> response = parse(text);
    if (!response)
        return invalid("is not an OCSP response");
    if (const int status = OCSP_response_status(response.get());
        status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return {OcspOutcome::refused, 0, 0, OCSP_response_status_str(status)};
    const OcspPtr<OCSP_BASICRESP> answer(OCSP_response_get1_basic(response.get()));
    const OcspPtr<OCSP_CERTID> id = idOf(certificate_->leaf(), issuer_);
    if (!answer || !id)
        return invalid("has no basic response");
    if (!signedBy(answer.get(), issuer_, now))
        return invalid("is not signed by the certificate's issuer or by whom it named");
    int status = 0;
    ASN1_GENERALIZEDTIME* begin = nullptr;
    ASN1_GENERALIZEDTIME* end = nullptr;
    if (OCSP_resp_find_status(answer.get(), id.get(), &status, nullptr, nullptr, &begin, &end) != 1)
        return invalid("is about another certificate");
    ERR_clear_error();
    OcspVerdict verdict{OcspOutcome::good, unixTime(begin), unixTime(end), {}};
    if (status == V_OCSP_CERTSTATUS_REVOKED) {
        verdict.outcome = OcspOutcome::revoked;
        verdict.detail = "the certificate is revoked";
    } else if (status != V_OCSP_CERTSTATUS_GOOD) {
        verdict.outcome = OcspOutcome::unknown;
        verdict.detail = "the responder does not know the certificate";
    } else if (verdict.thisUpdate > now + kSkewSeconds || verdict.nextUpdate <= now) {
        return invalid(end == nullptr ? "does not say until when it holds" : "is out of its time");
    }
    return verdict;
}

}  // namespace evergate::tls
