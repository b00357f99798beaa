// SPDX-License-Identifier: Apache-2.0
// The nine octets before every frame (RFC 9113 §4.1), and numbers in network order. Pure.
#pragma once

#include <cstdint>

#include "dataplane/http2/protocol.hpp"

namespace evergate::http2 {

struct FrameHead {
    std::uint32_t length = 0;  // of the payload
    std::uint32_t stream = 0;
    FrameType type{};  // or a number that is none of them
    std::uint8_t flags = 0;

    bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
};

inline std::uint32_t readNumber(const char* at) noexcept {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(at);
    return std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U |
           std::uint32_t{bytes[2]} << 8U | bytes[3];
}

inline char* writeNumber(std::uint32_t number, char* out) noexcept {
    *out++ = static_cast<char>(number >> 24U);
    *out++ = static_cast<char>(number >> 16U);
    *out++ = static_cast<char>(number >> 8U);
    *out++ = static_cast<char>(number);
    return out;
}

// kFrameHead octets. The reserved bit is ignored.
inline FrameHead readFrameHead(const char* at) noexcept {
    const std::uint32_t first = readNumber(at);  // length and type
    return {first >> 8U, readNumber(at + 5) & kMaxStreamId, static_cast<FrameType>(first & 0xffU),
            static_cast<std::uint8_t>(at[4])};
}

inline char* writeFrameHead(const FrameHead& head, char* out) noexcept {
    out = writeNumber(head.length << 8U | static_cast<std::uint8_t>(head.type), out);
    *out++ = static_cast<char>(head.flags);
    return writeNumber(head.stream, out);
}

}  // namespace evergate::http2
