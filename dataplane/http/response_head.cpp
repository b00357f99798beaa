// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/head.hpp"
#include "dataplane/http/head_reader.hpp"

namespace evergate::http {

namespace {

struct Seen : FramingFields {
    bool connection = false;
};

ParseResult failed(const char* detail) noexcept {
    return {ParseStatus::error, ProxyError::upstreamBadResponse, detail};
}

ParseResult tooLarge(const char* detail) noexcept {
    return {ParseStatus::error, ProxyError::upstreamHeadTooLarge, detail};
}

// "HTTP/1.1 200 OK". The space after the status is due even without a reason, but many servers
// leave it out, and nothing depends on it.
const char* readStatusLine(std::string_view line, ResponseHead& out) noexcept {
    if (line.size() < 12 || line.substr(0, 7) != "HTTP/1." || line[8] != ' ') {
        return "bad status line";
    }
    if (line[7] != '0' && line[7] != '1') {
        return "bad HTTP version";
    }
    const bool digits = is(line[9], kDigit) && is(line[10], kDigit) && is(line[11], kDigit);
    if (!digits || line[9] == '0' || (line.size() > 12 && line[12] != ' ')) {
        return "bad status code";
    }
    out.minorVersion = line[7] == '1' ? 1 : 0;
    out.status = static_cast<std::uint16_t>((line[9] - '0') * 100 + (line[10] - '0') * 10 +
                                            (line[11] - '0'));
    out.reason = line.size() > 13 ? line.substr(13) : std::string_view{};
    return nullptr;
}

void note(const HeaderField& field, Seen& seen) noexcept {
    switch (field.id) {
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
        default:
            break;
    }
}

// RFC 9112 §6.3, in its order.
const char* settleFraming(const Seen& seen, bool requestWasHead, ResponseHead& out) noexcept {
    if (seen.transferEncodings != 0) {
        if (const char* detail = checkTransferEncoding(seen, out.minorVersion)) {
            return detail;
        }
    }
    if (seen.contentLengths > 1) {
        return "more than one Content-Length";
    }
    if (seen.contentLengths != 0 && !readContentLength(seen.contentLength, out.contentLength)) {
        return "bad Content-Length";
    }
    if (out.status < 200 || out.status == 204) {
        // These have neither body nor length; a server that announces one may well send it too, so
        // its connection is not used again.
        out.keepAlive &= seen.transferEncodings == 0 && out.contentLength == 0;
        out.contentLength = 0;
        return nullptr;
    }
    out.hasLength = seen.contentLengths != 0;
    if (requestWasHead || out.status == 304) {
        return nullptr;
    }
    if (seen.transferEncodings != 0) {
        out.framing = Framing::chunked;
    } else if (out.hasLength) {
        out.framing = Framing::length;
    } else {
        out.framing = Framing::untilClose;
        out.keepAlive = false;
    }
    return nullptr;
}

const char* settle(const Seen& seen, bool requestWasHead, ResponseHead& out) noexcept {
    ConnectionOptions options;
    if (seen.connection) {
        if (const char* detail = readConnection(out.fields, options)) {
            return detail;
        }
    }
    out.keepAlive = !options.close && (out.minorVersion == 1 || options.keepAlive);
    return settleFraming(seen, requestWasHead, out);
}

ParseResult unfinished(HeadReader::Line status, const HeadReader& reader, bool full) noexcept {
    if (status == HeadReader::Line::bad) {
        return failed(reader.detail());
    }
    return full ? tooLarge("head over the limit") : ParseResult{};
}

}  // namespace

void ResponseHead::clear() noexcept {
    status = 0;
    reason = {};
    fields.clear();
    contentLength = 0;
    headBytes = 0;
    framing = Framing::none;
    minorVersion = 1;
    keepAlive = true;
    hasLength = false;
}

ParseResult parseResponseHead(std::string_view bytes, const HeadLimits& limits, bool requestWasHead,
                              std::size_t& scanned, ResponseHead& out) {
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
    HeadReader::Line status = reader.nextLine(line);
    if (status != HeadReader::Line::complete) {
        return unfinished(status, reader, full);
    }
    if (const char* detail = readStatusLine(line, out)) {
        return failed(detail);
    }
    Seen seen;
    while ((status = reader.nextLine(line)) == HeadReader::Line::complete && !line.empty()) {
        if (out.fields.size() == limits.maxHeaders) {
            return tooLarge("too many header fields");
        }
        HeaderField& field = out.fields.emplace_back();
        if (const char* detail = readField(line, field)) {
            return failed(detail);
        }
        note(field, seen);
    }
    if (status != HeadReader::Line::complete) {
        return unfinished(status, reader, full);
    }
    out.headBytes = static_cast<std::size_t>(reader.position() - bytes.data());
    if (const char* detail = settle(seen, requestWasHead, out)) {
        return failed(detail);
    }
    return {ParseStatus::complete, ProxyError::none, ""};
}

}  // namespace evergate::http
