// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/huffman.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "dataplane/hpack/huffman_code.hpp"
#include "dataplane/hpack/octets.hpp"

namespace evergate::hpack {
namespace {

constexpr unsigned kLookupBits = 12;  // two of the codes that most of a text is of
constexpr unsigned kAllBits = 64;

// Words have their first octet lowest, codes their first bit highest.
std::uint64_t reversed(std::uint64_t word) noexcept {
    return __builtin_bswap64(word);
}

// What the next kLookupBits bits begin with: one or two symbols.
struct Lookup {
    std::array<char, 2> symbols{};
    std::uint8_t firstBits = 0;     // of the first symbol; 0: its code is longer than the look-up
    std::uint8_t bitsAndCount = 0;  // of all symbols; bit 7: there are two

    constexpr unsigned bits() const noexcept { return bitsAndCount & 0x7fU; }

    constexpr unsigned count() const noexcept { return 1U + (bitsAndCount >> 7); }
};

using LookupTable = std::array<Lookup, std::size_t{1} << kLookupBits>;

// The symbol `bits` (kLookupBits of them, `known` of these from the left) begin with; its length
// is 0 when that is more than is known.
constexpr std::pair<char, unsigned> firstSymbol(std::uint32_t bits, unsigned known) {
    for (unsigned length = 5; length <= known; ++length) {
        if (std::uint64_t{bits} << (32 - kLookupBits) >= kHuffman.ends[length])
            continue;
        const std::uint32_t code = bits >> (kLookupBits - length);
        const std::size_t place =
            kHuffman.firstSymbols[length] + code - kHuffman.firstCodes[length];
        return {static_cast<char>(kHuffman.symbols[place]), length};
    }
    return {'\0', 0};
}

constexpr LookupTable makeLookupTable() {
    constexpr std::uint32_t kMask = (1U << kLookupBits) - 1;
    LookupTable table{};
    for (std::uint32_t bits = 0; bits <= kMask; ++bits) {
        const auto [first, length] = firstSymbol(bits, kLookupBits);
        if (length == 0)
            continue;
        const auto [second, more] = firstSymbol((bits << length) & kMask, kLookupBits - length);
        table[bits] = {{first, second},
                       static_cast<std::uint8_t>(length),
                       static_cast<std::uint8_t>((length + more) | (more != 0 ? 0x80U : 0U))};
    }
    return table;
}

constexpr LookupTable kLookups = makeLookupTable();

// Bits that are still to be decoded, the next one at the top; below them zeros, or bits that will
// be loaded again.
class BitReader {
public:
    explicit BitReader(std::string_view coded) noexcept
        : at_(coded.data()), end_(coded.data() + coded.size()) {}

    bool hasWord() const noexcept { return end_ - at_ >= static_cast<std::ptrdiff_t>(kWord); }

    // Requires hasWord(). There are 56 bits or more then.
    void fillWord() noexcept {
        bits_ |= reversed(loadWord(at_)) >> count_;
        at_ += (kAllBits - 1 - count_) / 8;
        count_ |= 56U;
    }

    // As many of the last octets as there is room for; below them the bits are ones, as padding.
    void fillRest() noexcept {
        bits_ &= ~(~std::uint64_t{0} >> count_);
        while (count_ <= kAllBits - 8 && at_ != end_) {
            bits_ |= std::uint64_t{static_cast<unsigned char>(*at_++)} << (kAllBits - 8 - count_);
            count_ += 8;
        }
        if (count_ < kAllBits)
            bits_ |= ~std::uint64_t{0} >> count_;
    }

    const Lookup& look() const noexcept { return kLookups[bits_ >> (kAllBits - kLookupBits)]; }

    std::uint32_t top() const noexcept { return static_cast<std::uint32_t>(bits_ >> 32); }

    void drop(unsigned bits) noexcept {
        bits_ <<= bits;
        count_ -= bits;
    }

    unsigned count() const noexcept { return count_; }

    // With fillRest() before: nothing is left but padding.
    bool atEnd() const noexcept { return at_ == end_ && count_ < 8 && ~bits_ == 0; }

private:
    const char* at_;
    const char* end_;
    std::uint64_t bits_ = 0;
    unsigned count_ = 0;
};

// The next symbol, of any length, if there are as many bits; false: none, or EOS.
bool takeLong(BitReader& in, char*& out) noexcept {
    const std::uint32_t top = in.top();
    unsigned length = 5;
    while (top >= kHuffman.ends[length])
        ++length;
    const std::uint32_t code = top >> (32 - length);
    const std::size_t place = kHuffman.firstSymbols[length] + code - kHuffman.firstCodes[length];
    const std::size_t symbol = kHuffman.symbols[place];
    if (length > in.count() || symbol == kEndOfString)
        return false;
    *out++ = static_cast<char>(symbol);
    in.drop(length);
    return true;
}

inline void take(const Lookup& found, BitReader& in, char*& out) noexcept {
    out[0] = found.symbols[0];
    out[1] = found.symbols[1];  // overwritten if it is none
    out += found.count();
    in.drop(found.bits());
}

// While whole words can be loaded: 56 bits are enough for four look-ups or the longest code.
// False: EOS.
bool decodeWords(BitReader& in, char*& out) noexcept {
    while (in.hasWord()) {
        in.fillWord();
        unsigned taken = 0;
        for (; taken < 4; ++taken) {
            const Lookup& found = in.look();
            if (found.firstBits == 0)
                break;
            take(found, in, out);
        }
        if (taken == 0 && !takeLong(in, out))
            return false;
    }
    return true;
}

// The last octets, with care for where the bits end.
bool decodeRest(BitReader& in, char*& out) noexcept {
    for (;;) {
        in.fillRest();
        const Lookup& found = in.look();
        if (found.firstBits != 0 && found.bits() <= in.count()) {
            take(found, in, out);
        } else if (found.firstBits != 0 && found.firstBits <= in.count()) {
            *out++ = found.symbols[0];
            in.drop(found.firstBits);
        } else if (!takeLong(in, out)) {
            return in.atEnd();
        }
    }
}

}  // namespace

char* decodeHuffman(std::string_view coded, char* out) noexcept {
    BitReader in(coded);
    return decodeWords(in, out) && decodeRest(in, out) ? out : nullptr;
}

std::size_t huffmanSize(std::string_view text) noexcept {
    std::size_t bits = 0;
    for (const char c : text)
        bits += kCodeLengths[static_cast<unsigned char>(c)];
    return (bits + 7) / 8;
}

char* encodeHuffman(std::string_view text, char* out) noexcept {
    std::uint64_t bits = 0;  // the last `count` of them are to be written
    unsigned count = 0;
    for (const char c : text) {
        const auto symbol = static_cast<unsigned char>(c);
        bits = bits << kCodeLengths[symbol] | kHuffman.codes[symbol];
        count += kCodeLengths[symbol];
        if (count < 32)
            continue;
        count -= 32;
        storeWord(reversed(bits >> count << 32), out);
        out += 4;
    }
    if (count == 0)
        return out;
    const std::uint64_t padding = ~std::uint64_t{0} >> count;
    storeWord(reversed(bits << (kAllBits - count) | padding), out);
    return out + (count + 7) / 8;
}

}  // namespace evergate::hpack
