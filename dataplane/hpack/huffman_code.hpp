// SPDX-License-Identifier: Apache-2.0
// The code of RFC 7541 Appendix B, made of the lengths of its codes: it is canonical, so codes are
// counted up by length, then by symbol.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace evergate::hpack {

inline constexpr std::size_t kSymbols = 257;
inline constexpr std::size_t kEndOfString = 256;
inline constexpr unsigned kMaxCodeLength = 30;

inline constexpr std::array<std::uint8_t, kSymbols> kCodeLengths{
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,  //
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,  //
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,   //
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10,  //
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,   //
    7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,   //
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,   //
    6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28,  //
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,  //
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,  //
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,  //
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,  //
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,  //
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,  //
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,  //
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,  //
    30,
};

struct HuffmanCode {
    std::array<std::uint32_t, kSymbols> codes{};
    // The decoder's view: symbols in the order of their codes, and for each length the first code
    // that is longer, its bits at the top of 32.
    std::array<std::uint16_t, kSymbols> symbols{};
    std::array<std::uint64_t, kMaxCodeLength + 1> ends{};
    std::array<std::uint32_t, kMaxCodeLength + 1> firstCodes{};
    std::array<std::uint16_t, kMaxCodeLength + 1> firstSymbols{};
};

constexpr HuffmanCode makeHuffmanCode() {
    HuffmanCode made;
    std::uint32_t code = 0;
    std::uint16_t count = 0;
    for (unsigned length = 1; length <= kMaxCodeLength; ++length) {
        made.firstCodes[length] = code;
        made.firstSymbols[length] = count;
        for (std::size_t symbol = 0; symbol < kSymbols; ++symbol) {
            if (kCodeLengths[symbol] != length)
                continue;
            made.codes[symbol] = code++;
            made.symbols[count++] = static_cast<std::uint16_t>(symbol);
        }
        made.ends[length] = std::uint64_t{code} << (32 - length);
        code <<= 1;
    }
    return made;
}

inline constexpr HuffmanCode kHuffman = makeHuffmanCode();

static_assert(kHuffman.codes['0'] == 0x0 && kHuffman.codes['a'] == 0x3);
static_assert(kHuffman.codes[' '] == 0x14 && kHuffman.codes['&'] == 0xf8);
static_assert(kHuffman.codes[0] == 0x1ff8 && kHuffman.codes[1] == 0x7fffd8);
static_assert(kHuffman.codes[255] == 0x3ffffee && kHuffman.codes[22] == 0x3ffffffe);
static_assert(kHuffman.codes[kEndOfString] == 0x3fffffff);
static_assert(kHuffman.ends[kMaxCodeLength] == std::uint64_t{1} << 32);  // no bits mean nothing

}  // namespace evergate::hpack
