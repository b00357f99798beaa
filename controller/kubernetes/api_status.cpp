// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/api_status.hpp"

#include <algorithm>
#include <charconv>

#include "controller/client/retry_after.hpp"
#include "controller/kubernetes/json_text.hpp"

namespace evergate::controller::kubernetes {
namespace {

constexpr std::size_t kMaxText = 300;

std::optional<int> numberOf(std::string_view text) {
    int number = 0;
    const auto* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && stopped == end && number >= 0 ? std::optional(number)
                                                                 : std::nullopt;
}

}  // namespace

std::string ApiStatus::text() const {
    std::string text = reason;
    if (!message.empty() && message != reason) {
        text += (text.empty() ? "" : ": ") + message;
    }
    if (text.size() > kMaxText) {
        text.resize(kMaxText);
        text += "...";
    }
    // What a server says goes to logs and terminals: control characters do not.
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return text;
}

std::optional<ApiStatus> parseStatus(std::string_view json) {
    ApiStatus status;
    bool isStatus = false;
    const bool whole = forEachMember(json, [&](std::string_view key, std::string_view value) {
        if (key == "kind") {
            isStatus = value == "\"Status\"";
        } else if (key == "code") {
            status.code = numberOf(value).value_or(0);
        } else if (key == "reason") {
            status.reason = stringOf(value).value_or("");
        } else if (key == "message") {
            status.message = stringOf(value).value_or("");
        } else if (key == "details") {
            forEachMember(value, [&](std::string_view field, std::string_view text) {
                if (field == "retryAfterSeconds") {
                    status.retryAfter = client::parseRetryAfter(text);
                }
            });
        }
    });
    return whole && isStatus ? std::optional(std::move(status)) : std::nullopt;
}

}  // namespace evergate::controller::kubernetes
