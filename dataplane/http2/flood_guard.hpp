// SPDX-License-Identifier: Apache-2.0
// How much of what costs its sender nothing one HTTP/2 connection may send (RFC 9113 §10.5): each
// kind has a bucket that leaks with time. Pure: the time is ticks of 100 ms, given by the caller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/http2/counts.hpp"

namespace evergate::http2 {

class FloodGuard {
public:
    enum class Kind : std::uint8_t {
        reset,  // of a stream whose response was not over, by either side
        settings,
        ping,
        emptyData,
        tinyData,  // DATA frames of a few bytes
        control,   // WINDOW_UPDATE, PRIORITY, unknown frames, resets of what is over
        count_,
    };

    // One more has come. False: that is too many.
    bool note(Kind kind, std::uint32_t tick) noexcept;
    void noteRequest() noexcept;
    // So many frames of ours were sent: each excuses a few updates of windows. One of data excuses
    // a PING, too: libraries of gRPC measure the bandwidth with one for each they get.
    void noteSent(std::uint32_t frames, std::uint32_t data) noexcept;

    // A frame of a header block. False: too many of them.
    bool noteHeaderFrame(bool first) noexcept;

    static Refusal refusalOf(Kind kind) noexcept;

private:
    struct Bucket {
        std::uint32_t level = 0;
        std::uint32_t tick = 0;
    };

    void excuse(Kind kind, std::uint32_t frames) noexcept;

    bool mostlyResets() const noexcept { return 2 * resets_ > requests_; }

    std::array<Bucket, static_cast<std::size_t>(Kind::count_)> buckets_{};
    std::uint32_t requests_ = 0;  // of late
    std::uint32_t resets_ = 0;
    std::uint32_t headerFrames_ = 0;  // of the block that is coming in
};

}  // namespace evergate::http2
