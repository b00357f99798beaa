// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/client_hello.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace evergate::tls {
namespace {

using Status = ClientHelloStatus;

constexpr std::size_t kRecordHeader = 5;
constexpr std::size_t kMaxFragment = 16 * 1024;
constexpr std::size_t kMessageHeader = 4;
constexpr unsigned char kHandshakeRecord = 22;
constexpr unsigned char kMajorVersion = 3;
constexpr unsigned char kClientHello = 1;
constexpr std::size_t kServerNameExtension = 0;
constexpr std::size_t kProtocolsExtension = 16;
constexpr std::size_t kHostName = 0;
constexpr std::size_t kMaxHostName = 255;

// Takes fields off the front; what is not there whole is not taken.
class Reader {
public:
    explicit Reader(std::string_view bytes) noexcept : rest_(bytes) {}

    bool empty() const noexcept { return rest_.empty(); }

    bool skip(std::size_t size) noexcept {
        if (rest_.size() < size)
            return false;
        rest_.remove_prefix(size);
        return true;
    }

    bool number(std::size_t width, std::size_t& out) noexcept {
        if (rest_.size() < width)
            return false;
        out = 0;
        for (std::size_t i = 0; i < width; ++i)
            out = out << 8U | static_cast<unsigned char>(rest_[i]);
        return skip(width);
    }

    // Bytes behind their length.
    bool block(std::size_t width, std::string_view& out) noexcept {
        std::size_t size = 0;
        if (!number(width, size) || rest_.size() < size)
            return false;
        out = rest_.substr(0, size);
        return skip(size);
    }

private:
    std::string_view rest_;
};

// What a record that begins at bytes[0] would have to look like, as far as it is here.
bool mayBeHandshake(std::span<const char> bytes) noexcept {
    return static_cast<unsigned char>(bytes[0]) == kHandshakeRecord &&
           (bytes.size() < 2 || static_cast<unsigned char>(bytes[1]) == kMajorVersion);
}

// As above of the message whose first part was put together.
Status judgeMessage(std::string_view joined, std::size_t& total) noexcept {
    Reader reader(joined);
    std::size_t type = 0;
    std::size_t size = 0;
    if (reader.number(1, type) && type != kClientHello)
        return Status::malformed;
    if (!reader.number(kMessageHeader - 1, size))
        return Status::incomplete;
    total = kMessageHeader + size;
    if (total > kMaxClientHello)
        return Status::malformed;
    return joined.size() < total ? Status::incomplete : Status::complete;
}

// Moves the fragments of the first handshake message together; complete: that is `message`.
Status joinRecords(std::span<char> bytes, std::string_view& message) noexcept {
    std::size_t joined = 0;
    std::size_t at = 0;
    while (at < bytes.size()) {
        const std::span<char> record = bytes.subspan(at);
        if (!mayBeHandshake(record))
            return Status::malformed;
        std::size_t length = 0;
        Reader header({record.data(), record.size()});
        if (!header.skip(kRecordHeader - 2) || !header.number(2, length))
            break;
        if (length == 0 || length > kMaxFragment)
            return Status::malformed;
        const std::size_t here = std::min(length, record.size() - kRecordHeader);
        std::memmove(bytes.data() + joined, record.data() + kRecordHeader, here);
        joined += here;
        at += kRecordHeader + here;
        std::size_t total = 0;
        const Status status = judgeMessage({bytes.data(), joined}, total);
        if (status == Status::complete)
            message = {bytes.data(), total};
        if (status != Status::incomplete)
            return status;
        if (here < length)
            break;
    }
    return Status::incomplete;
}

bool readServerName(std::string_view data, ClientHello& out) noexcept {
    Reader extension(data);
    std::string_view list;
    if (!extension.block(2, list) || list.empty() || !extension.empty())
        return false;
    for (Reader names(list); !names.empty();) {
        std::size_t type = 0;
        std::string_view name;
        if (!names.number(1, type) || !names.block(2, name))
            return false;
        if (type != kHostName)
            continue;
        // One of each type; and what holds a NUL would be another name to somebody else.
        if (!out.serverName.empty() || name.empty() || name.size() > kMaxHostName ||
            name.find('\0') != std::string_view::npos)
            return false;
        out.serverName = name;
    }
    return true;
}

bool readProtocols(std::string_view data, ClientHello& out) noexcept {
    Reader extension(data);
    std::string_view list;
    if (!extension.block(2, list) || list.empty() || !extension.empty())
        return false;
    for (Reader names(list); !names.empty();) {
        std::string_view name;
        if (!names.block(1, name) || name.empty())
            return false;
    }
    out.protocols = list;
    return true;
}

bool readExtensions(std::string_view bytes, ClientHello& out) noexcept {
    bool seenName = false;
    bool seenProtocols = false;
    for (Reader extensions(bytes); !extensions.empty();) {
        std::size_t type = 0;
        std::string_view data;
        if (!extensions.number(2, type) || !extensions.block(2, data))
            return false;
        if (type == kServerNameExtension) {
            if (std::exchange(seenName, true) || !readServerName(data, out))
                return false;
        } else if (type == kProtocolsExtension) {
            if (std::exchange(seenProtocols, true) || !readProtocols(data, out))
                return false;
        }
    }
    return true;
}

bool readMessage(std::string_view message, ClientHello& out) noexcept {
    constexpr std::size_t kVersionAndRandom = 2 + 32;
    constexpr std::size_t kMaxSessionId = 32;
    Reader reader(message.substr(kMessageHeader));
    std::string_view session;
    std::string_view ciphers;
    std::string_view compressions;
    if (!reader.skip(kVersionAndRandom) || !reader.block(1, session) ||
        session.size() > kMaxSessionId)
        return false;
    if (!reader.block(2, ciphers) || ciphers.empty() || ciphers.size() % 2 != 0)
        return false;
    if (!reader.block(1, compressions) || compressions.empty())
        return false;
    if (reader.empty())
        return true;  // TLS 1.2 and older may have no extensions
    std::string_view extensions;
    return reader.block(2, extensions) && reader.empty() && readExtensions(extensions, out);
}

}  // namespace

ClientHelloStatus parseClientHello(std::span<char> bytes, ClientHello& out) noexcept {
    out = {};
    const std::span<char> some = bytes.first(std::min(bytes.size(), kMaxClientHello));
    std::string_view message;
    Status status = joinRecords(some, message);
    if (status == Status::incomplete && some.size() == kMaxClientHello)
        status = Status::malformed;
    if (status == Status::complete && !readMessage(message, out))
        status = Status::malformed;
    if (status != Status::complete)
        out = {};
    return status;
}

}  // namespace evergate::tls
