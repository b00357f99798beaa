// SPDX-License-Identifier: Apache-2.0
// Splits the answer to a list request, as it arrives, into the text of each item and the list's
// metadata.
//
// Sans-I/O; one answer per object. At most one item is buffered at a time, so a list of any length
// costs the memory of its largest item; an item that lies whole in the bytes fed is not copied at
// all.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "controller/kubernetes/api_status.hpp"
#include "controller/kubernetes/json_text.hpp"

namespace evergate::controller::kubernetes {

class ListStream {
public:
    // The view is valid during the call only.
    using OnItem = std::function<void(std::string_view item)>;

    // etcd refuses objects over 1.5 MiB; the bound is far above that.
    explicit ListStream(std::size_t maxItemBytes = 8 * 1024 * 1024) : maxItemBytes_(maxItemBytes) {}

    // False once the text cannot be a list; error() says why, and nothing more is yielded.
    bool feed(std::string_view bytes, const OnItem& onItem);

    // Whether the closing brace has been seen.
    bool complete() const noexcept { return state_ == State::done; }

    const std::string& error() const noexcept { return error_; }

    const std::string& resourceVersion() const noexcept { return resourceVersion_; }

    const std::string& continueToken() const noexcept { return continue_; }

    // The refusal, when the answer was a Status object; known once complete.
    const std::optional<ApiStatus>& refusal() const noexcept { return refusal_; }

private:
    enum class State {
        start,
        firstKey,
        key,
        colon,
        value,
        after,
        firstItem,
        item,
        afterItem,
        done,
        broken
    };

    std::size_t inKey(std::string_view rest);
    std::size_t inValue(std::string_view rest);
    std::size_t inItem(std::string_view rest, const OnItem& onItem);
    void atToken(char c);
    void openValue(char c);
    void beginFollowing(State state);
    void takeMember();
    void finish();
    std::size_t fail(std::string why);

    std::size_t maxItemBytes_;
    State state_ = State::start;
    JsonValueCursor cursor_;
    std::string key_;
    std::string pending_;  // the part of a value or item that came with earlier bytes
    std::string status_;   // members a Status object would have, as the text of an object
    std::string resourceVersion_;
    std::string continue_;
    std::optional<ApiStatus> refusal_;
    std::string error_;
};

}  // namespace evergate::controller::kubernetes
