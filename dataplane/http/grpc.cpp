// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/grpc.hpp"

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/head_writer.hpp"

namespace evergate::http {
namespace {

// All the fixed text of a reply and its numbers.
constexpr std::size_t kOwnText = 320;

// Microseconds; 0: no such unit.
constexpr std::uint64_t microsPer(char unit) noexcept {
    switch (unit) {
        case 'H':
            return 3'600'000'000ULL;
        case 'M':
            return 60'000'000ULL;
        case 'S':
            return 1'000'000ULL;
        case 'm':
            return 1'000ULL;
        case 'u':
            return 1ULL;
        default:
            return 0;
    }
}

}  // namespace

bool isGrpc(std::string_view contentType) noexcept {
    constexpr std::string_view kType = "application/grpc";
    if (contentType.size() < kType.size() ||
        !equalsIgnoreCase(contentType.substr(0, kType.size()), kType))
        return false;
    const std::string_view rest = contentType.substr(kType.size());
    return rest.empty() || rest.front() == '+' || rest.front() == ';' || isOws(rest.front());
}

std::chrono::milliseconds parseGrpcTimeout(std::string_view value) noexcept {
    constexpr std::size_t kMaxDigits = 8;
    using std::chrono::milliseconds;
    if (value.size() < 2 || value.size() > kMaxDigits + 1)
        return milliseconds(0);
    std::uint64_t count = 0;
    for (const char c : value.substr(0, value.size() - 1)) {
        if (!is(c, kDigit))
            return milliseconds(0);
        count = count * 10 + static_cast<std::uint64_t>(c - '0');
    }
    const char unit = value.back();
    const std::uint64_t micros = unit == 'n' ? (count + 999) / 1000 : count * microsPer(unit);
    return milliseconds((micros + 999) / 1000);
}

unsigned grpcStatusOf(std::uint16_t httpStatus) noexcept {
    switch (httpStatus) {
        case 400:
        case 414:
        case 431:
            return 13;  // INTERNAL
        case 401:
            return 16;  // UNAUTHENTICATED
        case 403:
            return 7;  // PERMISSION_DENIED
        case 404:
        case 501:
            return 12;  // UNIMPLEMENTED
        case 408:
        case 504:
            return 4;  // DEADLINE_EXCEEDED
        case 413:
        case 429:
            return 8;  // RESOURCE_EXHAUSTED
        case 421:
        case 502:
        case 503:
            return 14;  // UNAVAILABLE
        case 499:
            return 1;  // CANCELLED
        default:
            return 2;  // UNKNOWN
    }
}

std::size_t composeGrpcReply(const ErrorReply& reply, char* out, std::size_t capacity) noexcept {
    const ProxyErrorInfo& error = info(reply.error);
    if (capacity < kOwnText + reply.date.size() + error.text.size() + reply.server.size() ||
        error.status == 0) {
        return 0;
    }
    HeadWriter writer(out);
    writer.literal("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n");
    if (!reply.server.empty()) {
        writer.field("Server: ", reply.server);
    }
    if (!reply.date.empty()) {
        writer.field("Date: ", reply.date);
    }
    writer.literal("Content-Length: 0\r\n");
    writer.field("Grpc-Status: ", std::uint64_t{grpcStatusOf(error.status)});
    writer.field("Grpc-Message: ", error.text);  // plain ASCII without '%': nothing to encode
    if (reply.retryAfterSeconds != 0) {
        writer.field("Retry-After: ", std::uint64_t{reply.retryAfterSeconds});
    }
    if (reply.close) {
        writer.literal("Connection: close\r\n");
    }
    writer.literal("\r\n");
    return static_cast<std::size_t>(writer.position() - out);
}

std::string composeGrpcTrailers(ProxyError error) {
    const ProxyErrorInfo& said = info(error);
    if (said.status == 0 || error == ProxyError::clientClosed)
        return {};
    std::string fields = "grpc-status: " + std::to_string(grpcStatusOf(said.status));
    return fields.append("\r\ngrpc-message: ").append(said.text).append("\r\n");
}

}  // namespace evergate::http
