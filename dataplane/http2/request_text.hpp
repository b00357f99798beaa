// SPDX-License-Identifier: Apache-2.0
// The fields of an HTTP/2 request become an HTTP/1.1 request head (RFC 9113 §8), or a problem.
//
// Nothing but this stands between a field and the text. Pure; one object serves many requests, one
// after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/http/head.hpp"
#include "dataplane/http2/priority.hpp"

namespace evergate::http2 {

class RequestText {
public:
    enum class Status : std::uint8_t {
        complete,
        malformed,  // no request (RFC 9113 §8.1.1)
        refused,    // one, but not to be served: error() says how to answer
    };

    void begin(const http::HeadLimits& limits) noexcept;

    // A field as it came. False: all of them together are so much more than a head may be that
    // nobody has to look at the rest.
    bool add(std::string_view name, std::string_view value);

    // It may be a WebSocket's: finish() needs a key.
    bool hasProtocol() const noexcept;

    // All fields are there. `endStream`: there is no body. `key`: Sec-WebSocket-Key for a WebSocket
    // (RFC 8441), 24 bytes; else empty.
    Status finish(bool endStream, std::string_view key);

    // Once complete:
    const std::string& text() const noexcept { return text_; }

    // Of its fields, for readCheckedRequest().
    std::span<const http::FieldPlace> places() const noexcept {
        return std::span(places_).subspan(authority_.empty() ? 1 : 0);
    }

    std::string_view authority() const noexcept { return authority_; }

    bool webSocket() const noexcept { return webSocket_; }

    bool chunked() const noexcept { return chunked_; }  // the body is to be given as chunks

    // Of a Priority field; without one fair: RFC 9218's default would serve one response after the
    // other, a stream without end in front.
    Priority priority() const noexcept { return priority_; }

    // The body's, as it was announced; nothing for a WebSocket, whose end is not known.
    std::optional<std::uint64_t> length() const noexcept {
        return hasLength_ && !webSocket_ ? std::optional(length_) : std::nullopt;
    }

    http::ProxyError error() const noexcept { return error_; }

    const char* detail() const noexcept { return detail_; }

private:
    bool addPseudo(std::string_view name, std::string_view value);
    void addRegular(std::string_view name, std::string_view value);
    bool noteLength(std::string_view value) noexcept;
    bool note(http::HeaderName id, std::string_view name, std::string_view value);
    Status connectRequest();
    bool settleAuthority();
    void write(bool endStream, std::string_view key);
    void writeField(http::HeaderName id, std::string_view name, std::string_view value);
    void malformed(const char* detail) noexcept;
    Status refuse(http::ProxyError error, const char* detail) noexcept;

    http::HeadLimits limits_;
    std::size_t bytes_ = 0;
    std::size_t fieldCount_ = 0;
    std::string method_;
    std::string scheme_;
    std::string path_;
    std::string authority_;
    std::string protocol_;
    std::string host_;
    std::string cookie_;
    std::string fields_;
    std::string text_;
    std::vector<http::FieldPlace> places_;  // Host first, then those of fields_
    http::ProxyError error_ = http::ProxyError::none;
    const char* detail_ = "";
    std::uint64_t length_ = 0;
    Priority priority_;
    std::uint8_t seen_ = 0;  // pseudo header fields, by bit
    bool hasHost_ = false;
    bool hasLength_ = false;
    bool regular_ = false;  // one has come: no pseudo header field may follow
    bool malformed_ = false;
    bool webSocket_ = false;
    bool chunked_ = false;
};

// A trailer field as a line of a chunked body's end, appended to `out`; those that may not stand
// there (RFC 9110 §6.5.1) are left out. False: malformed.
bool appendTrailer(std::string_view name, std::string_view value, std::string& out);

}  // namespace evergate::http2
