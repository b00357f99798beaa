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

// What every complete answer without a body ends with.
std::string& appendEmptyBody(std::string& text, bool close, std::string_view date,
                             std::string_view server) {
    if (!date.empty()) {
        text.append("Date: ").append(date).append("\r\n");
    }
    if (!server.empty()) {
        text.append("Server: ").append(server).append("\r\n");
    }
    text += "Content-Length: 0\r\n";
    if (close) {
        text += "Connection: close\r\n";
    }
    return text += "\r\n";
}

}  // namespace

std::string composeRedirect(const Redirect& redirect) {
    std::string text;
    if (!isPlainHost(redirect.host) || !redirect.target.starts_with('/')) {
        return text;
    }
    text.reserve(256 + redirect.host.size() + redirect.target.size());
    text = "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://";
    text += redirect.host;
    if (redirect.port != 443) {
        text.append(1, ':').append(std::to_string(redirect.port));
    }
    text.append(redirect.target).append("\r\n");
    return appendEmptyBody(text, redirect.close, redirect.date, redirect.server);
}

std::string composeOptionsReply(bool close, std::string_view date, std::string_view server) {
    std::string text = "HTTP/1.1 200 OK\r\n";
    return appendEmptyBody(text, close, date, server);
}

}  // namespace evergate::http
