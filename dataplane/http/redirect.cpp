// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/compose.hpp"

namespace evergate::http {

namespace {

// The parser lets every reg-name through (RFC 3986); a browser is sent to plain names only.
bool isPlainHost(std::string_view host) noexcept {
    if (host.starts_with('[')) {  // the parser saw to it that this is an IPv6 literal
        return host.ends_with(']');
    }
    return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
        return is(c, kDigit) || (toLower(c) >= 'a' && toLower(c) <= 'z') || c == '.' || c == '-' ||
               c == '_';
    });
}

}  // namespace

std::string composeRedirect(const Redirect& redirect) {
    std::string text;
    if (!isPlainHost(redirect.host) || !redirect.target.starts_with('/')) {
        return text;
    }
    text.reserve(256 + redirect.host.size() + redirect.target.size());
    text = "HTTP/1.1 308 Permanent Redirect\r\nServer: evergate\r\nLocation: https://";
    text += redirect.host;
    if (redirect.port != 443) {
        text.append(1, ':').append(std::to_string(redirect.port));
    }
    text.append(redirect.target).append("\r\n");
    if (!redirect.date.empty()) {
        text.append("Date: ").append(redirect.date).append("\r\n");
    }
    text += "Content-Length: 0\r\n";
    if (redirect.close) {
        text += "Connection: close\r\n";
    }
    return text += "\r\n";
}

}  // namespace evergate::http
