// SPDX-License-Identifier: Apache-2.0
// Appends the pieces of a head to a buffer that is known to be large enough.
//
// Fields that leave as they came and stood side by side are copied as one run. Every copy is a
// memmove: a response head is composed over its own input (compose.hpp), always behind what is
// still to be read.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "dataplane/http/head.hpp"

namespace evergate::http {

class HeadWriter {
public:
    explicit HeadWriter(char* out) noexcept : at_(out) {}

    char* position() const noexcept { return at_; }

    void add(std::string_view text) noexcept {
        if (!text.empty()) {
            std::memmove(at_, text.data(), text.size());
            at_ += text.size();
        }
    }

    template <std::size_t N>
    void literal(const char (&text)[N]) noexcept {
        std::memcpy(at_, text, N - 1);
        at_ += N - 1;
    }

    void number(std::uint64_t value) noexcept { at_ = std::to_chars(at_, at_ + 20, value).ptr; }

    // `name` with colon and space: "Content-Length: ".
    template <std::size_t N>
    void field(const char (&name)[N], std::string_view value) noexcept {
        literal(name);
        add(value);
        literal("\r\n");
    }

    template <std::size_t N>
    void field(const char (&name)[N], std::uint64_t value) noexcept {
        literal(name);
        number(value);
        literal("\r\n");
    }

    // Behind all Via fields that came: the order of these lines is the way of the message.
    void via(std::uint8_t receivedMinorVersion, std::string_view pseudonym) noexcept {
        literal("Via: ");
        if (receivedMinorVersion == kHttp2) {
            literal("2.0");
        } else {
            literal("1.");
            number(receivedMinorVersion);
        }
        literal(" ");
        add(pseudonym);
        literal("\r\n");
    }

    // Writes the fields keep(field) approves of, in order.
    template <typename Keep>
    void fields(const std::vector<HeaderField>& all, Keep&& keep) noexcept {
        const char* run = nullptr;  // begin of fields not yet copied
        const char* end = nullptr;  // their end, without CRLF
        for (const HeaderField& field : all) {
            const bool kept = keep(field);
            const bool plain = kept && isPlain(field);
            if (plain && run != nullptr && follows(field, end)) {
                end = field.value.data() + field.value.size();
                continue;
            }
            flush(run, end);
            run = nullptr;
            if (plain) {
                run = field.name.data();
                end = field.value.data() + field.value.size();
            } else if (kept) {
                add(field.name);
                literal(": ");
                add(field.value);
                literal("\r\n");
            }
        }
        flush(run, end);
    }

private:
    // "Name: value", as we would write it.
    static bool isPlain(const HeaderField& field) noexcept {
        const char* nameEnd = field.name.data() + field.name.size();
        return nameEnd + 2 == field.value.data() && nameEnd[0] == ':' && nameEnd[1] == ' ';
    }

    static bool follows(const HeaderField& field, const char* previousEnd) noexcept {
        return previousEnd + 2 == field.name.data() && previousEnd[0] == '\r' &&
               previousEnd[1] == '\n';
    }

    void flush(const char* run, const char* end) noexcept {
        if (run != nullptr) {
            add({run, static_cast<std::size_t>(end - run)});
            literal("\r\n");
        }
    }

    char* at_;
};

// A set of header names as bits, for keep().
template <typename... Names>
constexpr std::uint64_t nameSet(Names... names) noexcept {
    return ((std::uint64_t{1} << static_cast<unsigned>(names)) | ...);
}

constexpr bool contains(std::uint64_t set, HeaderName name) noexcept {
    return (set >> static_cast<unsigned>(name) & 1) != 0;
}

}  // namespace evergate::http
