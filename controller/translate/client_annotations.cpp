// SPDX-License-Identifier: Apache-2.0
// Which clients are let in by their certificates: on Ingresses only, for their hosts. A wrong value
// never opens anything.
#include <array>

#include "controller/objects/objects.hpp"
#include "controller/translate/annotation_table.hpp"

namespace evergate::controller {
namespace {

using model::ClientCertificates;

constexpr auto kIngress = AnnotationScope::ingress;
constexpr std::uint32_t kMaxDepth = 10;

bool isSecretReference(std::string_view text) {
    const std::size_t slash = text.find('/');
    return slash == std::string_view::npos
               ? isObjectName(text)
               : isObjectName(text.substr(0, slash)) && isObjectName(text.substr(slash + 1));
}

Complaint mode(std::string_view text, RouteClaim& claim) {
    claim.clients.mode = ClientCertificates::required;
    if (text == "off") {
        claim.clients.mode = ClientCertificates::off;
    } else if (text == "optional") {
        claim.clients.mode = ClientCertificates::optional;
    } else if (text != "required") {
        return "must be off, optional or required";
    }
    return {};
}

Complaint authorities(std::string_view text, RouteClaim& claim) {
    claim.clients.authorities = std::string(text);
    return isSecretReference(text)
               ? Complaint()
               : "must be the name of a Secret, or its namespace and name with a / between";
}

Complaint depth(std::string_view text, RouteClaim& claim) {
    std::uint32_t value = 0;
    claim.clients.depth = 0;
    if (!readCount(text, value).empty() || value > kMaxDepth) {
        return "must be a number from 0 to 10";
    }
    claim.clients.depth = value;
    return {};
}

Complaint headers(std::string_view text, RouteClaim& claim) {
    claim.route.clientCertificateHeaders = true;
    return readFlag(text, claim.route.clientCertificateHeaders);
}

constexpr std::array kRows = {
    AnnotationRow{annotation::kClientCertificates, kIngress, "`off`, `optional`, `required`", "off",
                  "Whether clients are asked for a certificate in the handshake. `required`: those "
                  "without a good one get no further; `optional`: those that show none are served "
                  "too.",
                  "required", "`auth-tls-verify-client`", nullptr, mode, AnnotationNeeds::nothing,
                  "taken as required"},
    AnnotationRow{annotation::kClientCa, kIngress, "a Secret: `NAME` or `NAMESPACE/NAME`", "",
                  "Who may have signed them: the authorities in `ca.crt` of this Secret of type "
                  "`kubernetes.io/tls`. With `ca.crl`, lists of revoked ones (PEM), one of every "
                  "authority of a chain has to be in there. Asks for `client-certificates: "
                  "required` unless that says otherwise.",
                  "partners", "`auth-tls-secret`", nullptr, authorities, AnnotationNeeds::nothing,
                  "nobody is let in"},
    AnnotationRow{annotation::kClientVerifyDepth, kIngress, "0 to 10", "3",
                  "Intermediate authorities there may be between a client's certificate and one "
                  "of `client-ca`.",
                  "1", "`auth-tls-verify-depth` (which counts one more)", nullptr, depth,
                  AnnotationNeeds::nothing, "taken as 0"},
    AnnotationRow{annotation::kClientCertificateHeaders, kIngress, "`true`, `false`", "false",
                  "Tells the Service who the client is: `X-SSL-Client-Verify` (`SUCCESS`, `NONE`), "
                  "`-Subject`, `-Issuer`, `-Serial`, `-Fingerprint`. What clients say in such "
                  "headers themselves is taken away.",
                  "true", "`auth-tls-pass-certificate-to-upstream` (the whole certificate)",
                  nullptr, headers, AnnotationNeeds::nothing, "taken as true"},
};

}  // namespace

std::span<const AnnotationRow> clientAnnotations() noexcept {
    return kRows;
}

}  // namespace evergate::controller
