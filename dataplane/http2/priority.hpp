// SPDX-License-Identifier: Apache-2.0
// How urgent a response is to its client: RFC 9218. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace evergate::http2 {

struct Priority {
    std::uint8_t urgency = 3;  // 0 is first, 7 last
    bool incremental = false;  // may share with others of the same urgency

    // What is served first has the smaller one.
    std::uint8_t rank() const noexcept {
        return static_cast<std::uint8_t>(urgency * 2 + (incremental ? 1 : 0));
    }
};

// The value of a Priority field or a PRIORITY_UPDATE frame (§4, §5): a dictionary of structured
// fields. Members that are unknown, out of range or of another type are as if they were not there
// (§4).
Priority parsePriority(std::string_view value) noexcept;

}  // namespace evergate::http2
