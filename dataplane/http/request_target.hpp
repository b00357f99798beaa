// SPDX-License-Identifier: Apache-2.0
// The request line and the authority of a request (RFC 9112 §3, RFC 3986 §3.2).
#pragma once

#include <string_view>

#include "dataplane/http/head.hpp"

namespace evergate::http {

// What a step of parsing found wrong; none: nothing.
struct HeadProblem {
    ProxyError error = ProxyError::none;
    const char* detail = "";

    explicit operator bool() const noexcept { return error != ProxyError::none; }
};

// Reads method, target, path and version of a request line (without CRLF). An absolute-form target
// is taken apart: its authority goes to out.authority, the rest becomes the target.
HeadProblem readRequestLine(std::string_view line, RequestHead& out);

// Checks "host[:port]" and gives its host: a reg-name, IPv4 or [IPv6] literal, never with user
// information. Returns null, or what is wrong.
const char* readAuthority(std::string_view authority, std::string_view& host) noexcept;

// Whether two checked authorities name the same host and port; the scheme says which port is left
// out.
bool isSameAuthority(std::string_view a, std::string_view b, bool https) noexcept;

}  // namespace evergate::http
