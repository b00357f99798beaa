// SPDX-License-Identifier: Apache-2.0
#include "common/model/public_json.hpp"

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/model/certificate_info.hpp"
#include "common/model/json.hpp"

namespace evergate::model {

std::string timeText(std::int64_t seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    std::array<char, 40> text{};
    if (::gmtime_r(&time, &parts) == nullptr) {
        return "?";
    }
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

namespace {

std::size_t countOf(std::string_view text, std::string_view what) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; ++count) {
        at += what.size();
    }
    return count;
}

// How many blocks there are, not what is in them: lists of revocations are long.
nlohmann::ordered_json shownOf(const ClientVerification& clients) {
    return {{"mode", clients.mode == ClientCertificates::required ? "required" : "optional"},
            {"depth", clients.depth},
            {"authorities", countOf(clients.authorities, "-----BEGIN CERTIFICATE-----")},
            {"revocations", countOf(clients.revocations, "-----BEGIN X509 CRL-----")}};
}

}  // namespace

std::string encodePublic(const Value& value) {
    const auto* certificate = std::get_if<Certificate>(&value);
    if (certificate == nullptr) {
        return encode(value);
    }
    nlohmann::ordered_json shown{{"hosts", certificate->hosts}, {"origin", certificate->origin}};
    if (const auto info = describeChain(certificate->chain)) {
        shown["names"] = info->names;
        shown["notBefore"] = timeText(info->notBefore);
        shown["notAfter"] = timeText(info->notAfter);
        shown["sha256"] = info->fingerprint;
    }
    if (certificate->clients.mode != ClientCertificates::off) {
        shown["clients"] = shownOf(certificate->clients);
    }
    return shown.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace evergate::model
