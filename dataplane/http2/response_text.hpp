// SPDX-License-Identifier: Apache-2.0
// The fields of an HTTP/2 response as the text of an HTTP/1.1 one, as they come (RFC 9113 §8). The
// body stays as it is: with a length, or up to the end of the stream, where the trailers are.
//
// What a response may not say is a problem, and the response is malformed (§8.1.1): whoever asks
// must end the stream then. Nothing here relies on what an HTTP/2 library checks. That a body has
// the length it was announced with is for the caller to check. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "dataplane/http/head.hpp"

namespace evergate::http2 {

// What a response is to: some have rules of their own.
enum class ResponseTo : std::uint8_t {
    usual,
    head,
    upgrade,  // an extended CONNECT: what means 101 in HTTP/1.1 is a 2xx here (RFC 8441 §5)
};

class ResponseText {
public:
    // More text than any response head may have; fields of HPACK tables are cheap to send.
    static constexpr std::size_t kMaxHead = 96 * 1024;
    static constexpr std::size_t kMaxTrailers = 8 * 1024;  // as behind chunks

    // `accept`: what an upgrade is answered with: Sec-WebSocket-Accept.
    void reset(ResponseTo to, std::string accept = {}) {
        *this = {};
        to_ = to;
        accept_ = std::move(accept);
    }

    // A head begins: an interim one, the final one, or the trailers.
    void begin(std::string& out) noexcept;
    // The next field of it, appended to `out`. False: malformed.
    bool add(std::string_view name, std::string_view value, std::string& out);
    // It is complete; `last`: and nothing follows it. False: malformed.
    bool end(bool last, std::string& out);

    bool final() const noexcept { return final_; }  // the final head is complete

    bool isTunnel() const noexcept { return tunnel_; }

    // How the end of the body is found: untilClose where the head did not say how long it is, or
    // announced trailers, which HTTP/1.1 has behind chunks only.
    http::Framing framing() const noexcept { return framing_; }

    // Whether the head said how long the body is. Never for a body it cannot have.
    bool knowsLength() const noexcept { return hasLength_ && framing_ != http::Framing::none; }

    std::uint64_t length() const noexcept { return length_; }  // then

    std::uint16_t status() const noexcept { return status_; }  // of the head at last

    // At the body's end: "name: value\r\n" per field.
    const std::string& trailers() const noexcept { return trailers_; }

    // Where the fields of the final head are, for readComposedResponse(); nothing where they are
    // too many, or an interim head came before it.
    std::span<const http::FieldPlace> places() const noexcept {
        return std::span(places_).first(interim_ || count_ > kMaxPlaces ? 0 : count_);
    }

    // Why it is malformed.
    const char* problem() const noexcept { return problem_; }

private:
    static constexpr std::size_t kMaxPlaces = 24;

    bool fail(const char* problem) noexcept;
    void append(http::HeaderName id, std::string_view name, std::string_view value,
                std::string& out);
    bool addStatus(std::string_view value, std::string& out);
    bool addLength(std::string_view value);
    bool addField(std::string_view name, std::string_view value, std::string& out);
    bool endFinal(bool last, std::string& out);

    std::string accept_;
    std::string trailers_;
    std::array<http::FieldPlace, kMaxPlaces> places_;  // count_ of them
    std::size_t count_ = 0;
    std::uint64_t length_ = 0;
    std::size_t headBegin_ = 0;
    const char* problem_ = "";
    std::uint16_t status_ = 0;  // 0: not said yet
    ResponseTo to_ = ResponseTo::usual;
    http::Framing framing_ = http::Framing::none;
    bool hasLength_ = false;
    bool announcesTrailers_ = false;
    bool final_ = false;
    bool interim_ = false;  // one has come
    bool tunnel_ = false;
};

}  // namespace evergate::http2
