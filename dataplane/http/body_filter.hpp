// SPDX-License-Identifier: Apache-2.0
// Something that rewrites a body on its way, bytes in and bytes out. Sans-I/O, one thread; the
// framing of the message is not its business: session::BodyFlow takes it off before and puts it
// around what comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace evergate::http {

class BodyFilter {
public:
    // How much of what was taken must come out of a step.
    enum class Until : std::uint8_t {
        more,   // as much as the filter likes: more follows
        flush,  // all of it, so that the receiver sees everything taken so far
        end,    // all of it, and the end of the body
    };

    struct Step {
        std::size_t consumed = 0;
        std::size_t produced = 0;
        bool done = false;    // `in` was taken and as much came out as was asked for
        bool failed = false;  // out of memory, or `in` is not what it should be: that was all
    };

    BodyFilter() = default;
    BodyFilter(const BodyFilter&) = delete;
    BodyFilter& operator=(const BodyFilter&) = delete;
    virtual ~BodyFilter() = default;

    // Writes to out[0, room). Not done: call again with the rest of `in`, the same `until` and more
    // room. `room` is at least kLeastRoom: zlib marks a flush again and again in less than it
    // takes.
    static constexpr std::size_t kLeastRoom = 16;
    virtual Step step(std::string_view in, char* out, std::size_t room, Until until) noexcept = 0;

    // The trailer section of the message, before the step that ends it; maybe more than once. True:
    // it is a part of the body now.
    virtual bool takeTrailers(std::string_view) noexcept { return false; }
};

}  // namespace evergate::http
