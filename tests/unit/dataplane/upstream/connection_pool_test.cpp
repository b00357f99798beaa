// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/connection_pool.hpp"

#include <sys/epoll.h>

#include <chrono>
#include <vector>

#include "tests/unit/dataplane/upstream/upstream_fixture.hpp"

namespace evergate::upstream {
namespace {

using namespace std::chrono_literals;

class ConnectionPoolTest : public test::UpstreamTest {
protected:
    EndpointPtr endpoint = makeEndpoint();
};

TEST_F(ConnectionPoolTest, HasNothingIdleAtFirst) {
    EXPECT_EQ(pool.takeIdle(*endpoint, user), nullptr);
}

TEST_F(ConnectionPoolTest, ConnectTellsTheUserWhenDone) {
    std::error_code error;
    auto connection = pool.connect(*endpoint, user, error);
    ASSERT_FALSE(error);
    EXPECT_TRUE(connection->connecting());
    EXPECT_TRUE(connection->fresh());
    EXPECT_EQ(endpoint->openConnections, 1u);
    runUntil([&] { return user.calls > 0; });
    EXPECT_FALSE(connection->connecting());
    EXPECT_EQ(connection->connectError(), 0);
    EXPECT_TRUE(connection->socket().writable());
    EXPECT_FALSE(connection->socket().readable());
    pool.discard(std::move(connection));
    EXPECT_EQ(endpoint->openConnections, 0u);
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(ConnectionPoolTest, RefusedConnectIsTheEndpointsFailure) {
    listener.close();
    std::error_code error;
    auto connection = pool.connect(*endpoint, user, error);
    if (connection) {
        runUntil([&] { return user.calls > 0; });
        EXPECT_EQ(connection->connectError(), ECONNREFUSED);
    } else {
        EXPECT_EQ(error, std::errc::connection_refused);
    }
    EXPECT_EQ(endpoint->connectFailures, 1u);
    EXPECT_TRUE(endpoint->backingOff(wheel.nowTick()));
    EXPECT_FALSE(endpoint->backingOff(wheel.nowTick() + EndpointState::kBackOffTicks));
    EXPECT_EQ(pool.counters().connectFailures, 1u);
    pool.discard(std::move(connection));
}

TEST_F(ConnectionPoolTest, SuccessEndsTheBackOff) {
    endpoint->noteConnectFailure(wheel.nowTick());
    pool.discard(connected(*endpoint));
    EXPECT_FALSE(endpoint->backingOff(wheel.nowTick()));
}

TEST_F(ConnectionPoolTest, ReusesTheLastOneIn) {
    auto first = connected(*endpoint);
    auto second = connected(*endpoint);
    Connection* const last = second.get();
    pool.putIdle(std::move(first));
    pool.putIdle(std::move(second));
    EXPECT_EQ(pool.idle(), 2u);
    EXPECT_EQ(endpoint->idleConnections, 2u);
    auto taken = pool.takeIdle(*endpoint, user);
    EXPECT_EQ(taken.get(), last);
    EXPECT_EQ(taken->user(), &user);
    EXPECT_EQ(pool.counters().reuses, 1u);
    EXPECT_EQ(endpoint->idleConnections, 1u);
    pool.discard(std::move(taken));
}

TEST_F(ConnectionPoolTest, DropsAnIdleOneThePeerCloses) {
    pool.putIdle(connected(*endpoint));
    accept().close();
    runUntil([&] { return pool.idle() == 0; });
    EXPECT_EQ(pool.open(), 0u);
    EXPECT_EQ(pool.counters().idleClosed, 1u);
    EXPECT_EQ(user.calls, 1);  // of the connect only
}

TEST_F(ConnectionPoolTest, DropsAnIdleOneThatSpeaks) {
    pool.putIdle(connected(*endpoint));
    auto peer = accept();
    peer.send("HTTP/1.1 408 ", 13);
    runUntil([&] { return pool.idle() == 0; });
}

TEST_F(ConnectionPoolTest, KeepsOneWithALateEdge) {
    auto connection = connected(*endpoint);
    connection->socket().noteEvents(EPOLLIN);  // as for bytes that were read already
    pool.putIdle(std::move(connection));
    EXPECT_EQ(pool.idle(), 1u);
    auto taken = pool.takeIdle(*endpoint, user);
    ASSERT_TRUE(taken);
    pool.putIdle(std::move(taken));
}

TEST_F(ConnectionPoolTest, DoesNotKeepOneWithStrayBytes) {
    auto connection = connected(*endpoint);
    auto peer = accept();
    peer.send("x", 1);
    runUntil([&] { return connection->socket().readable(); });
    pool.putIdle(std::move(connection));
    EXPECT_EQ(pool.idle(), 0u);
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(ConnectionPoolTest, DoesNotKeepOneOfARetiredEndpoint) {
    auto connection = connected(*endpoint);
    endpoint->retired = true;
    pool.putIdle(std::move(connection));
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(ConnectionPoolTest, DoesNotKeepOneStillConnecting) {
    std::error_code error;
    auto connection = pool.connect(*endpoint, user, error);
    ASSERT_TRUE(connection);
    pool.putIdle(std::move(connection));
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(ConnectionPoolTest, KeepsNoMoreThanTheLimit) {
    pool.options().idleLimit = 2;
    std::vector<std::unique_ptr<Connection>> connections;
    for (int i = 0; i < 4; ++i)
        connections.push_back(connected(*endpoint));
    for (auto& connection : connections)
        pool.putIdle(std::move(connection));
    EXPECT_EQ(pool.idle(), 2u);
    EXPECT_EQ(pool.open(), 2u);
}

TEST_F(ConnectionPoolTest, DropsAfterTheIdleTimeout) {
    pool.options().idleTimeout = 2s;
    const auto start = std::chrono::steady_clock::now();
    pool.putIdle(connected(*endpoint));
    wheel.advance(start + 1900ms);
    EXPECT_EQ(pool.idle(), 1u);
    wheel.advance(start + 60s);
    EXPECT_EQ(pool.idle(), 0u);
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(ConnectionPoolTest, OneInUseHasNoIdleTimeout) {
    pool.options().idleTimeout = 1s;
    pool.putIdle(connected(*endpoint));
    auto taken = pool.takeIdle(*endpoint, user);
    wheel.advance(std::chrono::steady_clock::now() + 60s);
    EXPECT_EQ(pool.open(), 1u);
    pool.discard(std::move(taken));
}

TEST_F(ConnectionPoolTest, EventsGoToTheUserWhileInUse) {
    auto connection = connected(*endpoint);
    auto peer = accept();
    peer.send("x", 1);
    runUntil([&] { return (user.events & EPOLLIN) != 0; });
    peer.close();
    runUntil([&] { return (user.events & EPOLLRDHUP) != 0; });
    EXPECT_TRUE(connection->socket().hup());
    pool.discard(std::move(connection));
}

TEST_F(ConnectionPoolTest, DiscardWithResetIsSeenAsReset) {
    auto connection = connected(*endpoint);
    auto peer = accept();
    pool.discard(std::move(connection), /*reset=*/true);
    ASSERT_TRUE(waitFor(peer.fd(), POLLIN));
    char byte;
    EXPECT_EQ(peer.recv(&byte, 1).error, ECONNRESET);
}

TEST_F(ConnectionPoolTest, ClosesAllIdle) {
    const EndpointPtr other = makeEndpoint();
    pool.putIdle(connected(*endpoint));
    pool.putIdle(connected(*other));
    pool.closeAllIdle();
    EXPECT_EQ(pool.open(), 0u);
    EXPECT_EQ(other->idleConnections, 0u);
}

TEST_F(ConnectionPoolTest, EndpointLivesAsLongAsItsConnections) {
    auto connection = connected(*endpoint);
    EndpointState* const raw = endpoint.get();
    endpoint.reset();
    EXPECT_EQ(&connection->endpoint(), raw);
    EXPECT_EQ(connection->endpoint().openConnections, 1u);
    pool.discard(std::move(connection));
}

TEST_F(ConnectionPoolTest, DroppingTheHandleKeepsTheCountsRight) {
    connected(*endpoint).reset();
    EXPECT_EQ(pool.open(), 0u);
    EXPECT_EQ(endpoint->openConnections, 0u);
}

}  // namespace
}  // namespace evergate::upstream
