// SPDX-License-Identifier: Apache-2.0
// One request, one answer, one deadline: blocking HTTP/1.1 for a command-line tool.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace evergate::ctl {

struct BaseUrl {
    std::string host;  // without brackets
    std::string port = "80";

    friend bool operator==(const BaseUrl&, const BaseUrl&) = default;
};

// "http://127.0.0.1:9302" or "http://[::1]:9302/"; nothing when it is something else.
std::optional<BaseUrl> parseBaseUrl(std::string_view text);

struct HttpAnswer {
    unsigned status = 0;
    std::string body;
};

struct Unreachable {
    std::string what;
};

// `target`: path and query, already encoded.
std::variant<HttpAnswer, Unreachable> fetch(const BaseUrl& base, std::string_view method,
                                            const std::string& target,
                                            std::chrono::milliseconds timeout);

// Everything but unreserved characters as %XX.
std::string percentEncode(std::string_view text);

}  // namespace evergate::ctl
