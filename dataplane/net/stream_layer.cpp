// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/stream_layer.hpp"

#include <array>

#include "dataplane/net/socket.hpp"

namespace evergate::net {

std::string_view name(HandshakeFailure failure) noexcept {
    static constexpr std::array<std::string_view,
                                static_cast<std::size_t>(HandshakeFailure::count_)>
        kNames{"none",  "closed",       "plain_http",     "version",  "parameters", "alpn",
               "alert", "verification", "no_certificate", "protocol", "timeout",    "rate_limited"};
    return kNames[static_cast<std::size_t>(failure)];
}

bool StreamLayer::wireReadable(const Socket& socket) noexcept {
    return socket.wireReadable_;
}

bool StreamLayer::wireWritable(const Socket& socket) noexcept {
    return socket.wireWritable_;
}

bool StreamLayer::wireEnded(const Socket& socket) noexcept {
    return socket.hup_;
}

IoResult StreamLayer::wireRecv(Socket& socket, char* data, std::size_t size) noexcept {
    const bool readable = socket.readable_;
    socket.readable_ = socket.wireReadable_;
    const IoResult result = socket.wireRecv(data, size);
    socket.wireReadable_ = socket.readable_;
    socket.readable_ = readable;
    return result;
}

IoResult StreamLayer::wireSend(Socket& socket, const char* data, std::size_t size) noexcept {
    const bool writable = socket.writable_;
    socket.writable_ = socket.wireWritable_;
    const IoResult result = socket.wireSend(data, size);
    socket.wireWritable_ = socket.writable_;
    socket.writable_ = writable;
    return result;
}

void StreamLayer::wireShutdownWrite(Socket& socket) noexcept {
    socket.wireShutdownWrite();
}

void StreamLayer::setReadable(Socket& socket, bool readable) noexcept {
    socket.readable_ = readable;
}

void StreamLayer::setWritable(Socket& socket, bool writable) noexcept {
    socket.writable_ = writable;
}

void StreamLayer::setEnded(Socket& socket, bool broken) noexcept {
    socket.hup_ = socket.readable_ = true;
    if (broken)
        socket.broken_ = socket.writable_ = true;  // a send says what is wrong at once
}

}  // namespace evergate::net
