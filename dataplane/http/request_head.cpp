// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "dataplane/http/grpc.hpp"
#include "dataplane/http/head.hpp"
#include "dataplane/http/head_reader.hpp"
#include "dataplane/http/header_names.hpp"
#include "dataplane/http/request_target.hpp"

namespace evergate::http {

namespace {

// Empty lines a client may send before a request (RFC 9112 §2.2 asks for one at least).
constexpr int kMaxLeadingEmptyLines = 4;

// What the fields said, gathered while they were read.
struct Seen : FramingFields {
    std::string_view host;
    std::string_view upgrade;
    std::string_view maxForwards;
    std::string_view grpcTimeout;
    unsigned hosts = 0;
    unsigned maxForwardsFields = 0;
    bool connection = false;
    bool expect = false;
    bool expectsOther = false;
    bool teTrailers = false;
    bool grpc = false;
    bool authenticatesConnection = false;
};

ParseResult failed(const HeadProblem& problem) noexcept {
    return {ParseStatus::error, problem.error, problem.detail};
}

HeadProblem bad(const char* detail) noexcept {
    return {ProxyError::badRequest, detail};
}

HeadProblem ambiguous(const char* detail) noexcept {
    return {ProxyError::ambiguousFraming, detail};
}

bool isConnectionScheme(std::string_view credentials) noexcept {
    const std::string_view scheme = credentials.substr(0, credentials.find(' '));
    return equalsIgnoreCase(scheme, "NTLM") || equalsIgnoreCase(scheme, "Negotiate");
}

void note(const HeaderField& field, Seen& seen) noexcept {
    switch (field.id) {
        case HeaderName::host:
            seen.host = field.value;
            ++seen.hosts;
            break;
        case HeaderName::contentLength:
            seen.contentLength = field.value;
            ++seen.contentLengths;
            break;
        case HeaderName::transferEncoding:
            seen.transferEncoding = field.value;
            ++seen.transferEncodings;
            break;
        case HeaderName::connection:
            seen.connection = true;
            break;
        case HeaderName::upgrade:
            if (seen.upgrade.empty()) {
                seen.upgrade = field.value;
            }
            break;
        case HeaderName::expect:
            seen.expect = true;
            seen.expectsOther |= !equalsIgnoreCase(field.value, "100-continue");
            break;
        case HeaderName::authorization:
            seen.authenticatesConnection |= isConnectionScheme(field.value);
            break;
        case HeaderName::maxForwards:
            seen.maxForwards = field.value;
            ++seen.maxForwardsFields;
            break;
        case HeaderName::contentType:
            seen.grpc = isGrpc(field.value);
            break;
        case HeaderName::grpcTimeout:
            seen.grpcTimeout = field.value;
            break;
        case HeaderName::te:
            forEachElement(field.value, [&seen](std::string_view coding) {
                seen.teTrailers |= equalsIgnoreCase(coding, "trailers");
            });
            break;
        default:
            break;
    }
}

HeadProblem settleHost(const Seen& seen, RequestHead& out) noexcept {
    if (seen.hosts > 1) {
        return bad("more than one Host");
    }
    if (seen.hosts == 0 && out.minorVersion == 1) {
        return bad("no Host");
    }
    if (seen.hosts == 1) {
        std::string_view host;
        if (const char* detail = readAuthority(seen.host, host)) {
            return bad(detail);
        }
        if (out.authority.empty()) [[likely]] {
            out.authority = seen.host;
            out.host = host;
            return {};
        }
    }
    if (out.authority.empty()) {
        return {};
    }
    if (const char* detail = readAuthority(out.authority, out.host)) {  // absolute-form
        return bad(detail);
    }
    // The target would win (RFC 9112 §3.2.2), but no client of good will says two things, and what
    // is behind us may decide otherwise.
    return seen.hosts == 1 && !isSameAuthority(out.authority, seen.host, out.secureTarget)
               ? bad("Host is not that of the request target")
               : HeadProblem{};
}

// TRACE and OPTIONS say how far they may go (RFC 9110 §7.6.2); others may say so without effect.
HeadProblem settleMaxForwards(const Seen& seen, RequestHead& out) noexcept {
    constexpr std::uint64_t kMost = 255;
    if (out.method != "TRACE" && out.method != "OPTIONS") {
        return {};
    }
    std::uint64_t count = 0;
    if (seen.maxForwardsFields > 1 || !readContentLength(seen.maxForwards, count)) {
        return bad("bad Max-Forwards");
    }
    out.maxForwards = static_cast<std::int16_t>(std::min(count, kMost));
    return {};
}

HeadProblem settleFraming(const Seen& seen, RequestHead& out) noexcept {
    if (seen.transferEncodings != 0) {
        if (const char* detail = checkTransferEncoding(seen, out.minorVersion)) {
            return detail == kUnknownCoding ? HeadProblem{ProxyError::unknownCoding, detail}
                                            : ambiguous(detail);
        }
        out.framing = Framing::chunked;
    } else if (seen.contentLengths != 0) {
        if (seen.contentLengths > 1) {
            return ambiguous("more than one Content-Length");
        }
        if (!readContentLength(seen.contentLength, out.contentLength)) {
            return ambiguous("bad Content-Length");
        }
        out.framing = Framing::length;
    }
    return {};
}

// The protocol asked for. "h2c" is not offered: an upstream that took it would let the client speak
// HTTP/2 past every check made here.
HeadProblem settleUpgrade(std::string_view upgrade, RequestHead& out) noexcept {
    bool valid = true;
    bool h2c = false;
    bool empty = true;
    forEachElement(upgrade, [&](std::string_view protocol) {
        empty = false;
        const std::size_t slash = protocol.find('/');
        const std::string_view name = protocol.substr(0, slash);
        valid &= !name.empty() && allAre(name, kTokenChar);
        if (slash != std::string_view::npos) {
            valid &= slash + 1 < protocol.size() && allAre(protocol.substr(slash + 1), kTokenChar);
        }
        h2c |= equalsIgnoreCase(name, "h2c") || equalsIgnoreCase(name, "HTTP");
    });
    if (!valid) {
        return bad("bad Upgrade");
    }
    if (!h2c && !empty) {
        out.upgrade = upgrade;
    }
    return {};
}

HeadProblem settle(const Seen& seen, RequestHead& out) noexcept {
    if (const HeadProblem problem = settleHost(seen, out)) {
        return problem;
    }
    if (const HeadProblem problem = settleFraming(seen, out)) {
        return problem;
    }
    if (seen.maxForwardsFields != 0) [[unlikely]] {
        if (const HeadProblem problem = settleMaxForwards(seen, out)) {
            return problem;
        }
    }
    ConnectionOptions options;
    if (seen.connection) {
        if (const char* detail = readConnection(out.fields, options)) {
            return bad(detail);
        }
    }
    out.keepAlive = !options.close && (out.minorVersion == 1 || options.keepAlive);
    out.authenticatesConnection = seen.authenticatesConnection;
    out.grpc = seen.grpc;
    out.grpcTimeout = seen.grpcTimeout;
    if (out.minorVersion == 0) {
        return {};  // Upgrade, Expect and TE do not exist in HTTP/1.0
    }
    if (seen.expectsOther) {
        return {ProxyError::expectationFailed, "unknown expectation"};
    }
    out.expectContinue = seen.expect && (out.framing == Framing::chunked || out.contentLength != 0);
    out.teTrailers = seen.teTrailers;
    return options.upgrade ? settleUpgrade(seen.upgrade, out) : HeadProblem{};
}

HeadReader::Line skipEmptyLines(HeadReader& reader, std::string_view& line) noexcept {
    HeadReader::Line status = reader.nextLine(line);
    for (int i = 0; i < kMaxLeadingEmptyLines && status == HeadReader::Line::complete; ++i) {
        if (!line.empty()) {
            break;
        }
        status = reader.nextLine(line);
    }
    return status;
}

ParseResult unfinished(HeadReader::Line status, const HeadReader& reader, bool full,
                       ProxyError tooLarge) noexcept {
    if (status == HeadReader::Line::bad) {
        return failed(bad(reader.detail()));
    }
    if (!full) {
        return {};
    }
    return failed({tooLarge, "head over the limit"});
}

}  // namespace

void RequestHead::clear() noexcept {
    method = target = path = authority = host = upgrade = grpcTimeout = {};
    fields.clear();
    contentLength = 0;
    headBytes = 0;
    framing = Framing::none;
    minorVersion = 1;
    keepAlive = true;
    expectContinue = head = idempotent = teTrailers = grpc = secureTarget = false;
    authenticatesConnection = false;
    maxForwards = -1;
}

ParseResult parseRequestHead(std::string_view bytes, const HeadLimits& limits, std::size_t& scanned,
                             RequestHead& out) {
    const bool full = bytes.size() >= limits.maxHeadBytes;
    bytes = bytes.substr(0, limits.maxHeadBytes);
    if (scanned != 0 && !full && !isWorthReading(bytes, scanned)) {
        scanned = bytes.size();
        return {};
    }
    scanned = bytes.size();
    out.clear();
    HeadReader reader(bytes);
    std::string_view line;
    HeadReader::Line status = skipEmptyLines(reader, line);
    if (status != HeadReader::Line::complete) {
        return unfinished(status, reader, full, ProxyError::uriTooLong);
    }
    if (const HeadProblem problem = readRequestLine(line, out)) {
        return failed(problem);
    }
    Seen seen;
    while ((status = reader.nextLine(line)) == HeadReader::Line::complete && !line.empty()) {
        if (out.fields.size() == limits.maxHeaders) {
            return failed({ProxyError::headTooLarge, "too many header fields"});
        }
        HeaderField& field = out.fields.emplace_back();
        if (const char* detail = readField(line, field)) {
            return failed(bad(detail));
        }
        note(field, seen);
    }
    if (status != HeadReader::Line::complete) {
        return unfinished(status, reader, full, ProxyError::headTooLarge);
    }
    out.headBytes = static_cast<std::size_t>(reader.position() - bytes.data());
    if (const HeadProblem problem = settle(seen, out)) {
        return failed(problem);
    }
    return {ParseStatus::complete, ProxyError::none, ""};
}

ParseResult readCheckedRequest(std::string_view text, std::span<const FieldPlace> places,
                               RequestHead& out) {
    out.clear();
    const std::string_view line = text.substr(0, text.find('\r'));
    if (const HeadProblem problem = readRequestLine(line, out)) {
        return failed(problem);
    }
    Seen seen;
    const char* at = text.data() + line.size() + 2;
    for (const FieldPlace& place : places) {
        const char* const value = at + place.nameSize + 2;
        out.fields.push_back(
            {place.id, isHopByHop(place.id), {at, place.nameSize}, {value, place.valueSize}});
        at = value + place.valueSize + 2;
        if (place.id != HeaderName::other) {
            note(out.fields.back(), seen);
        }
    }
    out.headBytes = static_cast<std::size_t>(at + 2 - text.data());
    if (const HeadProblem problem = settle(seen, out)) {
        return failed(problem);
    }
    return {ParseStatus::complete, ProxyError::none, ""};
}

}  // namespace evergate::http
