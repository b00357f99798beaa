// SPDX-License-Identifier: Apache-2.0
// Any bytes from a client of an https listener: a handshake that waits or fails, never a session.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstdlib>

#include "dataplane/net/socket.hpp"
#include "dataplane/tls/stream.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace evergate;
    static tls::Engine engine;
    std::vector<model::KeyedProblem> problems;
    static const auto certificates = tls::ServerCertificates::compile(
        model::Config(), tls::Certificate::selfSigned(), nullptr, problems);
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()) != 0)
        return 0;
    net::Socket server(fds[0]);
    net::Socket client(fds[1]);
    server.setLayer(tls::Stream::server(engine, certificates));
    for (std::size_t at = 0; at < size; at += 64) {
        client.send(reinterpret_cast<const char*>(data) + at, std::min<std::size_t>(64, size - at));
        server.noteEvents(EPOLLIN);
        if (server.handshake() == net::Handshake::done)
            std::abort();
    }
    return 0;
}
