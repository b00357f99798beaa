// SPDX-License-Identifier: Apache-2.0
// Wall-clock times as the Kubernetes API writes them: for people only, nothing is decided by them.
// Pure.
#pragma once

#include <chrono>
#include <string>

namespace evergate::controller::writeback {

using WallTime = std::chrono::system_clock::time_point;

std::string microTime(WallTime at);   // "2026-11-21T02:53:50.123456Z", of a Lease
std::string secondTime(WallTime at);  // "2026-11-21T02:53:50Z", of an Event

}  // namespace evergate::controller::writeback
