// SPDX-License-Identifier: Apache-2.0
// The StreamLayer of a stream's Socket: HTTP/1.1 on the exchange's side, frames on the other.
#pragma once

#include "dataplane/session/http2_stream.hpp"

namespace evergate::session {

class Http2Stream::Layer final : public net::StreamLayer {
public:
    explicit Layer(Http2Stream& stream) noexcept : stream_(stream) {}

    static void open(net::Socket& socket) noexcept {
        socket.setRegistered();
        setReadable(socket, false);
        setWritable(socket, true);
    }

    static void readable(net::Socket& socket, bool readable) noexcept {
        setReadable(socket, readable);
    }

    static void writable(net::Socket& socket, bool writable) noexcept {
        setWritable(socket, writable);
    }

    static void broken(net::Socket& socket) noexcept { setEnded(socket, true); }

    net::Handshake handshake(net::Socket&) noexcept override { return net::Handshake::done; }

    net::IoResult recv(net::Socket& socket, char* data, std::size_t size) noexcept override;
    net::IoResult sendv(net::Socket& socket, const iovec* parts, int count) noexcept override;

    void onWritable(net::Socket&) noexcept override {}

    void shutdownWrite(net::Socket& socket) noexcept override;

    void closing(net::Socket&) noexcept override {}

    void endMessage(std::string_view trailers) noexcept override;
    bool peekClosed(net::Socket& socket) noexcept override;
    std::size_t room() const noexcept override;
    net::StreamFacts facts() const noexcept override;
    const net::PeerIdentity* verifiedPeer() const noexcept override;

private:
    Http2Stream& stream_;
};

}  // namespace evergate::session
