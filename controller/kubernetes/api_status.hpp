// SPDX-License-Identifier: Apache-2.0
// The "Status" object with which the API server explains a refusal, in an error body, a list or an
// ERROR event of a watch.
//
// Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::controller::kubernetes {

struct ApiStatus {
    int code = 0;
    std::string reason;   // "Expired", "Forbidden", ...
    std::string message;  // for people
    std::optional<std::chrono::seconds> retryAfter;

    // "Expired: too old resource version: 1 (200)"; cut to a length fit for a log line.
    std::string text() const;
};

// Nothing when `json` is no Status object.
std::optional<ApiStatus> parseStatus(std::string_view json);

}  // namespace evergate::controller::kubernetes
