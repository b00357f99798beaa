// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/log_text.hpp"

#include <algorithm>
#include <cstdint>

#include "common/model/utf8.hpp"

namespace evergate::http {

namespace {

constexpr char kHex[] = "0123456789abcdef";

void appendHex(unsigned char byte, std::string& out) {
    out += kHex[byte >> 4];
    out += kHex[byte & 0xf];
}

void appendJsonByte(unsigned char byte, std::string& out) {
    switch (byte) {
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        default:
            out += "\\u00";
            appendHex(byte, out);
            break;
    }
}

bool isPlain(char c) noexcept {
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
}

bool isPlainOrSpace(char c) noexcept {
    return c == ' ' || isPlain(c);
}

}  // namespace

void appendJsonString(std::string_view text, std::string& out) {
    out += '"';
    while (!text.empty()) {
        const auto plain = static_cast<std::size_t>(
            std::find_if_not(text.begin(), text.end(), isPlainOrSpace) - text.begin());
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty())
            break;
        const auto first = static_cast<unsigned char>(text.front());
        std::size_t length = first < 0x80 ? 1 : model::utf8SequenceLength(text);
        if (length == 0 || first < 0x20 || first == '"' || first == '\\' || first == 0x7f) {
            appendJsonByte(first, out);
            length = 1;
        } else {
            out.append(text.substr(0, length));
        }
        text.remove_prefix(length);
    }
    out += '"';
}

void appendQuoted(std::string_view text, std::string& out) {
    if (text.empty()) {
        out += '-';
        return;
    }
    const bool bare = text != "-" && std::all_of(text.begin(), text.end(), isPlain);
    if (bare) {
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) {
        if (isPlainOrSpace(c)) {
            out += c;
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else {
            out += "\\x";
            appendHex(static_cast<unsigned char>(c), out);
        }
    }
    out += '"';
}

}  // namespace evergate::http
