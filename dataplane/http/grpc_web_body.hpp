// SPDX-License-Identifier: Apache-2.0
// The bodies of gRPC-Web: base64 taken off those of requests, and around those of answers, whose
// trailers become their last frame. Sans-I/O, one thread; bounded: what is held back is less than a
// group of base64, and the trailers.
//
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md: padding may stand wherever a sender
// flushed, so groups end there and go on behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/http/body_filter.hpp"

namespace evergate::http {

// Base64 (RFC 4648 §4) to bytes, whatever pieces it comes in. Padding is mandatory, nothing else
// may stand between the groups; the bits that padding leaves over are not looked at. Writes no more
// than it reads: while nothing is held back, `out` may be where `in` begins.
class Base64Body final : public BodyFilter {
public:
    Step step(std::string_view in, char* out, std::size_t room, Until until) noexcept override;

private:
    bool add(char c) noexcept;

    std::uint32_t bits_ = 0;
    std::uint8_t digits_ = 0;   // of this group, padding included
    std::uint8_t padding_ = 0;  // of them
    bool failed_ = false;
};

// Frames as they come, then one of trailers; as `text` in base64, padded where it is flushed.
class GrpcWebBody final : public BodyFilter {
public:
    explicit GrpcWebBody(bool text) noexcept : text_(text) {}

    // Complete fields, each with its CRLF: of the last frame, before those of the trailers.
    void addStatus(std::string_view fields) { fields_.append(fields); }

    // Without a field there is no frame: the client then sees that there was no status.
    bool takeTrailers(std::string_view section) noexcept override;
    Step step(std::string_view in, char* out, std::size_t room, Until until) noexcept override;

    // Of everything that step(..., Until::end) will write without more input.
    std::size_t finalSize() const noexcept;

private:
    std::size_t add(std::string_view in, char*& out, const char* end) noexcept;
    bool pad(char*& out, const char* end) noexcept;

    std::string fields_;
    std::string frame_;
    std::size_t frameSent_ = 0;
    char held_[3] = {};  // of a group
    std::uint8_t heldSize_ = 0;
    bool text_;
    bool framed_ = false;
};

}  // namespace evergate::http
