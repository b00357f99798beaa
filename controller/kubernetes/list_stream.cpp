// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/list_stream.hpp"

#include <utility>

namespace evergate::controller::kubernetes {
namespace {

constexpr std::size_t kMaxKeyBytes = 256;
constexpr std::size_t kMaxMemberBytes = 64 * 1024;

bool isKept(std::string_view key) {
    return key == "kind" || key == "metadata" || key == "code" || key == "reason" ||
           key == "message" || key == "details";
}

}  // namespace

bool ListStream::feed(std::string_view bytes, const OnItem& onItem) {
    while (!bytes.empty() && state_ != State::broken) {
        std::size_t taken = 1;
        if (state_ == State::key) {
            taken = inKey(bytes);
        } else if (state_ == State::value) {
            taken = inValue(bytes);
        } else if (state_ == State::item) {
            taken = inItem(bytes, onItem);
        } else if (!isJsonSpace(bytes.front())) {
            // The first byte of a key, value or item belongs to what follows it.
            const auto before = state_;
            atToken(bytes.front());
            const bool opened =
                state_ != before &&
                (state_ == State::key || state_ == State::value || state_ == State::item);
            taken = opened ? 0 : 1;
        }
        bytes.remove_prefix(taken);
    }
    return state_ != State::broken;
}

// A byte between keys, values and items.
void ListStream::atToken(char c) {
    if (state_ == State::start && c == '{') {
        state_ = State::firstKey;
    } else if (state_ == State::firstKey && c == '}') {
        finish();
    } else if (state_ == State::firstKey && c == '"') {
        beginFollowing(State::key);
    } else if (state_ == State::colon) {
        openValue(c);
    } else if (state_ == State::after && c == ',') {
        state_ = State::firstKey;
    } else if (state_ == State::after && c == '}') {
        finish();
    } else if ((state_ == State::firstItem || state_ == State::afterItem) && c == ']') {
        state_ = State::after;
    } else if (state_ == State::firstItem && c != ',') {
        beginFollowing(State::item);
    } else if (state_ == State::afterItem && c == ',') {
        state_ = State::firstItem;
    } else {
        fail(std::string("unexpected byte in a list: '") + c + "'");
    }
}

// After a key: first the colon, which empties nothing, then the first byte of the value.
void ListStream::openValue(char c) {
    if (c == ':' && pending_.empty()) {
        pending_ = ":";
    } else if (pending_ != ":" || c == ':' || c == ',' || c == '}' || c == ']') {
        fail("a key without a value");
    } else if (key_ == "items" && c == '[') {
        state_ = State::firstItem;
    } else {
        beginFollowing(State::value);
    }
}

void ListStream::beginFollowing(State state) {
    state_ = state;
    cursor_ = {};
    pending_.clear();
}

std::size_t ListStream::inKey(std::string_view rest) {
    std::size_t taken = 0;
    const auto followed = cursor_.follow(rest, taken);
    pending_.append(rest.substr(0, taken));
    if (pending_.size() > kMaxKeyBytes) {
        return fail("a key is too long");
    }
    if (followed == JsonValueCursor::State::ended) {
        key_ = pending_.substr(1, pending_.size() - 2);
        pending_.clear();
        state_ = State::colon;
    }
    return taken;
}

std::size_t ListStream::inValue(std::string_view rest) {
    std::size_t taken = 0;
    const auto followed = cursor_.follow(rest, taken);
    if (followed == JsonValueCursor::State::tooDeep) {
        return fail(key_ + " is nested too deeply");
    }
    if (isKept(key_)) {
        pending_.append(rest.substr(0, taken));
        if (pending_.size() > kMaxMemberBytes) {
            return fail(key_ + " is too long");
        }
    }
    if (followed == JsonValueCursor::State::ended) {
        takeMember();
        state_ = State::after;
    }
    return taken;
}

std::size_t ListStream::inItem(std::string_view rest, const OnItem& onItem) {
    std::size_t taken = 0;
    const auto followed = cursor_.follow(rest, taken);
    if (followed == JsonValueCursor::State::tooDeep) {
        return fail("an item is nested too deeply");
    }
    if (pending_.size() + taken > maxItemBytes_) {
        return fail("an item is too large");
    }
    if (followed == JsonValueCursor::State::inside) {
        pending_.append(rest.substr(0, taken));
        return taken;
    }
    if (pending_.empty()) {
        onItem(rest.substr(0, taken));
    } else {
        pending_.append(rest.substr(0, taken));
        onItem(pending_);
        std::string().swap(pending_);  // with what it held
    }
    state_ = State::afterItem;
    return taken;
}

void ListStream::takeMember() {
    if (key_ == "metadata") {
        forEachMember(pending_, [this](std::string_view field, std::string_view value) {
            if (field == "resourceVersion") {
                resourceVersion_ = stringOf(value).value_or("");
            } else if (field == "continue") {
                continue_ = stringOf(value).value_or("");
            }
        });
    } else if (isKept(key_)) {
        status_ += (status_.empty() ? "{\"" : ",\"") + key_ + "\":" + pending_;
    }
    pending_.clear();
}

void ListStream::finish() {
    state_ = State::done;
    refusal_ = parseStatus(status_ + "}");
    status_.clear();
}

std::size_t ListStream::fail(std::string why) {
    state_ = State::broken;
    error_ = std::move(why);
    pending_ = {};
    return 0;
}

}  // namespace evergate::controller::kubernetes
