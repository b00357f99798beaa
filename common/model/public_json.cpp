// SPDX-License-Identifier: Apache-2.0
#include "common/model/public_json.hpp"

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

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
    return shown.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace evergate::model
