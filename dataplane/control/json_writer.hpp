// SPDX-License-Identifier: Apache-2.0
// Appends JSON to a string piece by piece: an answer of 50,000 endpoints never exists as a tree.
//
// The caller opens and closes in order; commas and escaping are done here. Pure.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace evergate::dataplane {

class JsonWriter {
public:
    JsonWriter& beginObject() { return open('{'); }

    JsonWriter& endObject() { return close('}'); }

    JsonWriter& beginArray() { return open('['); }

    JsonWriter& endArray() { return close(']'); }

    JsonWriter& key(std::string_view name);

    JsonWriter& value(std::string_view text);

    JsonWriter& value(const char* text) { return value(std::string_view(text)); }

    JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }

    JsonWriter& value(std::same_as<bool> auto flag) { return raw(flag ? "true" : "false"); }

    JsonWriter& value(double number);

    template <std::integral T>

    requires(!std::same_as<T, bool>) JsonWriter& value(T number) {
        return raw(std::to_string(number));
    }

    // `json` is complete and valid JSON.
    JsonWriter& raw(std::string_view json);

    template <typename T>
    JsonWriter& field(std::string_view name, const T& what) {
        return key(name).value(what);
    }

    std::string take() { return std::move(out_); }

private:
    JsonWriter& open(char bracket);
    JsonWriter& close(char bracket);
    void separate();

    std::string out_;
    bool comma_ = false;
};

// A JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD; '<' is escaped, so that the
// result may stand inside HTML.
void appendJsonString(std::string& out, std::string_view text);

}  // namespace evergate::dataplane
