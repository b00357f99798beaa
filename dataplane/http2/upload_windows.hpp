// SPDX-License-Identifier: Apache-2.0
// How much a client may send ahead of what endpoints have read: of one request, and of all on its
// connection (RFC 9113 §5.2).
//
// A window carries itself once per round trip, so a fixed one is slow on a long way and much memory
// on a short one. These begin small and double while a whole stream's window is read in little more
// than a round trip: until then it may have been the window that held the client back. They end
// between 1.5 and 3 times what is on its way, as gRPC's estimate does. What is not read fast, by a
// slow endpoint say, never gets more. Pure: time and memory are told by the caller.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace evergate::http2 {

class UploadWindows {
public:
    using Time = std::chrono::steady_clock::time_point;

    static constexpr std::int32_t kStream = 64 * 1024;
    static constexpr std::int32_t kMostStream = 1024 * 1024;
    static constexpr std::int32_t kConnection = 1024 * 1024;
    static constexpr std::int32_t kMostConnection = 4 * 1024 * 1024;

    std::int32_t stream() const noexcept { return stream_; }

    std::int32_t connection() const noexcept {
        return std::clamp(4 * stream_, kConnection, kMostConnection);
    }

    // So much more was read. True: a window's worth since the last look(), another is due.
    bool read(std::size_t size) noexcept {
        read_ += size;
        return read_ >= static_cast<std::size_t>(stream_);
    }

    // `roundTrip`: 0: not known. `scarce`: memory is. True: they are other ones from now on.
    bool look(Time now, std::chrono::microseconds roundTrip, bool scarce) noexcept;

private:
    std::size_t read_ = 0;
    Time since_{};
    std::int32_t stream_ = kStream;
};

}  // namespace evergate::http2
