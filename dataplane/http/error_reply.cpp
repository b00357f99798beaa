// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/compose.hpp"
#include "dataplane/http/head_writer.hpp"

namespace evergate::http {

namespace {

// All the fixed text of a reply and its numbers; the date and the body's sentence come on top.
constexpr std::size_t kOwnText = 320;

std::string_view reasonPhrase(std::uint16_t status) noexcept {
    switch (status) {
        case 400:
            return "Bad Request";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 408:
            return "Request Timeout";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 421:
            return "Misdirected Request";
        case 417:
            return "Expectation Failed";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Error";
    }
}

}  // namespace

std::size_t composeErrorReply(const ErrorReply& reply, char* out, std::size_t capacity) noexcept {
    const ProxyErrorInfo& error = info(reply.error);
    if (capacity < kOwnText + reply.date.size() + error.text.size() + reply.server.size() ||
        error.status == 0) {
        return 0;
    }
    HeadWriter writer(out);
    writer.literal("HTTP/1.1 ");
    writer.number(error.status);
    writer.literal(" ");
    writer.add(reasonPhrase(error.status));
    writer.literal("\r\nContent-Type: text/plain; charset=utf-8\r\n");
    if (!reply.server.empty()) {
        writer.field("Server: ", reply.server);
    }
    if (!reply.date.empty()) {
        writer.field("Date: ", reply.date);
    }
    // "404 no route\n"
    writer.field("Content-Length: ", std::uint64_t{3 + 1 + error.text.size() + 1});
    if (reply.retryAfterSeconds != 0) {
        writer.field("Retry-After: ", std::uint64_t{reply.retryAfterSeconds});
    }
    if (reply.close) {
        writer.literal("Connection: close\r\n");
    }
    writer.literal("\r\n");
    if (!reply.headRequest) {
        writer.number(error.status);
        writer.literal(" ");
        writer.add(error.text);
        writer.literal("\n");
    }
    return static_cast<std::size_t>(writer.position() - out);
}

}  // namespace evergate::http
