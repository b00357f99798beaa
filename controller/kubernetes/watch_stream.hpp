// SPDX-License-Identifier: Apache-2.0
// Splits a watch, newline-delimited JSON events cut at any byte, into events.
//
// Sans-I/O; one watch per object. At most one unfinished line is buffered; a line that lies whole
// in the bytes fed is not copied.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace evergate::controller::kubernetes {

enum class WatchType { added, modified, deleted, bookmark, error };

struct WatchEvent {
    WatchType type;
    std::string_view object;  // the text of the object; valid during the call only
};

class WatchStream {
public:
    // False ends the stream: feed() then returns at once.
    using OnEvent = std::function<bool(const WatchEvent&)>;

    explicit WatchStream(std::size_t maxEventBytes = 8 * 1024 * 1024)
        : maxEventBytes_(maxEventBytes) {}

    // False once a line is no event, is too long, or onEvent said so; error() is empty in the last
    // case.
    bool feed(std::string_view bytes, const OnEvent& onEvent);

    const std::string& error() const noexcept { return error_; }

private:
    bool takeLine(std::string_view line, const OnEvent& onEvent);
    bool fail(const char* why);

    std::size_t maxEventBytes_;
    std::string pending_;
    std::string error_;
    bool ended_ = false;
};

}  // namespace evergate::controller::kubernetes
