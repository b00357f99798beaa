// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/tcp_session.hpp"

#include "tests/unit/dataplane/session/tcp_session_fixture.hpp"

namespace evergate::session {
namespace {

using namespace std::chrono_literals;
using http::ProxyError;
using test::TcpSessionTest;

std::uint64_t count(const SessionContext& context, ProxyError error) {
    return context.counters.errors[static_cast<std::size_t>(error)];
}

TEST_F(TcpSessionTest, CarriesBytesBothWays) {
    beginTunnel();
    client.send("question", 8);
    expectArrives(endpoint, "question");
    endpoint.send("answer", 6);
    expectArrives(client, "answer");
    EXPECT_EQ(context.counters.bytesFromClients, 8u);
    EXPECT_EQ(context.counters.bytesToUpstreams, 8u);
    EXPECT_EQ(context.counters.bytesFromUpstreams, 6u);
    EXPECT_EQ(context.counters.bytesToClients, 6u);
    EXPECT_EQ(registry.backend(0).endpoints[0]->activeRequests, 1u);
}

TEST_F(TcpSessionTest, DeliversWhatTheClientSentWhileConnecting) {
    endpointListener = listening();
    registry.setEndpoints(0, {.endpoints = {at(endpointListener)}});
    begin();
    client.send("early", 5);
    client.shutdownWrite();
    endpoint = acceptFrom(endpointListener);
    expectArrives(endpoint, "early");
    EXPECT_EQ(endSeenBy(endpoint), 0);
    endpoint.send("late", 4);
    expectArrives(client, "late");
}

TEST_F(TcpSessionTest, ServerMaySpeakFirst) {
    beginTunnel();
    endpoint.send("220 ready", 9);
    expectArrives(client, "220 ready");
}

TEST_F(TcpSessionTest, PassesAHalfCloseOnAndKeepsTheOtherWay) {
    beginTunnel();
    client.send("x", 1);
    client.shutdownWrite();
    EXPECT_EQ(endSeenBy(endpoint), 0);
    ASSERT_TRUE(session);
    endpoint.send("still here", 10);
    expectArrives(client, "still here");
    endpoint.close();
    EXPECT_EQ(endSeenBy(client), 0);
    runUntil([&] { return session == nullptr; });
    EXPECT_EQ(pool.open(), 0u);
    EXPECT_EQ(registry.backend(0).endpoints[0]->activeRequests, 0u);
}

TEST_F(TcpSessionTest, PassesAnEndpointsHalfCloseOn) {
    beginTunnel();
    endpoint.shutdownWrite();
    EXPECT_EQ(endSeenBy(client), 0);
    client.send("goodbye", 7);
    expectArrives(endpoint, "goodbye");
    client.close();
    runUntil([&] { return session == nullptr; });
}

TEST_F(TcpSessionTest, PassesAClientsResetOn) {
    beginTunnel();
    client.closeWithReset();
    EXPECT_EQ(endSeenBy(endpoint), ECONNRESET);
    runUntil([&] { return session == nullptr; });
    EXPECT_EQ(count(context, ProxyError::clientClosed), 1u);
}

TEST_F(TcpSessionTest, PassesAnEndpointsResetOn) {
    beginTunnel();
    endpoint.closeWithReset();
    EXPECT_EQ(endSeenBy(client), ECONNRESET);
    runUntil([&] { return session == nullptr; });
    EXPECT_EQ(registry.backend(0).endpoints[0]->failures, 1u);
}

TEST_F(TcpSessionTest, DeliversWhatCameBeforeAReset) {
    beginTunnel();
    endpoint.send("last words", 10);
    expectArrives(client, "last words");
    endpoint.closeWithReset();
    EXPECT_EQ(endSeenBy(client), ECONNRESET);
}

TEST_F(TcpSessionTest, PassesAResetBehindAHalfCloseOn) {
    beginTunnel();
    endpoint.shutdownWrite();
    EXPECT_EQ(endSeenBy(client), 0);
    endpoint.closeWithReset();
    runUntil([&] { return session == nullptr; });
    EXPECT_EQ(count(context, ProxyError::upstreamClosed), 1u);
}

TEST_F(TcpSessionTest, ClosesWhenThereIsNoEndpoint) {
    begin();
    EXPECT_EQ(session, nullptr);
    EXPECT_EQ(endSeenBy(client), ECONNRESET);
    EXPECT_EQ(count(context, ProxyError::noEndpoint), 1u);
}

TEST_F(TcpSessionTest, TriesAnotherEndpoint) {
    net::Socket gone = listening();
    endpointListener = listening();
    model::Endpoints endpoints{.endpoints = {at(gone), at(endpointListener)}};
    registry.setEndpoints(0, endpoints);
    gone.close();
    for (int i = 0; i < 8; ++i) {  // whichever is picked first
        begin();
        ASSERT_TRUE(session);
        endpoint = acceptFromWhileRunning();
        runUntil([&] { return session->phaseName() == "tunnel"; });
        session->cancel();
    }
}

TEST_F(TcpSessionTest, ResetsTheClientWhenEveryEndpointRefuses) {
    net::Socket gone = listening();
    registry.setEndpoints(0, {.endpoints = {at(gone)}});
    gone.close();
    begin();
    EXPECT_EQ(endSeenBy(client), ECONNRESET);
    EXPECT_EQ(session, nullptr);
    EXPECT_EQ(count(context, ProxyError::connectFailed), 1u);
    EXPECT_EQ(registry.backend(0).endpoints[0]->connectFailures, 1u);
}

TEST_F(TcpSessionTest, SeesTheClientGoWhileConnecting) {
    beginBlackHole();
    client.closeWithReset();
    runUntil([&] { return session == nullptr; });
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(TcpSessionTest, GivesUpConnectingAfterItsTimeout) {
    beginBlackHole();
    advance(4'900ms);
    EXPECT_TRUE(session);
    advance(400ms);
    EXPECT_FALSE(session);
    EXPECT_EQ(endSeenBy(client), ECONNRESET);
    EXPECT_EQ(count(context, ProxyError::connectTimeout), 1u);
}

TEST_F(TcpSessionTest, ClosesAnIdleTunnelAndNotAnActiveOne) {
    beginTunnel();
    advance(900s);
    client.send("x", 1);
    expectArrives(endpoint, "x");
    advance(900s);
    ASSERT_TRUE(session);
    advance(101s);
    EXPECT_FALSE(session);
    EXPECT_EQ(endSeenBy(client), 0);
    EXPECT_EQ(endSeenBy(endpoint), 0);
}

TEST_F(TcpSessionTest, ClosesAHalfClosedTunnelSooner) {
    beginTunnel();
    client.shutdownWrite();
    EXPECT_EQ(endSeenBy(endpoint), 0);
    advance(39s);
    ASSERT_TRUE(session);
    advance(2s);
    EXPECT_FALSE(session);
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(TcpSessionTest, HoldsLittleForAClientThatDoesNotRead) {
    beginTunnel();
    stuff(endpoint);
    EXPECT_LE(buffers.bytesInUse(), 2 * (net::BufferPool::kLarge + net::BufferPool::kHeadroom));
    // The other way still works.
    client.send("hello?", 6);
    expectArrives(endpoint, "hello?");
}

TEST_F(TcpSessionTest, CutsAClientThatDoesNotReadEvenWhenItTalks) {
    beginTunnel();
    stuff(endpoint);
    for (int i = 0; i < 5; ++i) {
        client.send("x", 1);
        expectArrives(endpoint, "x");
        advance(4'500ms);
    }
    EXPECT_FALSE(session);
    EXPECT_EQ(count(context, ProxyError::clientWriteTimeout), 1u);
    EXPECT_EQ(buffers.bytesInUse(), net::BufferPool::kLarge + net::BufferPool::kHeadroom);
}

TEST_F(TcpSessionTest, BlockedBytesArriveOnceTheClientReads) {
    beginTunnel();
    const std::size_t sent = stuff(endpoint);
    endpoint.shutdownWrite();
    std::size_t got = 0;
    runUntil([&] {
        got += readAll(client).size();
        return got >= sent;
    });
    EXPECT_EQ(got, sent);
    EXPECT_EQ(endSeenBy(client), 0);
}

TEST_F(TcpSessionTest, CancelCutsBothSides) {
    beginTunnel();
    session->cancel();
    EXPECT_FALSE(session);
    EXPECT_EQ(endSeenBy(client), ECONNRESET);
    EXPECT_EQ(endSeenBy(endpoint), ECONNRESET);
}

TEST_F(TcpSessionTest, SurvivesItsEndpointsRemoval) {
    beginTunnel();
    registry.setEndpoints(0, {});
    client.send("x", 1);
    expectArrives(endpoint, "x");
    EXPECT_EQ(session->endpointText(), "127.0.0.1:" + std::to_string(at(endpointListener).port));
    client.close();
    endpoint.close();
    runUntil([&] { return session == nullptr; });
}

}  // namespace
}  // namespace evergate::session
