// SPDX-License-Identifier: Apache-2.0
// The TCP sockets of this process by state, read from its descriptors when somebody scrapes.
//
// About half a microsecond per descriptor, on the caller's thread; workers are not asked. What was
// closed is not ours any more: TIME_WAIT and orphans are in /proc/net/sockstat only.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace evergate::dataplane {

struct OwnSockets {
    struct Age {
        std::string_view name;
        std::chrono::seconds atLeast;
    };

    // The kernel's states, 1 = ESTABLISHED to 11 = CLOSING; 0 and TIME_WAIT (6) stay empty.
    static constexpr std::array<std::string_view, 12> kStates{
        "", "established", "syn_sent",   "syn_recv", "fin_wait1", "fin_wait2",
        "", "close",       "close_wait", "last_ack", "listen",    "closing"};
    static constexpr std::array<Age, 3> kAges{{{"10s", std::chrono::seconds(10)},
                                               {"1m", std::chrono::minutes(1)},
                                               {"10m", std::chrono::minutes(10)}}};
    // More are not looked at: a scrape has to end.
    static constexpr std::size_t kMaxDescriptors = 100'000;

    std::array<std::uint64_t, kStates.size()> byState{};
    // In CLOSE_WAIT, by how long the peer has said nothing: cumulative, as kAges.
    std::array<std::uint64_t, kAges.size()> closeWait{};

    // One socket: its state and the time since its peer was last heard.
    void add(unsigned state, std::chrono::milliseconds silent) noexcept;
};

OwnSockets readOwnSockets();

}  // namespace evergate::dataplane
