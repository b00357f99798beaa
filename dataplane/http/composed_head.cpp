// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/composed_head.hpp"

#include <cstring>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/head_reader.hpp"
#include "dataplane/http/header_names.hpp"

namespace evergate::http {

namespace {

const char* find(const char* begin, const char* end, char wanted) noexcept {
    return static_cast<const char*>(
        std::memchr(begin, wanted, static_cast<std::size_t>(end - begin)));
}

std::string_view between(const char* begin, const char* end) noexcept {
    return {begin, static_cast<std::size_t>(end - begin)};
}

// Cuts the first line off, without its CRLF. False: it has not ended.
bool takeLine(const char*& at, const char* end, std::string_view& line) noexcept {
    const char* const cr = find(at, end, '\r');
    if (cr == nullptr || cr + 1 == end)
        return false;
    line = between(at, cr);
    at = cr + 2;
    return true;
}

// What is behind a colon, nearly always a space and the value.
std::string_view valueOf(std::string_view text) noexcept {
    if (text.starts_with(' '))
        text.remove_prefix(1);
    const bool blank = !text.empty() && (isOws(text.front()) || isOws(text.back()));
    return blank ? trimOws(text) : text;
}

// note(field) for every line up to the empty one; `at` is behind that then.
template <typename Note>
ParseStatus readFields(const char*& at, const char* end, std::vector<HeaderField>& fields,
                       Note&& note) {
    std::string_view line;
    while (takeLine(at, end, line)) {
        if (line.empty())
            return ParseStatus::complete;
        const char* const colon = find(line.data(), line.data() + line.size(), ':');
        if (colon == nullptr)
            return ParseStatus::error;
        HeaderField& field = fields.emplace_back();
        field.name = between(line.data(), colon);
        field.value = valueOf(between(colon + 1, line.data() + line.size()));
        field.id = headerNameOf(field.name);
        if (field.id != HeaderName::other) {
            field.hopByHop = isHopByHop(field.id);
            note(field);
        }
    }
    return ParseStatus::incomplete;
}

bool readRequestLine(std::string_view line, RequestHead& out) noexcept {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == last)
        return false;
    out.method = line.substr(0, first);
    out.target = line.substr(first + 1, last - first - 1);
    out.path = out.target.substr(0, out.target.find('?'));
    out.head = out.method == "HEAD";
    return true;
}

void note(const HeaderField& field, RequestHead& out) noexcept {
    switch (field.id) {
        case HeaderName::host:
            out.authority = field.value;
            break;
        case HeaderName::contentLength:
            if (readContentLength(field.value, out.contentLength))
                out.framing = Framing::length;
            break;
        case HeaderName::transferEncoding:
            out.framing = Framing::chunked;
            break;
        case HeaderName::upgrade:
            out.upgrade = field.value;
            break;
        case HeaderName::te:
            out.teTrailers = true;
            break;
        default:
            break;
    }
}

// "HTTP/1.1 200 OK"
bool readStatusLine(std::string_view line, ResponseHead& out) noexcept {
    if (line.size() < 12)
        return false;
    out.status = static_cast<std::uint16_t>((line[9] - '0') * 100 + (line[10] - '0') * 10 +
                                            (line[11] - '0'));
    out.reason = line.size() > 13 ? line.substr(13) : std::string_view{};
    return true;
}

void note(const HeaderField& field, ResponseHead& out, bool& chunked) noexcept {
    if (field.id == HeaderName::contentLength)
        out.hasLength = readContentLength(field.value, out.contentLength);
    chunked |= field.id == HeaderName::transferEncoding;
}

void settleFraming(bool chunked, bool requestWasHead, ResponseHead& out) noexcept {
    if (out.status < 200 || out.status == 204) {
        out.hasLength = false;
        out.contentLength = 0;
    } else if (requestWasHead || out.status == 304) {
        // the length is that of another answer
    } else if (chunked) {
        out.framing = Framing::chunked;
    } else {
        out.framing = out.hasLength ? Framing::length : Framing::untilClose;
    }
}

// readLine(first line) and note(field) for every other one, in a head that is whole.
template <typename Head, typename ReadLine, typename Note>
ParseStatus readHead(std::string_view text, Head& out, ReadLine&& readLine, Note&& note) {
    out.clear();
    const char* at = text.data();
    const char* const end = at + text.size();
    std::string_view line;
    if (!takeLine(at, end, line))
        return ParseStatus::incomplete;
    if (!readLine(line, out))
        return ParseStatus::error;
    const ParseStatus status = readFields(at, end, out.fields, note);
    out.headBytes = static_cast<std::size_t>(at - text.data());
    return status;
}

}  // namespace

ParseStatus readComposedRequest(std::string_view text, RequestHead& out) {
    return readHead(text, out, readRequestLine,
                    [&out](const HeaderField& field) { note(field, out); });
}

ParseStatus readComposedResponse(std::string_view text, bool requestWasHead, ResponseHead& out) {
    bool chunked = false;
    const ParseStatus status =
        readHead(text, out, readStatusLine,
                 [&out, &chunked](const HeaderField& field) { note(field, out, chunked); });
    if (status == ParseStatus::complete)
        settleFraming(chunked, requestWasHead, out);
    return status;
}

ParseStatus readComposedResponse(std::string_view text, std::span<const FieldPlace> places,
                                 bool requestWasHead, ResponseHead& out) {
    out.clear();
    const char* at = text.data();
    const char* const end = at + text.size();
    std::string_view line;
    if (!takeLine(at, end, line))
        return ParseStatus::incomplete;
    if (!readStatusLine(line, out))
        return ParseStatus::error;
    bool chunked = false;
    for (const FieldPlace& place : places) {
        if (static_cast<std::size_t>(end - at) < place.nameSize + std::size_t{place.valueSize} + 4)
            return ParseStatus::incomplete;
        const char* const value = at + place.nameSize + 2;
        const HeaderField& field = out.fields.emplace_back(HeaderField{
            place.id, isHopByHop(place.id), {at, place.nameSize}, {value, place.valueSize}});
        at = value + place.valueSize + 2;
        note(field, out, chunked);
    }
    if (end - at < 2)
        return ParseStatus::incomplete;
    out.headBytes = static_cast<std::size_t>(at + 2 - text.data());
    settleFraming(chunked, requestWasHead, out);
    return ParseStatus::complete;
}

}  // namespace evergate::http
