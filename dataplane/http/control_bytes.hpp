// SPDX-License-Identifier: Apache-2.0
// Walks over the control bytes of a message head, 32 bytes at a time.
//
// In a valid head the only control bytes besides HTAB are the CRLFs, so one pass both splits lines
// and finds every forbidden byte (NUL, bare CR, bare LF, DEL): this is where a head costs least.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace evergate::http {

// Bit i is set when block[i] is a control byte (0x00-0x1f, 0x7f) other than HTAB. Reads 32 bytes.
inline std::uint32_t controlMask(const char* block) noexcept {
#if defined(__SSE2__)
    const auto half = [](const char* at) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
        const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
        const __m128i found = _mm_or_si128(_mm_andnot_si128(tab, low), del);
        return static_cast<std::uint32_t>(_mm_movemask_epi8(found));
    };
    return half(block) | half(block + 16) << 16;
#else
    std::uint32_t mask = 0;
    for (unsigned i = 0; i < 32; ++i) {
        const auto c = static_cast<unsigned char>(block[i]);
        mask |= static_cast<std::uint32_t>((c < 0x20 && c != '\t') || c == 0x7f) << i;
    }
    return mask;
#endif
}

class ControlBytes {
public:
    ControlBytes(const char* begin, const char* end) noexcept
        : begin_(begin), block_(begin), end_(end) {
        load();
    }

    // The next control byte, or the end.
    const char* next() noexcept {
        while (mask_ == 0) {
            if (end_ - block_ <= kBlock) {
                return end_;
            }
            block_ += kBlock;
            load();
        }
        const int bit = std::countr_zero(mask_);
        mask_ &= mask_ - 1;
        return block_ + bit;
    }

private:
    static constexpr std::ptrdiff_t kBlock = 32;

    void load() noexcept {
        const std::ptrdiff_t left = end_ - block_;
        if (left >= kBlock) [[likely]] {
            mask_ = controlMask(block_);
            return;
        }
        if (end_ - begin_ >= kBlock) {  // the last full block overlaps: shift out what was seen
            mask_ = left == 0 ? 0 : controlMask(end_ - kBlock) >> (kBlock - left);
            return;
        }
        char padded[kBlock];
        std::memset(padded, ' ', sizeof padded);
        if (left != 0) {
            std::memcpy(padded, block_, static_cast<std::size_t>(left));
        }
        mask_ = controlMask(padded);
    }

    const char* begin_;
    const char* block_;
    const char* end_;
    std::uint32_t mask_ = 0;
};

}  // namespace evergate::http
