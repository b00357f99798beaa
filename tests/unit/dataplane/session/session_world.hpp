// SPDX-License-Identifier: Apache-2.0
// What a worker lends to its sessions, without a worker, and a pair of connected sockets.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <string>
#include <utility>

#include "dataplane/session/exchange.hpp"
#include "dataplane/session/session_context.hpp"
#include "tests/unit/dataplane/net/nested_poller.hpp"

namespace evergate::session::test {

class SessionWorld : public Requeue {
public:
    SessionWorld() {
        ::signal(SIGPIPE, SIG_IGN);  // as in a worker
        context.snapshot = new HeldSnapshot(std::make_shared<const routing::Snapshot>());
    }

    void requeue(Session&) override {}

    void forget(Session&) override {}

    // Connected; the kernel takes about `buffer` bytes each way before it refuses.
    static std::pair<net::Socket, net::Socket> sockets(int buffer = 0) {
        int fds[2] = {-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        for (const int fd : fds) {
            if (buffer != 0)
                ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
        }
        return {net::Socket(fds[0]), net::Socket(fds[1])};
    }

    static std::string readAll(net::Socket& from) {
        std::string all;
        char part[4096];
        for (net::IoResult got; (got = from.recv(part, sizeof part)).bytes > 0;)
            all.append(part, static_cast<std::size_t>(got.bytes));
        return all;
    }

    boost::asio::io_context io{1};
    net::TimerWheel wheel;
    net::BufferPool buffers;
    net::test::NestedPoller poller{io};
    upstream::ConnectionPool pool{poller, wheel};
    upstream::Registry registry{pool};
    SessionContext context{poller, wheel, buffers, pool, registry, *this};
};

}  // namespace evergate::session::test
