// SPDX-License-Identifier: Apache-2.0
// For tests: frames of HTTP/2 octet by octet, and what there is in frames as lines of text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/hpack/decoder.hpp"
#include "dataplane/http2/frame.hpp"
#include "dataplane/http2/protocol.hpp"

namespace evergate::http2 {

using Lines = std::vector<std::string>;
using FieldTexts = std::vector<std::pair<std::string, std::string>>;

inline std::string number(std::uint32_t value) {
    std::string text(4, '\0');
    writeNumber(value, text.data());
    return text;
}

inline std::string head(std::uint32_t length, FrameType type, std::uint32_t flags,
                        std::uint32_t stream) {
    std::string text(kFrameHead, '\0');
    writeFrameHead({length, stream, type, static_cast<std::uint8_t>(flags)}, text.data());
    return text;
}

inline std::string frame(FrameType type, std::uint32_t flags, std::uint32_t stream,
                         std::string_view payload = {}) {
    return head(static_cast<std::uint32_t>(payload.size()), type, flags, stream).append(payload);
}

inline std::string setting(SettingId id, std::uint32_t value) {
    const auto number16 = static_cast<std::uint16_t>(id);
    return std::string{static_cast<char>(number16 >> 8U), static_cast<char>(number16)} +
           number(value);
}

inline std::string settings(std::string_view entries = {}) {
    return frame(FrameType::settings, 0, 0, entries);
}

inline std::string settingsAck() {
    return frame(FrameType::settings, flag::ack, 0);
}

// Fields as literals without indexing (RFC 7541 §6.2.2); strings of less than 127 octets.
inline std::string block(const FieldTexts& fields) {
    std::string text;
    const auto add = [&text](const std::string& part) {
        text.append(1, static_cast<char>(part.size())).append(part);
    };
    for (const auto& [name, value] : fields) {
        text.push_back('\0');
        add(name);
        add(value);
    }
    return text;
}

inline std::string request() {
    return block({{":method", "GET"}});
}

inline std::string headers(std::uint32_t stream, std::uint32_t flags,
                           std::string_view payload = request()) {
    return frame(FrameType::headers, flags | flag::endHeaders, stream, payload);
}

inline std::string data(std::uint32_t stream, std::string_view body, std::uint32_t flags = 0) {
    return frame(FrameType::data, flags, stream, body);
}

inline std::string windowUpdate(std::uint32_t stream, std::uint32_t more) {
    return frame(FrameType::windowUpdate, 0, stream, number(more));
}

inline std::string resetStream(std::uint32_t stream, ErrorCode code) {
    return frame(FrameType::rstStream, 0, stream, number(static_cast<std::uint32_t>(code)));
}

inline std::string goaway(std::uint32_t last, ErrorCode code) {
    return frame(FrameType::goaway, 0, 0, number(last) + number(static_cast<std::uint32_t>(code)));
}

struct FrameText {
    FrameHead head;
    std::string payload;
};

// All of them are whole.
inline std::vector<FrameText> split(std::string_view bytes) {
    std::vector<FrameText> frames;
    while (bytes.size() >= kFrameHead) {
        const FrameHead head = readFrameHead(bytes.data());
        bytes.remove_prefix(kFrameHead);
        frames.push_back({head, std::string(bytes.substr(0, head.length))});
        bytes.remove_prefix(std::min<std::size_t>(head.length, bytes.size()));
    }
    if (!bytes.empty())
        frames.push_back({{}, "a part of a frame"});
    return frames;
}

// "RST_STREAM 1 8", "DATA 1 END text", "SETTINGS 4=65535" ...
inline std::string describe(const FrameText& frame) {
    const auto at = [&frame](std::size_t offset) {
        return std::to_string(readNumber(frame.payload.data() + offset));
    };
    const std::string stream = " " + std::to_string(frame.head.stream);
    const std::string end = frame.head.has(flag::endStream) ? " END" : "";
    const std::string whole = frame.head.has(flag::endHeaders) ? "" : " ...";
    switch (frame.head.type) {
        case FrameType::data:
            return "DATA" + stream + end + (frame.payload.empty() ? "" : " ") + frame.payload;
        case FrameType::headers:
            return "HEADERS" + stream + end + whole;
        case FrameType::continuation:
            return "CONTINUATION" + stream + whole;
        case FrameType::rstStream:
            return "RST_STREAM" + stream + " " + at(0);
        case FrameType::windowUpdate:
            return "WINDOW_UPDATE" + stream + " " + at(0);
        case FrameType::goaway:
            return "GOAWAY " + at(0) + " " + at(4);
        case FrameType::ping:
            return std::string("PING") + (end.empty() ? " " : " ACK ") + frame.payload;
        case FrameType::settings: {
            std::string text = end.empty() ? "SETTINGS" : "SETTINGS ACK";
            for (std::size_t i = 0; i < frame.payload.size(); i += 6)
                text += " " + std::to_string(readNumber(frame.payload.data() + i) >> 16U) + "=" +
                        at(i + 2);
            return text;
        }
        default:
            return "frame " + std::to_string(static_cast<int>(frame.head.type));
    }
}

// What a side of a connection says in header blocks.
class BlockReader final : public hpack::FieldSink {
public:
    FieldTexts read(std::string_view block) {
        fields_.clear();
        if (decoder_.decode(block, scratch_, *this) != hpack::Decoder::Result::done)
            fields_ = {{"cannot be", "read"}};
        return std::move(fields_);
    }

private:
    bool onField(std::string_view name, std::string_view value) override {
        fields_.emplace_back(name, value);
        return true;
    }

    hpack::Decoder decoder_;
    std::string scratch_;
    FieldTexts fields_;
};

}  // namespace evergate::http2
