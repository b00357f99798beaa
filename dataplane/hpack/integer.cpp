// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hpack/integer.hpp"

#include <limits>

namespace evergate::hpack {

bool readIntegerRest(Cursor& in, std::uint32_t& value) noexcept {
    std::uint64_t sum = value;
    for (unsigned shift = 0; shift <= 28; shift += 7) {
        if (in.at == in.end)
            return false;
        const std::uint64_t octet = in.front();
        ++in.at;
        sum += (octet & 0x7f) << shift;
        if (sum > std::numeric_limits<std::uint32_t>::max())
            return false;
        if ((octet & 0x80) == 0) {
            value = static_cast<std::uint32_t>(sum);
            return true;
        }
    }
    return false;
}

char* writeIntegerRest(std::size_t rest, char* out) noexcept {
    for (; rest >= 0x80; rest >>= 7)
        *out++ = static_cast<char>(0x80 | (rest & 0x7f));
    *out++ = static_cast<char>(rest);
    return out;
}

}  // namespace evergate::hpack
