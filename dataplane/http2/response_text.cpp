// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/response_text.hpp"

#include <charconv>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/grpc.hpp"
#include "dataplane/http/head_reader.hpp"
#include "dataplane/http/header_names.hpp"
#include "dataplane/http2/field_rules.hpp"

namespace evergate::http2 {

using http::Framing;
using http::HeaderName;

bool ResponseText::fail(const char* problem) noexcept {
    problem_ = problem;
    return false;
}

void ResponseText::begin(std::string& out) noexcept {
    headBegin_ = out.size();
    if (!final_)
        status_ = 0;
}

bool ResponseText::add(std::string_view name, std::string_view value, std::string& out) {
    const std::size_t held = final_ ? trailers_.size() : out.size() - headBegin_;
    if (held + name.size() + value.size() > (final_ ? kMaxTrailers : kMaxHead))
        return fail("header fields too large");
    if (name.starts_with(':')) {
        if (name != ":status" || status_ != 0)
            return fail("pseudo-header field out of place");
        return addStatus(value, out);
    }
    if (status_ == 0)
        return fail("no :status");
    if (!isFieldName(name))
        return fail("bad field name");
    value = http::trimOws(value);
    if (!isFieldValue(value))
        return fail("bad field value");
    return addField(name, value, out);
}

bool ResponseText::addStatus(std::string_view value, std::string& out) {
    if (value.size() != 3 || !http::allAre(value, http::kDigit) || value[0] == '0')
        return fail("bad :status");
    status_ = static_cast<std::uint16_t>((value[0] - '0') * 100 + (value[1] - '0') * 10 +
                                         (value[2] - '0'));
    if (status_ == 101)
        return fail("101 in HTTP/2");
    tunnel_ = to_ == ResponseTo::upgrade && status_ / 100 == 2;
    out.append("HTTP/1.1 ").append(tunnel_ ? std::string_view("101") : value).append(" \r\n");
    return true;
}

bool ResponseText::addField(std::string_view name, std::string_view value, std::string& out) {
    const HeaderName id = http::headerNameOf(name);
    if (isConnectionSpecific(id))
        return fail("connection-specific field");
    if (id == HeaderName::contentLength && !final_ && status_ >= 200)
        return addLength(value);
    if (final_) {
        if (framing_ == Framing::untilClose && http::isAllowedInTrailer(name))
            appendField(name, value, trailers_);
        return true;
    }
    if (id == HeaderName::contentLength)
        return true;  // an interim response has none to speak of
    announcesTrailers_ |=
        id == HeaderName::trailer || (id == HeaderName::contentType && http::isGrpc(value));
    append(id, name, value, out);
    return true;
}

void ResponseText::append(HeaderName id, std::string_view name, std::string_view value,
                          std::string& out) {
    appendField(name, value, out);
    if (count_ < kMaxPlaces)
        places_[count_] = placeOf(id, name, value);
    ++count_;
}

bool ResponseText::addLength(std::string_view value) {
    std::uint64_t length = 0;
    if (!http::readContentLength(value, length) || (hasLength_ && length != length_))
        return fail("bad content-length");
    length_ = length;
    hasLength_ = true;
    return true;
}

bool ResponseText::end(bool last, std::string& out) {
    if (final_)
        return last || fail("trailers without an end");
    if (status_ == 0)
        return fail("no :status");
    if (status_ < 200) {
        if (last)
            return fail("end after an interim response");
        interim_ = true;
        out.append("\r\n");
        return true;
    }
    final_ = true;
    if (!endFinal(last, out))
        return false;
    out.append("\r\n");
    return true;
}

bool ResponseText::endFinal(bool last, std::string& out) {
    if (tunnel_) {
        append(HeaderName::connection, "Connection", "Upgrade", out);
        append(HeaderName::upgrade, "Upgrade", "websocket", out);
        append(HeaderName::other, "Sec-WebSocket-Accept", accept_, out);
        return true;
    }
    if (status_ == 204)
        return true;
    const bool bodiless = to_ == ResponseTo::head || status_ == 304;
    if (last && !bodiless) {
        if (length_ != 0)
            return fail("a length, but no body");
        hasLength_ = true;
    }
    if (hasLength_ && (last || bodiless || !announcesTrailers_)) {
        char digits[20];
        const char* const end = std::to_chars(digits, digits + sizeof digits, length_).ptr;
        append(HeaderName::contentLength, "Content-Length",
               {digits, static_cast<std::size_t>(end - digits)}, out);
        framing_ = bodiless || length_ == 0 ? Framing::none : Framing::length;
    } else if (!bodiless) {
        framing_ = Framing::untilClose;
    }
    return true;
}

}  // namespace evergate::http2
