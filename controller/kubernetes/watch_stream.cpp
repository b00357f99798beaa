// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/watch_stream.hpp"

#include <algorithm>
#include <optional>

#include "controller/kubernetes/json_text.hpp"

namespace evergate::controller::kubernetes {
namespace {

std::optional<WatchType> typeOf(std::string_view json) {
    if (json == "\"ADDED\"") {
        return WatchType::added;
    }
    if (json == "\"MODIFIED\"") {
        return WatchType::modified;
    }
    if (json == "\"DELETED\"") {
        return WatchType::deleted;
    }
    if (json == "\"BOOKMARK\"") {
        return WatchType::bookmark;
    }
    return json == "\"ERROR\"" ? std::optional(WatchType::error) : std::nullopt;
}

}  // namespace

bool WatchStream::feed(std::string_view bytes, const OnEvent& onEvent) {
    while (!ended_ && !bytes.empty()) {
        const auto newline = bytes.find('\n');
        const auto piece = bytes.substr(0, newline);
        if (pending_.size() + piece.size() > maxEventBytes_) {
            return fail("an event is too large");
        }
        if (newline == std::string_view::npos) {
            pending_.append(piece);
            break;
        }
        bytes.remove_prefix(newline + 1);
        if (pending_.empty()) {
            ended_ = !takeLine(piece, onEvent);
        } else {
            pending_.append(piece);
            ended_ = !takeLine(pending_, onEvent);
            std::string().swap(pending_);  // with what it held
        }
    }
    return !ended_;
}

bool WatchStream::takeLine(std::string_view line, const OnEvent& onEvent) {
    if (std::all_of(line.begin(), line.end(), isJsonSpace)) {
        return true;
    }
    std::optional<WatchType> type;
    std::string_view object;
    const bool whole = forEachMember(line, [&](std::string_view key, std::string_view value) {
        if (key == "type") {
            type = typeOf(value);
        } else if (key == "object") {
            object = value;
        }
    });
    if (!whole || !type || object.empty() || object.front() != '{') {
        return fail("a line of the watch is no event");
    }
    return onEvent({*type, object});
}

bool WatchStream::fail(const char* why) {
    ended_ = true;
    error_ = why;
    pending_ = {};
    return false;
}

}  // namespace evergate::controller::kubernetes
