// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "common/model/config.hpp"
#include "common/model/sha256.hpp"

namespace evergate::model {
namespace {

using Limbs = std::array<std::uint64_t, 4>;

// What one entry adds to its lane's root. The content hash has a fixed length and comes last, so
// that no two (key, hash) pairs give the same bytes.
Limbs entryNumber(const Key& key, const ContentHash& hash) {
    const std::string text = toText(key);
    const std::string_view content(reinterpret_cast<const char*>(hash.data()), hash.size());
    const Sha256Digest digest = sha256({text, content});
    Limbs number{};
    for (std::size_t i = 0; i < digest.size(); ++i) {
        number[i / 8] |= static_cast<std::uint64_t>(digest[i]) << (8 * (i % 8));
    }
    return number;
}

void addTo(Limbs& sum, const Limbs& number) noexcept {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < sum.size(); ++i) {
        const std::uint64_t partial = sum[i] + carry;
        carry = partial < carry ? 1 : 0;
        sum[i] = partial + number[i];
        carry += sum[i] < partial ? 1 : 0;
    }
}

void subtractFrom(Limbs& sum, const Limbs& number) noexcept {
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < sum.size(); ++i) {
        const std::uint64_t partial = sum[i] - borrow;
        borrow = sum[i] < borrow ? 1 : 0;
        sum[i] = partial - number[i];
        borrow += partial < number[i] ? 1 : 0;
    }
}

}  // namespace

void RootHash::add(const Key& key, const ContentHash& hash) {
    addTo(limbs, entryNumber(key, hash));
}

void RootHash::remove(const Key& key, const ContentHash& hash) {
    subtractFrom(limbs, entryNumber(key, hash));
}

// Most significant limb first, lower case.
std::string RootHash::toHex() const {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text(64, '0');
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::uint64_t limb = limbs[3 - i / 16];
        text[i] = kDigits[(limb >> (60 - 4 * (i % 16))) & 0xF];
    }
    return text;
}

std::optional<RootHash> RootHash::fromHex(std::string_view text) {
    if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
        return std::nullopt;
    }
    RootHash hash;
    for (std::size_t i = 0; i < hash.limbs.size(); ++i) {
        const char* const begin = text.data() + 16 * i;
        std::from_chars(begin, begin + 16, hash.limbs[3 - i], 16);
    }
    return hash;
}

}  // namespace evergate::model
