// SPDX-License-Identifier: Apache-2.0
// The static table (RFC 7541 Appendix A), and how its names are found.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/hpack/lowered_name.hpp"

namespace evergate::hpack {

inline constexpr std::size_t kStaticEntries = 61;

struct StaticEntry {
    std::string_view name;
    std::string_view value;
};

// By index; [0] is no entry.
inline constexpr std::array<StaticEntry, kStaticEntries + 1> kStaticTable{{
    {},
    {":authority", ""},
    {":method", "GET"},
    {":method", "POST"},
    {":path", "/"},
    {":path", "/index.html"},
    {":scheme", "http"},
    {":scheme", "https"},
    {":status", "200"},
    {":status", "204"},
    {":status", "206"},
    {":status", "304"},
    {":status", "400"},
    {":status", "404"},
    {":status", "500"},
    {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"},
    {"accept-language", ""},
    {"accept-ranges", ""},
    {"accept", ""},
    {"access-control-allow-origin", ""},
    {"age", ""},
    {"allow", ""},
    {"authorization", ""},
    {"cache-control", ""},
    {"content-disposition", ""},
    {"content-encoding", ""},
    {"content-language", ""},
    {"content-length", ""},
    {"content-location", ""},
    {"content-range", ""},
    {"content-type", ""},
    {"cookie", ""},
    {"date", ""},
    {"etag", ""},
    {"expect", ""},
    {"expires", ""},
    {"from", ""},
    {"host", ""},
    {"if-match", ""},
    {"if-modified-since", ""},
    {"if-none-match", ""},
    {"if-range", ""},
    {"if-unmodified-since", ""},
    {"last-modified", ""},
    {"link", ""},
    {"location", ""},
    {"max-forwards", ""},
    {"proxy-authenticate", ""},
    {"proxy-authorization", ""},
    {"range", ""},
    {"referer", ""},
    {"refresh", ""},
    {"retry-after", ""},
    {"server", ""},
    {"set-cookie", ""},
    {"strict-transport-security", ""},
    {"transfer-encoding", ""},
    {"user-agent", ""},
    {"vary", ""},
    {"via", ""},
    {"www-authenticate", ""},
}};

// The first entry of a name; 0: none.
std::size_t findStaticName(const LoweredName& name) noexcept;

// Of the entries of a name, that with `value`; 0: none. `index` is the first one; it has a value.
std::size_t findValued(std::size_t index, std::string_view value) noexcept;

// As above, but any name's; 0 has no entries.
inline std::size_t findStaticValue(std::size_t index, std::string_view value) noexcept {
    if (kStaticTable[index].value.empty())
        return value.empty() ? index : 0;
    return findValued(index, value);
}

}  // namespace evergate::hpack
