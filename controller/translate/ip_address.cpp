// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/ip_address.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace evergate::controller {
namespace {

bool parseV4(std::string_view text, std::uint8_t* out) noexcept {
    for (int i = 0; i < 4; ++i) {
        std::size_t digits = 0;
        unsigned value = 0;
        while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9' && digits < 4) {
            value = value * 10 + static_cast<unsigned>(text[digits++] - '0');
        }
        if (digits == 0 || digits > 3 || value > 255 || (digits > 1 && text[0] == '0')) {
            return false;
        }
        out[i] = static_cast<std::uint8_t>(value);
        text.remove_prefix(digits);
        if (i < 3) {
            if (text.empty() || text[0] != '.') {
                return false;
            }
            text.remove_prefix(1);
        }
    }
    return text.empty();
}

// Writes the groups of one side of "::" (or of the whole) to `out`; the count of bytes, or -1.
int parseGroups(std::string_view text, std::uint8_t* out, int room) noexcept {
    int size = 0;
    while (!text.empty()) {
        const std::size_t colon = text.find(':');
        const std::string_view group = text.substr(0, colon);
        if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
            return room - size >= 4 && parseV4(group, out + size) ? size + 4 : -1;
        }
        unsigned value = 0;
        const char* end = group.data() + group.size();
        const auto [stop, error] = std::from_chars(group.data(), end, value, 16);
        if (error != std::errc() || stop != end || group.size() > 4 || room - size < 2) {
            return -1;
        }
        out[size++] = static_cast<std::uint8_t>(value >> 8);
        out[size++] = static_cast<std::uint8_t>(value & 0xff);
        if (colon == std::string_view::npos) {
            break;
        }
        text.remove_prefix(colon + 1);
        if (text.empty()) {
            return -1;
        }
    }
    return size;
}

bool parseV6(std::string_view text, std::array<std::uint8_t, 16>& out) noexcept {
    const std::size_t gap = text.find("::");
    if (gap == std::string_view::npos) {
        return parseGroups(text, out.data(), 16) == 16;
    }
    std::array<std::uint8_t, 16> tail{};
    const std::string_view before = text.substr(0, gap);
    if (before.find('.') != std::string_view::npos) {
        return false;
    }
    const int head = parseGroups(before, out.data(), 14);
    const int back = parseGroups(text.substr(gap + 2), tail.data(), 14);
    if (head < 0 || back < 0 || head + back > 14) {
        return false;
    }
    std::copy_n(tail.begin(), back, out.end() - back);
    return true;
}

std::string v4Text(const std::uint8_t* bytes) {
    std::string text;
    for (int i = 0; i < 4; ++i) {
        text += (i == 0 ? "" : ".") + std::to_string(bytes[i]);
    }
    return text;
}

// The first longest run of at least two zero groups: what "::" stands for.
std::pair<int, int> longestZeroRun(const std::array<unsigned, 8>& groups) {
    std::pair<int, int> best{-1, 0};
    for (int i = 0; i < 8;) {
        int end = i;
        while (end < 8 && groups[static_cast<std::size_t>(end)] == 0) {
            ++end;
        }
        if (end - i >= 2 && end - i > best.second) {
            best = {i, end - i};
        }
        i = std::max(end, i + 1);
    }
    return best;
}

std::string v6Text(const std::array<std::uint8_t, 16>& bytes) {
    std::array<unsigned, 8> groups{};
    for (std::size_t i = 0; i < 8; ++i) {
        groups[i] = static_cast<unsigned>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    }
    const auto [gap, length] = longestZeroRun(groups);
    std::string text;
    for (int i = 0; i < 8; ++i) {
        if (i == gap) {
            text += "::";
            i += length - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') {
            text += ':';
        }
        std::array<char, 4> hex{};
        const auto end =
            std::to_chars(hex.data(), hex.data() + 4, groups[static_cast<std::size_t>(i)], 16).ptr;
        text.append(hex.data(), end);
    }
    return text;
}

bool isMappedV4(const std::array<std::uint8_t, 16>& b) {
    return std::all_of(b.begin(), b.begin() + 10, [](auto byte) { return byte == 0; }) &&
           b[10] == 0xff && b[11] == 0xff;
}

bool isLocalV4(const std::uint8_t* b) {
    return b[0] == 127 || (b[0] == 169 && b[1] == 254);
}

bool isNowhereV4(const std::uint8_t* b) {
    return b[0] == 0 || b[0] >= 224;
}

bool isAllZeroBut(const std::array<std::uint8_t, 16>& b, std::uint8_t last) {
    return std::all_of(b.begin(), b.end() - 1, [](auto byte) { return byte == 0; }) &&
           b[15] == last;
}

}  // namespace

bool IpAddress::isLoopbackOrLinkLocal() const noexcept {
    if (!v6) {
        return isLocalV4(bytes.data());
    }
    return isAllZeroBut(bytes, 1) || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) ||
           (isMappedV4(bytes) && isLocalV4(bytes.data() + 12));
}

bool IpAddress::isUnspecifiedOrMulticast() const noexcept {
    if (!v6) {
        return isNowhereV4(bytes.data());
    }
    return isAllZeroBut(bytes, 0) || bytes[0] == 0xff ||
           (isMappedV4(bytes) && isNowhereV4(bytes.data() + 12));
}

std::string IpAddress::toText() const {
    return v6 ? v6Text(bytes) : v4Text(bytes.data());
}

std::optional<IpAddress> parseIpAddress(std::string_view text) noexcept {
    IpAddress address;
    address.v6 = text.find(':') != std::string_view::npos;
    const bool good =
        address.v6 ? parseV6(text, address.bytes) : parseV4(text, address.bytes.data());
    return good ? std::optional(address) : std::nullopt;
}

}  // namespace evergate::controller
