// SPDX-License-Identifier: Apache-2.0
// How far away a peer is. One system call, no state.
#pragma once

#include <chrono>

namespace evergate::net {

// The smoothed round trip time of a TCP connection; 0 when the kernel does not say.
std::chrono::microseconds roundTrip(int fd) noexcept;

}  // namespace evergate::net
