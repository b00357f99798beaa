// SPDX-License-Identifier: Apache-2.0
// Strings taken eight octets at a time: as a word whose lowest octet is the first one, zeros behind
// the end. For short strings that is several times faster than a call of memcmp and the like.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace evergate::hpack {

inline constexpr std::size_t kWord = 8;

static_assert(std::endian::native == std::endian::little);

// n <= 8; reads [at, at + n) only.
constexpr std::uint64_t loadSlowly(const char* at, std::size_t n) noexcept {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < n; ++i)
        word |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
    return word;
}

template <typename Word>
inline std::uint64_t loadWhole(const char* at) noexcept {
    Word word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}

constexpr std::uint64_t loadWord(const char* at) noexcept {
    if (std::is_constant_evaluated())
        return loadSlowly(at, kWord);
    return loadWhole<std::uint64_t>(at);
}

// n < 8. The loads overlap; what is loaded twice is the same.
constexpr std::uint64_t loadShort(const char* at, std::size_t n) noexcept {
    if (std::is_constant_evaluated())
        return loadSlowly(at, n);
    if (n >= 4)
        return loadWhole<std::uint32_t>(at) | loadWhole<std::uint32_t>(at + n - 4) << (8 * (n - 4));
    if (n >= 2)
        return loadWhole<std::uint16_t>(at) | loadWhole<std::uint16_t>(at + n - 2) << (8 * (n - 2));
    return n == 0 ? 0 : static_cast<unsigned char>(*at);
}

// The last text.size() % 8 octets; zero when there are none.
constexpr std::uint64_t loadTail(std::string_view text) noexcept {
    const std::size_t n = text.size() % kWord;
    if (text.size() < kWord)
        return loadShort(text.data(), n);
    if (n == 0)
        return 0;
    return loadWord(text.data() + text.size() - kWord) >> (8 * (kWord - n));
}

inline void storeWord(std::uint64_t word, char* out) noexcept {
    std::memcpy(out, &word, sizeof word);
}

// Every octet of 'A'..'Z' in lower case.
constexpr std::uint64_t lowerWord(std::uint64_t word) noexcept {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    const std::uint64_t low = word & (kOnes * 0x7f);
    const std::uint64_t fromA = low + kOnes * (0x80 - 'A');
    const std::uint64_t beyondZ = low + kOnes * (0x7f - 'Z');
    const std::uint64_t upper = (fromA ^ beyondZ) & ~word & (kOnes * 0x80);
    return word | upper >> 2;
}

inline bool equal(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size())
        return false;
    if (a.size() > 2 * kWord)
        return std::memcmp(a.data(), b.data(), a.size()) == 0;
    if (a.size() < kWord)
        return loadTail(a) == loadTail(b);
    const std::size_t last = a.size() - kWord;
    return loadWord(a.data()) == loadWord(b.data()) &&
           loadWord(a.data() + last) == loadWord(b.data() + last);
}

constexpr std::uint64_t mixHash(std::uint64_t hash, std::uint64_t word) noexcept {
    const std::uint64_t mixed = (hash ^ word) * 0xd6e8feb86659fd93;
    return mixed ^ mixed >> 32;
}

// Goes on with `hash`: by the size and the first, the middle and the last eight octets. Nothing
// secret; strings that collide make a look-up slower, not wrong.
inline std::uint64_t mixSample(std::uint64_t hash, std::string_view text) noexcept {
    hash += text.size();
    if (text.size() < kWord)
        return mixHash(hash, loadTail(text));
    const char* const last = text.data() + text.size() - kWord;
    hash = mixHash(hash, loadWord(text.data()));
    hash = mixHash(hash, loadWord(text.data() + (text.size() - kWord) / 2));
    return mixHash(hash, loadWord(last));
}

}  // namespace evergate::hpack
