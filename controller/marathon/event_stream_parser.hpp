// SPDX-License-Identifier: Apache-2.0
// Server-sent events as Marathon sends them: "event:" and "data:" lines, CRLF, a blank line as
// heartbeat. Sans-I/O and total: any bytes give events or nothing, in any pieces.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace evergate::controller::marathon {

struct StreamEvent {
    std::string type;
    std::string data;  // lines joined by '\n'
};

class EventStreamParser {
public:
    using OnEvent = std::function<void(const StreamEvent&)>;

    static constexpr std::size_t kMaxEventBytes =
        16 * 1024 * 1024;  // a deployment has a whole plan

    explicit EventStreamParser(OnEvent onEvent);

    // False when an event or a line is too long to be true: give this stream up.
    bool feed(std::string_view bytes);

    // Blank lines outside events so far.
    std::size_t heartbeats() const noexcept { return heartbeats_; }

private:
    void takeLine(std::string_view line);
    void dispatch();

    OnEvent onEvent_;
    std::string line_;
    StreamEvent event_;
    bool hasData_ = false;
    bool afterReturn_ = false;
    std::size_t heartbeats_ = 0;
};

}  // namespace evergate::controller::marathon
