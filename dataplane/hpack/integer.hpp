// SPDX-License-Identifier: Apache-2.0
// The integers of HPACK (RFC 7541 §5.1): the low bits of one octet, and more octets when these are
// all ones.
#pragma once

#include <cstddef>
#include <cstdint>

namespace evergate::hpack {

// Where in a block a decoder is.
struct Cursor {
    const char* at;
    const char* end;

    std::size_t left() const noexcept { return static_cast<std::size_t>(end - at); }

    std::uint8_t front() const noexcept { return static_cast<std::uint8_t>(*at); }
};

inline constexpr std::size_t kMaxIntegerSize = 6;  // octets, of 32 bits

// The octets behind the first one. False: truncated, more than five of them (as zeros may be put
// at the end, the value alone is no bound), or over 32 bits.
bool readIntegerRest(Cursor& in, std::uint32_t& value) noexcept;

// Requires in.left() > 0; `bits` is that of the prefix, 4 to 7. False as above.
inline bool readInteger(Cursor& in, unsigned bits, std::uint32_t& value) noexcept {
    const std::uint32_t most = (1U << bits) - 1;
    value = in.front() & most;
    ++in.at;
    return value != most || readIntegerRest(in, value);
}

char* writeIntegerRest(std::size_t rest, char* out) noexcept;

// `first`: what is above the prefix in the first octet.
inline char* writeInteger(std::uint8_t first, unsigned bits, std::size_t value,
                          char* out) noexcept {
    const std::size_t most = (std::size_t{1} << bits) - 1;
    if (value >= most) {
        *out++ = static_cast<char>(first | most);
        return writeIntegerRest(value - most, out);
    }
    *out++ = static_cast<char>(first | value);
    return out;
}

}  // namespace evergate::hpack
