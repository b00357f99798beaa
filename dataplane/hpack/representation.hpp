// SPDX-License-Identifier: Apache-2.0
// How the pieces of a header block begin (RFC 7541 §5.2, §6): the bits that say what it is, and how
// many bits of that octet are left for the integer behind them.
#pragma once

#include <cstdint>

namespace evergate::hpack {

enum Representation : std::uint8_t {
    kIndexed = 0x80,
    kIncremental = 0x40,
    kSizeUpdate = 0x20,
    kNeverIndexed = 0x10,
    kNotIndexed = 0,
};

constexpr unsigned kIndexedBits = 7;
constexpr unsigned kIncrementalBits = 6;
constexpr unsigned kSizeUpdateBits = 5;
constexpr unsigned kLiteralBits = 4;

// Of a string.
constexpr std::uint8_t kHuffmanCoded = 0x80;
constexpr unsigned kLengthBits = 7;

}  // namespace evergate::hpack
