// SPDX-License-Identifier: Apache-2.0
#include "common/model/syntax.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "common/model/utf8.hpp"

namespace evergate::model {
namespace {

constexpr bool isLowerAlphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

constexpr bool isPrintable(char c) noexcept {
    return c > ' ' && c <= '~';
}

struct Address {
    AddressFamily family;
    std::array<unsigned char, 16> bytes{};
};

std::optional<Address> parseAddress(std::string_view text) noexcept {
    std::array<char, INET6_ADDRSTRLEN> copy{};  // inet_pton wants a terminated string
    // A NUL inside would end the text early for inet_pton.
    if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    std::copy(text.begin(), text.end(), copy.begin());
    Address address{};
    if (inet_pton(AF_INET, copy.data(), address.bytes.data()) == 1) {
        address.family = AddressFamily::ipv4;
        return address;
    }
    if (inet_pton(AF_INET6, copy.data(), address.bytes.data()) == 1) {
        address.family = AddressFamily::ipv6;
        return address;
    }
    return std::nullopt;
}

bool isLabel(std::string_view label) noexcept {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(),
                       [](char c) { return isLowerAlphanumeric(c) || c == '-'; });
}

}  // namespace

std::string lowerCase(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower;
}

std::optional<AddressFamily> ipFamily(std::string_view text) noexcept {
    const auto address = parseAddress(text);
    return address ? std::optional(address->family) : std::nullopt;
}

bool isUnspecifiedAddress(std::string_view text) noexcept {
    const auto address = parseAddress(text);
    return address && std::all_of(address->bytes.begin(), address->bytes.end(),
                                  [](unsigned char byte) { return byte == 0; });
}

bool isHostName(std::string_view text, bool allowWildcard) noexcept {
    if (text.size() > 253) {
        return false;
    }
    if (allowWildcard && text.starts_with("*.")) {
        text.remove_prefix(2);
    }
    while (true) {
        const std::size_t dot = text.find('.');
        if (!isLabel(text.substr(0, dot))) {
            return false;
        }
        if (dot == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(dot + 1);
    }
}

bool isAuthority(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon != std::string_view::npos && !text.ends_with(']')) {
        const std::string_view digits = text.substr(colon + 1);
        std::uint16_t port = 0;
        const char* const end = digits.data() + digits.size();
        const auto [stop, error] = std::from_chars(digits.data(), end, port);
        if (error != std::errc() || stop != end || port == 0) {
            return false;
        }
        text = text.substr(0, colon);
    }
    if (text.starts_with('[') && text.ends_with(']')) {
        return ipFamily(text.substr(1, text.size() - 2)) == AddressFamily::ipv6;
    }
    return isHostName(lowerCase(text), false);  // among them every IPv4 address
}

bool isPath(std::string_view text) noexcept {
    return text.starts_with('/') && text.size() <= 4096 &&
           std::all_of(text.begin(), text.end(), isPrintable);
}

bool isName(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 1000 &&
           std::all_of(text.begin(), text.end(), isPrintable);
}

bool isLowerCaseToken(std::string_view text) noexcept {
    static constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
    return !text.empty() && text.size() <= 256 && std::all_of(text.begin(), text.end(), [](char c) {
        return isLowerAlphanumeric(c) || kOther.find(c) != std::string_view::npos;
    });
}

bool isHeaderValue(std::string_view text) noexcept {
    const auto inside = [](char c) { return isPrintable(c) || c == ' ' || c == '\t'; };
    return text.size() <= 4096 && std::all_of(text.begin(), text.end(), inside) &&
           (text.empty() || (isPrintable(text.front()) && isPrintable(text.back())));
}

bool isEditableHeader(std::string_view name) noexcept {
    static constexpr std::array<std::string_view, 14> kOurs{"connection",
                                                            "content-length",
                                                            "expect",
                                                            "host",
                                                            "http2-settings",
                                                            "keep-alive",
                                                            "proxy",
                                                            "te",
                                                            "trailer",
                                                            "proxy-authenticate",
                                                            "proxy-connection",
                                                            "proxy-authorization",
                                                            "upgrade",
                                                            "transfer-encoding"};
    return std::find(kOurs.begin(), kOurs.end(), name) == kOurs.end();
}

bool isRewritePrefix(std::string_view text) noexcept {
    if (!isPath(text) || text.find_first_of("?#") != std::string_view::npos) {
        return false;
    }
    while (!text.empty()) {
        text.remove_prefix(1);
        const std::string_view element = text.substr(0, text.find('/'));
        const bool last = element.size() == text.size();
        if ((element.empty() && !last) || element == "." || element == "..") {
            return false;
        }
        text.remove_prefix(element.size());
    }
    return true;
}

bool isDisplayText(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t length = utf8SequenceLength(text);
        const auto lead = static_cast<unsigned char>(text.front());
        // C1 controls (C2 80..C2 9F) move cursors in some terminals.
        const bool isC1 = length == 2 && lead == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
        if (length == 0 || lead < 0x20 || lead == 0x7F || isC1) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace evergate::model
