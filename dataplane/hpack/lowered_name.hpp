// SPDX-License-Identifier: Apache-2.0
// The name of a field as it is written: in lower case (RFC 9113 §8.2.1), with its hash; both made
// in one pass.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "dataplane/hpack/octets.hpp"

namespace evergate::hpack {

class LoweredName {
public:
    static constexpr std::size_t kLongest = 64;

    // Requires name.size() <= kLongest.
    constexpr explicit LoweredName(std::string_view name) noexcept : size_(name.size()), hash_(0) {
        std::uint64_t hash = kHashStart + name.size();
        const std::size_t whole = name.size() / kWord;
        for (std::size_t i = 0; i < whole; ++i)
            hash = add(loadWord(name.data() + i * kWord), i, hash);
        if (name.size() % kWord != 0)
            hash = add(loadTail(name), whole, hash);
        hash_ = hash;
    }

    std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(words_.data()), size_};
    }

    constexpr std::size_t size() const noexcept { return size_; }

    constexpr std::uint64_t hash() const noexcept { return hash_; }

    constexpr std::size_t words() const noexcept { return (size_ + kWord - 1) / kWord; }

    // i < words(); behind the end of the name there are zeros.
    constexpr std::uint64_t word(std::size_t i) const noexcept { return words_[i]; }

    bool is(std::string_view name) const noexcept {
        if (name.size() != size_)
            return false;
        const std::size_t whole = size_ / kWord;
        for (std::size_t i = 0; i < whole; ++i) {
            if (words_[i] != loadWord(name.data() + i * kWord))
                return false;
        }
        return size_ % kWord == 0 || words_[whole] == loadTail(name);
    }

private:
    // Found by trial: the names of the static table do not collide (static_table.cpp).
    static constexpr std::uint64_t kHashStart = 0xd8919406d6e01cc2;

    constexpr std::uint64_t add(std::uint64_t word, std::size_t i, std::uint64_t hash) noexcept {
        word = lowerWord(word);
        words_[i] = word;
        return mixHash(hash, word);
    }

    std::array<std::uint64_t, kLongest / kWord> words_;  // not all of them are set
    std::size_t size_;
    std::uint64_t hash_;
};

}  // namespace evergate::hpack
