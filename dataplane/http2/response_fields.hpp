// SPDX-License-Identifier: Apache-2.0
// A response head, or a trailer section, as the fields of an HTTP/2 HEADERS frame (RFC 9113 §8):
// :status first, nothing of the connection it came on. The views are the head's, and so is the case
// of names, which HPACK's encoder lowers. Reused: nothing is allocated in the steady state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/hpack/field.hpp"
#include "dataplane/http/compose.hpp"
#include "dataplane/http/head.hpp"

namespace evergate::http2 {

class ResponseFields {
public:
    // What composeResponseBefore() makes of a final head, without the text: `facts.framing` is
    // untilClose where the stream's end is the body's, behind which there may be trailers. Returns
    // about how long the text would be.
    std::size_t assign(const http::ResponseHead& head, const http::ResponseFacts& facts);
    // Of a head that was composed already. `status`: in place of the head's (a WebSocket's 101
    // becomes 200, RFC 8441 §5).
    void set(const http::ResponseHead& head, std::uint16_t status);
    // "Name: value\r\n" per field, as ChunkedDecoder::trailers() has them.
    void setTrailers(std::string_view section);

    std::span<const hpack::Field> all() const noexcept { return fields_; }

    bool empty() const noexcept { return fields_.empty(); }

private:
    void begin(std::uint16_t status);
    void add(std::string_view name, std::string_view value);
    void addForwarded(const http::HeaderField& field);
    void addOwn(const http::ResponseHead& head, const http::ResponseFacts& facts,
                std::uint64_t without);
    void addVia(const http::ResponseHead& head, const http::ResponseFacts& facts);
    void addLength(const http::ResponseHead& head, http::Framing framing);

    std::vector<hpack::Field> fields_;
    std::size_t bytes_ = 0;  // of the text
    std::string via_;
    char length_[20] = {};
    char status_[3] = {};
};

}  // namespace evergate::http2
