// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/event_stream_parser.hpp"

#include <algorithm>
#include <utility>

namespace evergate::controller::marathon {

EventStreamParser::EventStreamParser(OnEvent onEvent) : onEvent_(std::move(onEvent)) {}

// Lines end in CRLF, LF or CR (WHATWG HTML, 9.2.5). Marathon flushes the CR and the LF of a
// heartbeat apart, so what follows a CR may come much later.
bool EventStreamParser::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (std::exchange(afterReturn_, false) && bytes.front() == '\n') {
            bytes.remove_prefix(1);
            continue;
        }
        const auto end = std::min(bytes.find_first_of("\r\n"), bytes.size());
        if (line_.size() + event_.data.size() + end > kMaxEventBytes) {
            return false;
        }
        line_.append(bytes.substr(0, end));
        if (end == bytes.size()) {
            break;
        }
        afterReturn_ = bytes[end] == '\r';
        bytes.remove_prefix(end + 1);
        takeLine(line_);
        line_.clear();
    }
    return true;
}

void EventStreamParser::takeLine(std::string_view line) {
    if (line.empty()) {
        dispatch();
        return;
    }
    const auto colon = line.find(':');
    const auto field = line.substr(0, colon);
    auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' ')) {
        value.remove_prefix(1);
    }
    if (field == "event") {
        event_.type = value;
    } else if (field == "data") {
        if (hasData_) {
            event_.data += '\n';
        }
        event_.data += value;
        hasData_ = true;
    }
    // Comments and fields that nobody knows: ignored, as the standard says.
}

void EventStreamParser::dispatch() {
    if (!hasData_) {
        ++heartbeats_;
        event_ = {};
        return;
    }
    const auto event = std::exchange(event_, {});
    hasData_ = false;
    onEvent_(event);
}

}  // namespace evergate::controller::marathon
