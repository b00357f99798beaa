// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/upload_windows.hpp"

#include <utility>

namespace evergate::http2 {

bool UploadWindows::look(Time now, std::chrono::microseconds roundTrip, bool scarce) noexcept {
    const bool first = since_ == Time();
    const auto took = now - std::exchange(since_, now);
    read_ = 0;
    const std::int32_t before = stream_;
    if (scarce) {
        stream_ = kStream;
    } else if (!first && took <= roundTrip * 3 / 2) {
        stream_ = std::min(2 * stream_, kMostStream);
    }
    return stream_ != before;
}

}  // namespace evergate::http2
