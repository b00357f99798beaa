// SPDX-License-Identifier: Apache-2.0
// A server and a client Stream, connected through a relay the test turns by hand: byte by byte,
// corrupting, stopping. One thread; nothing blocks.
#pragma once

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "dataplane/net/socket.hpp"
#include "dataplane/tls/stream.hpp"
#include "tests/support/temporary_certificate.hpp"

namespace evergate::tls {

// One end of the wire: the Socket under test and the descriptor the relay holds.
struct End {
    explicit End(int buffer = 0) {
        std::array<int, 2> fds{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0);
        if (buffer != 0) {
            for (const int fd : fds)
                ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
        }
        socket = net::Socket(fds[0]);
        wire = net::Socket(fds[1]);
    }

    void wake() { socket.noteEvents(EPOLLIN | EPOLLOUT); }

    net::Socket socket;
    net::Socket wire;
};

class StreamTest : public testing::Test {
protected:
    StreamTest() {
        test::CertificateRequest request;
        request.dnsNames = {"a.test"};
        const auto pair = authority.issue(request);
        model::Config config;
        config.put({model::Kind::certificate, "a"},
                   model::Certificate{{"a.test"}, pair.certificatePem, pair.keyPem, ""});
        std::vector<model::KeyedProblem> problems;
        certificates =
            ServerCertificates::compile(config, Certificate::selfSigned(), nullptr, problems);
        engine.setTicketKeys(TicketKeys::next(nullptr));
        trust = trusting(authority.certificatePem());
    }

    static std::shared_ptr<const ClientContext> trusting(const std::string& authorities) {
        std::string wrong;
        return ClientContext::make(true, authorities, wrong);
    }

    void connect(const std::string& name = "a.test", int buffer = 0) {
        server = End(buffer);
        client = End(buffer);
        server.socket.setLayer(Stream::server(engine, certificates));
        client.socket.setLayer(Stream::client(engine, trust, name, sessions));
    }

    // Carries at most `limit` bytes one way; how many it were.
    static std::size_t carry(End& from, End& to, std::size_t limit) {
        std::string bytes(limit, '\0');
        const auto got = from.wire.recv(bytes.data(), limit);
        if (got.bytes <= 0)
            return 0;
        std::size_t sent = 0;
        while (sent < static_cast<std::size_t>(got.bytes)) {
            const auto result =
                to.wire.send(bytes.data() + sent, static_cast<std::size_t>(got.bytes) - sent);
            if (result.bytes <= 0)
                break;
            sent += static_cast<std::size_t>(result.bytes);
        }
        EXPECT_EQ(sent, static_cast<std::size_t>(got.bytes));
        from.wake();
        to.wake();
        return sent;
    }

    // Shakes hands with pieces of this size; true when both sides are done.
    bool shake(std::size_t piece = 65'536) {
        net::Handshake ours = net::Handshake::pending;
        net::Handshake theirs = net::Handshake::pending;
        for (int idle = 0; idle < 3;) {
            theirs = client.socket.handshake();
            ours = server.socket.handshake();
            if (ours == net::Handshake::failed && theirs == net::Handshake::failed)
                return false;
            if (ours == net::Handshake::done && theirs == net::Handshake::done) {
                carry(server, client, 65'536);  // tickets
                return true;
            }
            idle = carry(client, server, piece) + carry(server, client, piece) != 0 ? 0 : idle + 1;
        }
        return false;
    }

    static std::string read(End& end, std::size_t size = 65'536) {
        std::string bytes(size, '\0');
        const auto got = end.socket.recv(bytes.data(), size);
        return got.bytes > 0 ? bytes.substr(0, static_cast<std::size_t>(got.bytes)) : "";
    }

    static net::HandshakeFailure failure(const End& end) {
        return end.socket.layer()->facts().failure;
    }

    test::TemporaryAuthority authority;
    Engine engine;
    ResumableSession sessions;
    std::shared_ptr<const ServerCertificates> certificates;
    std::shared_ptr<const ClientContext> trust;
    End server;
    End client;
};

}  // namespace evergate::tls
