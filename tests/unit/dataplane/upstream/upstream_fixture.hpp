// SPDX-License-Identifier: Apache-2.0
// A poller, a wheel, a pool and a listening "endpoint" on loopback.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "dataplane/net/listen.hpp"
#include "dataplane/upstream/connection_pool.hpp"
#include "dataplane/upstream/registry.hpp"
#include "tests/unit/dataplane/net/nested_poller.hpp"

namespace evergate::upstream::test {

inline net::SocketAddress loopback(std::uint16_t port = 0) {
    return *net::SocketAddress::parse("127.0.0.1", port);
}

struct User final : ConnectionUser {
    void onUpstream(Connection&, std::uint32_t mask) override {
        ++calls;
        events |= mask;
    }

    int calls = 0;
    std::uint32_t events = 0;
};

class UpstreamTest : public testing::Test {
protected:
    UpstreamTest() {
        const auto fd = net::openListener(loopback(), {.reusePort = false});
        if (!fd || net::startListening(*fd, 512))
            ADD_FAILURE() << "no loopback listener";
        else
            listener = net::Socket(*fd);
        poller.keepTimeFor(wheel);
    }

    std::uint16_t listenerPort() const { return net::SocketAddress::localOf(listener.fd()).port(); }

    static bool waitFor(int fd, short events) {
        pollfd entry{fd, events, 0};
        return ::poll(&entry, 1, 10'000) == 1;
    }

    net::Socket accept() {
        net::SocketAddress peer;
        EXPECT_TRUE(waitFor(listener.fd(), POLLIN));
        return net::Socket(net::acceptOne(listener.fd(), peer));
    }

    // Runs the loop until `done`; the alternative is the test's timeout.
    void runUntil(const std::function<bool()>& done) {
        while (!done())
            context.run_one();
    }

    std::unique_ptr<Connection> connected(EndpointState& endpoint) {
        std::error_code error;
        auto connection = pool.connect(endpoint, user, error);
        EXPECT_FALSE(error);
        runUntil([&] { return !connection->connecting(); });
        EXPECT_EQ(connection->connectError(), 0);
        return connection;
    }

    EndpointPtr makeEndpoint() { return new EndpointState(loopback(listenerPort()), "it", 1); }

    net::Socket listener;
    boost::asio::io_context context{1};
    net::TimerWheel wheel;
    net::test::NestedPoller poller{context};
    ConnectionPool pool{poller, wheel};
    User user;
};

}  // namespace evergate::upstream::test
