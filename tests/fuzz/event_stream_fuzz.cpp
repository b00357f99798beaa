// SPDX-License-Identifier: Apache-2.0
// Any bytes as an event stream of Marathon, whole and byte by byte: the same events, and nothing
// throws.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "controller/marathon/event.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace evergate::controller::marathon;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::string whole;
    std::string pieces;
    EventStreamParser one([&](const StreamEvent& event) {
        newsOf(event);
        whole += event.type + '\0' + event.data + '\0';
    });
    EventStreamParser other(
        [&](const StreamEvent& event) { pieces += event.type + '\0' + event.data + '\0'; });
    one.feed(text);
    for (const char& c : text) {
        other.feed({&c, 1});
    }
    return whole == pieces && one.heartbeats() == other.heartbeats() ? 0 : (__builtin_trap(), 0);
}
