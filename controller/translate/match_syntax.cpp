// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/match_syntax.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "common/model/syntax.hpp"
#include "controller/objects/objects.hpp"
#include "controller/translate/ip_address.hpp"

namespace evergate::controller {
namespace {

constexpr std::size_t kMaxPathBytes = 4096;

std::optional<model::PathType> parsePathType(std::string_view text) {
    if (text == "Prefix") {
        return model::PathType::prefix;
    }
    if (text == "Exact") {
        return model::PathType::exact;
    }
    if (text == "ImplementationSpecific") {
        return model::PathType::rawPrefix;
    }
    return std::nullopt;
}

bool isBadByte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 0x7f || c == '?' || c == '#';
}

// Bytes outside ASCII as clients send them: percent-encoded, upper case.
std::string asSent(std::string_view path) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string sent;
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            sent += c;
        } else {
            sent += {'%', kHex[byte >> 4], kHex[byte & 0xf]};
        }
    }
    return sent;
}

// What the API server refuses in Exact and Prefix, because it can never match a normalised path.
std::optional<std::string> neverMatches(std::string_view path) {
    for (const std::string_view part : {"//", "/./", "/../", "%2f", "%2F"}) {
        if (path.find(part) != std::string_view::npos) {
            return "must not contain \"" + std::string(part) + "\"";
        }
    }
    for (const std::string_view end : {"/..", "/."}) {
        if (path.ends_with(end)) {
            return "must not end with \"" + std::string(end) + "\"";
        }
    }
    return std::nullopt;
}

}  // namespace

std::variant<std::string, SyntaxError> parseHost(std::string_view text) {
    std::string host = model::lowerCase(text);
    if (host.empty()) {
        return host;
    }
    const std::string_view name = std::string_view(host).substr(host.starts_with("*.") ? 2 : 0);
    if (host.size() > 253 || !isObjectName(name)) {
        return SyntaxError{"must be a DNS name, or \"*.\" and a DNS name"};
    }
    if (parseIpAddress(name)) {
        return SyntaxError{"must be a DNS name, not an IP address"};
    }
    return host;
}

std::variant<PathMatch, SyntaxError> parsePath(std::string_view pathType, std::string_view path) {
    const auto type = parsePathType(pathType);
    if (!type) {
        return SyntaxError{pathType.empty()
                               ? "pathType is required"
                               : "pathType must be Exact, Prefix or ImplementationSpecific"};
    }
    if (path.empty() && *type == model::PathType::rawPrefix) {
        return PathMatch{*type, "/"};
    }
    if (!path.starts_with('/')) {
        return SyntaxError{"must start with \"/\""};
    }
    const std::string sent = asSent(path);
    if (sent.size() > kMaxPathBytes) {
        return SyntaxError{"is longer than " + std::to_string(kMaxPathBytes) + " bytes"};
    }
    if (std::any_of(path.begin(), path.end(), isBadByte)) {
        return SyntaxError{"must not contain spaces, control characters, \"?\" or \"#\""};
    }
    if (*type != model::PathType::rawPrefix) {
        if (auto reason = neverMatches(path)) {
            return SyntaxError{std::move(*reason)};
        }
    }
    const bool slash = *type == model::PathType::prefix && sent.size() > 1 && sent.ends_with('/');
    return PathMatch{*type, sent.substr(0, sent.size() - (slash ? 1 : 0))};
}

}  // namespace evergate::controller
