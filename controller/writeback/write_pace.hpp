// SPDX-License-Identifier: Apache-2.0
// When writing may go on after the API server refused: pauses for all writes, or for one kind of
// them that we are not allowed. No I/O; time is passed in; one thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "common/process/logging.hpp"
#include "controller/kubernetes/api_client.hpp"

namespace evergate::controller::writeback {

enum class WriteKind : std::uint8_t { status, event };

// What an answer means for the object it was about.
enum class Verdict { ok, conflict, missing, tryLater, refused };

class WritePace {
public:
    using Time = std::chrono::steady_clock::time_point;

    WritePace(process::Logger logger, std::uint32_t seed)
        : logger_(std::move(logger)), random_(seed) {}

    bool may(WriteKind kind, Time now) const { return ready(kind) <= now; }

    Time ready(WriteKind kind) const;
    Verdict judge(WriteKind kind, const kubernetes::ApiAnswer& answer, Time now);

private:
    struct Forbidden {
        Time until{};
        Time toldAt = Time::min();
    };

    void pauseAll(const kubernetes::ApiAnswer& answer, Time now);
    void forbid(WriteKind kind, const kubernetes::ApiAnswer& answer, Time now);

    process::Logger logger_;
    std::minstd_rand random_;
    Time until_{};  // nothing is written before
    unsigned failures_ = 0;
    std::array<Forbidden, 2> forbidden_;
};

}  // namespace evergate::controller::writeback
