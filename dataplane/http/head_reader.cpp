// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/head_reader.hpp"

#include <limits>

#include "dataplane/http/header_names.hpp"

namespace evergate::http {

namespace {

// A Connection field names a handful of fields; more is an attempt to make us compare for long.
constexpr int kMaxConnectionOptions = 32;

void markHopByHop(std::vector<HeaderField>& fields, std::string_view name) noexcept {
    for (HeaderField& field : fields) {
        if (equalsIgnoreCase(field.name, name)) {
            field.hopByHop = true;
        }
    }
}

// "gzip, chunked": tokens, the last and no other of them "chunked".
bool isUnknownBeforeChunked(std::string_view codings) noexcept {
    int chunked = 0;
    bool tokens = true;
    bool last = false;
    int count = 0;
    forEachElement(codings, [&](std::string_view coding) {
        last = equalsIgnoreCase(coding, "chunked");
        chunked += last ? 1 : 0;
        tokens &= allAre(coding, kTokenChar);
        ++count;
    });
    return tokens && last && chunked == 1 && count > 1;
}

}  // namespace

HeadReader::Line HeadReader::fail(char control) noexcept {
    detail_ = control == '\n'   ? "bare LF"
              : control == '\r' ? "bare CR"
              : control == '\0' ? "NUL byte"
                                : "control byte";
    return Line::bad;
}

bool isWorthReading(std::string_view bytes, std::size_t scanned) noexcept {
    // One byte back: it may be a CR, whose LF is due now.
    const char* end = bytes.data() + bytes.size();
    ControlBytes controls(bytes.data() + scanned - 1, end);
    const char* first = controls.next();
    return first != end && !(*first == '\r' && first + 1 == end);
}

const char* readField(std::string_view line, HeaderField& out) noexcept {
    const char* const begin = line.data();
    const char* const end = begin + line.size();
    const char* at = begin;
    while (at != end && is(*at, kTokenChar)) {
        ++at;
    }
    if (at == begin || at == end || *at != ':') [[unlikely]] {
        return at == end       ? "field line without colon"
               : isOws(*begin) ? "line folding or leading whitespace"
               : *at == ':'    ? "empty field name"
               : isOws(*at)    ? "whitespace before colon"
                               : "bad byte in field name";
    }
    out.name = {begin, static_cast<std::size_t>(at - begin)};
    out.value = trimOws({at + 1, static_cast<std::size_t>(end - at - 1)});
    out.id = headerNameOf(out.name);
    out.hopByHop = out.id != HeaderName::other && isHopByHop(out.id);
    return nullptr;
}

bool readContentLength(std::string_view text, std::uint64_t& out) noexcept {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (text.empty()) {
        return false;
    }
    std::uint64_t value = 0;
    for (const char c : text) {
        if (!is(c, kDigit)) {
            return false;
        }
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (value > (kMax - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    out = value;
    return true;
}

const char* checkTransferEncoding(const FramingFields& seen, std::uint8_t minorVersion) noexcept {
    if (seen.contentLengths != 0) {
        return "Transfer-Encoding with Content-Length";
    }
    if (minorVersion == 0) {
        return "Transfer-Encoding in HTTP/1.0";
    }
    if (seen.transferEncodings > 1) {
        return "more than one Transfer-Encoding";
    }
    if (equalsIgnoreCase(seen.transferEncoding, "chunked")) [[likely]] {
        return nullptr;
    }
    return isUnknownBeforeChunked(seen.transferEncoding) ? kUnknownCoding : "bad Transfer-Encoding";
}

const char* readConnection(std::vector<HeaderField>& fields, ConnectionOptions& out) noexcept {
    int count = 0;
    const char* detail = nullptr;
    for (const HeaderField& connection : fields) {
        if (connection.id != HeaderName::connection) {
            continue;
        }
        forEachElement(connection.value, [&](std::string_view option) {
            if (detail != nullptr) {
                return;
            }
            if (equalsIgnoreCase(option, "close")) {
                out.close = true;
            } else if (equalsIgnoreCase(option, "keep-alive")) {
                out.keepAlive = true;
            } else if (equalsIgnoreCase(option, "upgrade")) {
                out.upgrade = true;
            } else if (!allAre(option, kTokenChar)) {
                detail = "bad Connection option";
            } else if (++count > kMaxConnectionOptions) {
                detail = "too many Connection options";
            } else {
                markHopByHop(fields, option);
            }
        });
    }
    return detail;
}

}  // namespace evergate::http
