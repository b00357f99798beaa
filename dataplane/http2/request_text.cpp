// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/request_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/header_names.hpp"
#include "dataplane/http/request_target.hpp"
#include "dataplane/http2/field_rules.hpp"

namespace evergate::http2 {

using http::HeaderName;
using http::ProxyError;

namespace {

enum Pseudo : std::uint8_t {
    kMethod = 1,
    kScheme = 2,
    kPath = 4,
    kAuthority = 8,
    kProtocol = 16,
};

// A head that unpacks to so many times what is allowed is an attack.
constexpr std::size_t kBombFactor = 4;
// What RFC 9113 §6.5.2 counts for a field besides its bytes; ours: ": " and CRLF.
constexpr std::size_t kFieldOverhead = 4;

// Names what only a connection that is to become HTTP/2 has to say (RFC 7540 §3.2.1), too.
bool isForbidden(HeaderName id) noexcept {
    return isConnectionSpecific(id) || id == HeaderName::http2Settings;
}

// Methods whose requests have a body by definition: an empty one is said to be empty (RFC 9110
// §8.6).
bool expectsBody(std::string_view method) noexcept {
    return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

void RequestText::begin(const http::HeadLimits& limits) noexcept {
    limits_ = limits;
    bytes_ = fieldCount_ = 0;
    for (std::string* text :
         {&method_, &scheme_, &path_, &authority_, &protocol_, &host_, &cookie_, &fields_, &text_})
        text->clear();
    places_.assign(1, {});
    error_ = ProxyError::none;
    detail_ = "";
    seen_ = 0;
    hasHost_ = hasLength_ = regular_ = malformed_ = webSocket_ = chunked_ = false;
    length_ = 0;
    priority_ = {.incremental = true};
}

bool RequestText::add(std::string_view name, std::string_view value) {
    bytes_ += name.size() + value.size() + kFieldOverhead;
    ++fieldCount_;
    if (bytes_ > limits_.maxHeadBytes) {
        if (error_ == ProxyError::none)
            error_ = name == ":path" ? ProxyError::uriTooLong : ProxyError::headTooLarge;
        return bytes_ <= kBombFactor * limits_.maxHeadBytes;
    }
    if (malformed_ || error_ != ProxyError::none)
        return true;
    if (!isFieldValue(value)) {
        malformed("control byte in a value, or space around it");
    } else if (!name.empty() && name.front() == ':') {
        if (regular_ || !addPseudo(name, value))
            malformed("bad pseudo header field");
    } else if (!isFieldName(name)) {
        malformed("bad field name");
    } else {
        regular_ = true;
        addRegular(name, value);
    }
    return true;
}

bool RequestText::hasProtocol() const noexcept {
    return (seen_ & kProtocol) != 0;
}

bool RequestText::addPseudo(std::string_view name, std::string_view value) {
    static constexpr std::array<std::pair<std::string_view, std::uint8_t>, 5> kNames{
        {{":method", kMethod},
         {":scheme", kScheme},
         {":path", kPath},
         {":authority", kAuthority},
         {":protocol", kProtocol}}};
    const std::array<std::string*, 5> values{&method_, &scheme_, &path_, &authority_, &protocol_};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if (kNames[i].first != name)
            continue;
        if ((seen_ & kNames[i].second) != 0)
            return false;
        seen_ |= kNames[i].second;
        values[i]->assign(value);
        return true;
    }
    return false;
}

void RequestText::addRegular(std::string_view name, std::string_view value) {
    if (fieldCount_ > limits_.maxHeaders + 5) {
        error_ = ProxyError::headTooLarge;
        return;
    }
    const HeaderName id = http::headerNameOf(name);
    if (!note(id, name, value))
        return;
    appendField(name, value, fields_);
    places_.push_back(placeOf(id, name, value));
}

// False: it is kept elsewhere, or nowhere.
bool RequestText::note(HeaderName id, std::string_view name, std::string_view value) {
    if (id == HeaderName::other) [[likely]] {
        if (name == "priority")
            priority_ = parsePriority(value);
        return name != "sec-websocket-key" || !hasProtocol();
    }
    if (isForbidden(id)) {
        malformed("connection-specific field");
        return false;
    }
    switch (id) {
        case HeaderName::te:
            if (!http::equalsIgnoreCase(http::trimOws(value), "trailers"))
                malformed("TE other than trailers");
            return true;
        case HeaderName::host:
            if (hasHost_ && !http::equalsIgnoreCase(host_, value))
                malformed("two Hosts");
            hasHost_ = true;
            host_ = value;
            return false;
        case HeaderName::contentLength:
            if (!noteLength(value))
                malformed("bad Content-Length");
            return !hasProtocol();  // a tunnel has no length
        case HeaderName::cookie:    // crumbs (RFC 9113 §8.2.3), but for empty ones
            if (!cookie_.empty() && !value.empty())
                cookie_ += "; ";
            cookie_ += value;
            return false;
        default:
            return true;
    }
}

// Once, and digits only (RFC 9110 §8.6).
bool RequestText::noteLength(std::string_view value) noexcept {
    const char* const end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, length_);
    const bool first = !std::exchange(hasLength_, true);
    return first && read.ec == std::errc() && read.ptr == end;
}

RequestText::Status RequestText::finish(bool endStream, std::string_view key) {
    if (error_ != ProxyError::none)
        return refuse(error_, "head over the limit");
    if (!malformed_ && method_ == "CONNECT") {
        const Status status = connectRequest();
        if (status != Status::complete)
            return status;
    } else if (hasProtocol()) {
        malformed(":protocol without CONNECT");
    }
    constexpr std::uint8_t kNeeded = kMethod | kScheme | kPath;
    if ((seen_ & kNeeded) != kNeeded || method_.empty() || scheme_.empty() || path_.empty())
        malformed("pseudo header field missing");
    if (!http::allAre(method_, http::kTokenChar))
        malformed("bad :method");
    // Everything the target is made of; where it stands is for the parser of heads to say.
    const bool rooted = path_.starts_with('/') || (path_ == "*" && method_ == "OPTIONS");
    if (!rooted || !http::allAre(path_, http::kTargetChar))
        malformed("bad :path");
    if (endStream && hasLength_ && length_ != 0 && !webSocket_)
        malformed("no body, but a Content-Length");
    if (!malformed_ && !settleAuthority())
        malformed("Host is not :authority");
    if (malformed_)
        return Status::malformed;
    write(endStream, key);
    return Status::complete;
}

// A tunnel to anywhere is no business of an ingress, one to a WebSocket is (RFC 8441 §4).
RequestText::Status RequestText::connectRequest() {
    if (!hasProtocol())
        return refuse(ProxyError::methodNotSupported, "CONNECT");
    if (protocol_ != "websocket")
        return refuse(ProxyError::methodNotSupported, "CONNECT for another protocol");
    webSocket_ = true;
    method_ = "GET";
    return Status::complete;
}

bool RequestText::settleAuthority() {
    if ((seen_ & kAuthority) == 0) {
        authority_ = host_;
        return true;  // none at all: the parser of heads refuses that
    }
    if (authority_.find_first_of(" \t") != std::string::npos)
        return false;
    std::string_view name;
    return !hasHost_ || (http::readAuthority(authority_, name) == nullptr &&
                         http::readAuthority(host_, name) == nullptr &&
                         http::isSameAuthority(authority_, host_, scheme_ == "https"));
}

void RequestText::write(bool endStream, std::string_view key) {
    chunked_ = !endStream && !hasLength_ && !webSocket_;
    text_.reserve(bytes_ + 256);
    text_.append(method_).append(" ").append(path_).append(" HTTP/1.1\r\n");
    if (!authority_.empty()) {
        appendField("Host", authority_, text_);
        places_[0] = placeOf(HeaderName::host, "Host", authority_);
    }
    text_.append(fields_);
    if (!cookie_.empty())
        writeField(HeaderName::cookie, "cookie", cookie_);
    if (webSocket_) {
        writeField(HeaderName::connection, "Connection", "Upgrade");
        writeField(HeaderName::upgrade, "Upgrade", "websocket");
        writeField(HeaderName::other, "Sec-WebSocket-Key", key);
    } else if (chunked_) {
        writeField(HeaderName::transferEncoding, "Transfer-Encoding", "chunked");
    } else if (endStream && !hasLength_ && expectsBody(method_)) {
        writeField(HeaderName::contentLength, "Content-Length", "0");
    }
    text_.append("\r\n");
}

// Behind all others.
void RequestText::writeField(HeaderName id, std::string_view name, std::string_view value) {
    appendField(name, value, text_);
    places_.push_back(placeOf(id, name, value));
}

void RequestText::malformed(const char* detail) noexcept {
    malformed_ = true;
    detail_ = detail;
}

RequestText::Status RequestText::refuse(ProxyError error, const char* detail) noexcept {
    error_ = error;
    detail_ = detail;
    return Status::refused;
}

bool appendTrailer(std::string_view name, std::string_view value, std::string& out) {
    if (!isFieldName(name) || !isFieldValue(value))
        return false;
    const HeaderName id = http::headerNameOf(name);
    if (isForbidden(id))
        return false;
    if (http::isAllowedInTrailer(name) && !http::isHopByHop(id))
        appendField(name, value, out);
    return true;
}

}  // namespace evergate::http2
