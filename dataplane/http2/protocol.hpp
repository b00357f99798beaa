// SPDX-License-Identifier: Apache-2.0
// The numbers of HTTP/2 (RFC 9113 §6, §7; RFC 8441 §3; RFC 9218 §2.1, §7.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace evergate::http2 {

enum class FrameType : std::uint8_t {
    data = 0x0,
    headers = 0x1,
    priority = 0x2,
    rstStream = 0x3,
    settings = 0x4,
    pushPromise = 0x5,
    ping = 0x6,
    goaway = 0x7,
    windowUpdate = 0x8,
    continuation = 0x9,
    priorityUpdate = 0x10,
};

namespace flag {
constexpr std::uint8_t endStream = 0x1;
constexpr std::uint8_t ack = 0x1;
constexpr std::uint8_t endHeaders = 0x4;
constexpr std::uint8_t padded = 0x8;
constexpr std::uint8_t priority = 0x20;
}  // namespace flag

enum class ErrorCode : std::uint32_t {
    noError = 0x0,
    protocolError = 0x1,
    internalError = 0x2,
    flowControlError = 0x3,
    settingsTimeout = 0x4,
    streamClosed = 0x5,
    frameSizeError = 0x6,
    refusedStream = 0x7,
    cancel = 0x8,
    compressionError = 0x9,
    connectError = 0xa,
    enhanceYourCalm = 0xb,
};

enum class SettingId : std::uint16_t {
    headerTableSize = 0x1,
    enablePush = 0x2,
    maxConcurrentStreams = 0x3,
    initialWindowSize = 0x4,
    maxFrameSize = 0x5,
    maxHeaderListSize = 0x6,
    enableConnectProtocol = 0x8,
    noRfc7540Priorities = 0x9,
};

struct Setting {
    SettingId id;
    std::uint32_t value;
};

// What a client says first (§3.4).
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t kFrameHead = 9;
// The least that SETTINGS_MAX_FRAME_SIZE can be, and what we leave it at.
constexpr std::uint32_t kMaxFrame = 16'384;
constexpr std::int32_t kDefaultWindow = 65'535;
constexpr std::int64_t kMaxWindow = 0x7fff'ffff;
constexpr std::uint32_t kMaxStreamId = 0x7fff'ffff;

}  // namespace evergate::http2
