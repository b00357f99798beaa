// SPDX-License-Identifier: Apache-2.0
// The Huffman code of HPACK (RFC 7541 §5.2, Appendix B).
#pragma once

#include <cstddef>
#include <string_view>

namespace evergate::hpack {

// Octets decodeHuffman() needs room for: codes have five bits or more, and it writes in pairs.
constexpr std::size_t decodedBound(std::size_t coded) noexcept {
    return coded / 5 * 8 + coded % 5 * 8 / 5 + 1;
}

// Returns the end; null: not the code of a string (EOS in it, or padding that is longer than seven
// bits or not all ones). `out` has room for decodedBound(coded.size()) octets.
char* decodeHuffman(std::string_view coded, char* out) noexcept;

// Octets of `text` in this code.
std::size_t huffmanSize(std::string_view text) noexcept;

// Returns the end. Writes up to 7 octets beyond it.
char* encodeHuffman(std::string_view text, char* out) noexcept;

}  // namespace evergate::hpack
