// SPDX-License-Identifier: Apache-2.0
// What an admin handler gets and gives, and how a request target is taken apart. No I/O.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::process {

struct AdminRequest {
    std::string method{};  // "GET" for a HEAD request too
    std::string path{};    // decoded
    // Decoded; of two equal names the first.
    std::map<std::string, std::string, std::less<>> query{};
    std::string body{};

    // The value of a query parameter, or `fallback`.
    std::string_view parameter(std::string_view name, std::string_view fallback = {}) const;
};

struct AdminResponse {
    unsigned status = 200;
    std::string contentType = "text/plain; charset=utf-8";
    std::string body{};

    static AdminResponse text(std::string body, unsigned status = 200);  // adds a final newline
    static AdminResponse json(std::string body, unsigned status = 200);  // `body` is JSON already
    static AdminResponse html(std::string body);
    // {"error":"..."}
    static AdminResponse error(unsigned status, std::string_view what);
};

using AdminHandler = std::function<boost::asio::awaitable<AdminResponse>(AdminRequest)>;

struct AdminTarget {
    std::string path;
    std::map<std::string, std::string, std::less<>> query;
};

// Nothing unless `target` is an absolute path with well-formed percent escapes and no NUL.
std::optional<AdminTarget> parseAdminTarget(std::string_view target);

// Whether a request that changes something may come from a web page: only from our own (its Origin
// is our Host). Otherwise any page open in an operator's browser could post to a loopback admin
// port.
bool isOwnOrigin(std::string_view origin, std::string_view host) noexcept;

}  // namespace evergate::process
