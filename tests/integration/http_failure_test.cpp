// SPDX-License-Identifier: Apache-2.0
// Clients and endpoints that break off in every state: what the other one sees, and that nothing
// stays behind.
#include <gtest/gtest.h>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using Next = RawConnection::Next;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

constexpr std::string_view kOkClose =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

class HttpFailure : public testing::Test {
protected:
    HttpFailure() { proxy.serve({endpoint.port()}); }

    // A client whose request has arrived at the endpoint.
    RawConnection sendRequest(std::string_view request, int receiveBuffer = 0) {
        RawConnection client = proxy.client(receiveBuffer);
        client.send(request);
        upstream = endpoint.accept();
        upstream.readUntil("\r\n\r\n");
        return client;
    }

    void tolerateHalfClose() {
        model::Backend backend;
        backend.abortOnClientClose = false;
        proxy.serve({endpoint.port()}, backend);
    }

    RawListener endpoint;
    ProxyFixture proxy;
    RawConnection upstream;
};

TEST_F(HttpFailure, ClientResetsInEveryPhase) {
    const std::size_t before = openDescriptors();
    const auto expectGone = [&](RawConnection& client, const char* phase) {
        EXPECT_TRUE(proxy.eventuallyIn(phase)) << phase;
        client.reset();
        EXPECT_TRUE(proxy.eventuallyQuiet()) << phase;
        if (upstream.open()) {
            upstream.readAll();
            upstream.close();
        }
        EXPECT_EQ(openDescriptors(), before) << phase;
    };
    {
        RawConnection client = proxy.client();
        client.send("GET / HTTP/1.1\r\nHo");
        expectGone(client, "head");
    }
    {
        RawConnection client = sendRequest(kGet);
        expectGone(client, "await_response");
    }
    {
        RawConnection client =
            sendRequest("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1");
        expectGone(client, "request_body");
    }
    {
        RawConnection client = sendRequest(kGet);
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1");
        client.readUntil("1");
        expectGone(client, "response_body");
    }
    {
        RawConnection client = sendRequest(kUpgrade);
        upstream.send(kSwitch);
        client.readUntil("\r\n\r\n");
        expectGone(client, "tunnel");
    }
    {
        RawConnection client = sendRequest(kUpgrade);
        upstream.send(kSwitch);
        client.shutdownWrite();
        EXPECT_EQ(upstream.readAll(), "");
        expectGone(client, "tunnel_closing");
    }
}

TEST_F(HttpFailure, ClientResetsWhileConnecting) {
    const BlackHole nowhere;
    proxy.setEndpoints({nowhere.port()});
    RawConnection client = proxy.client();
    client.send(kGet);
    ASSERT_TRUE(proxy.eventuallyIn("connecting"));
    client.reset();
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(HttpFailure, ClientResetsWhileItsResponseWaits) {
    RawConnection client = sendRequest(kGet, 4096);
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    std::thread sender([&] {
        const std::string block(1 << 20, 'x');
        while (upstream.send(block)) {
        }
    });
    EXPECT_TRUE(proxy.eventuallyIn("client_blocked"));
    client.reset();
    EXPECT_TRUE(proxy.eventuallyQuiet());
    sender.join();
}

TEST_F(HttpFailure, ClientResetsWhileItsUploadWaits) {
    RawConnection client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
    upstream = endpoint.accept(4096);
    std::thread sender([&] {
        const std::string block(1 << 20, 'x');
        while (client.send(block)) {
        }
    });
    EXPECT_TRUE(proxy.eventuallyIn("request_blocked"));
    client.shutdownWrite();
    sender.join();
    client.reset();
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(HttpFailure, HalfClosedClientStillGetsItsAnswerWhereItMay) {
    tolerateHalfClose();
    RawConnection client = sendRequest(kGet);
    client.shutdownWrite();
    EXPECT_TRUE(proxy.eventuallyIn("await_response"));
    upstream.send(kOk);
    const auto response = client.readResponse();
    EXPECT_EQ(response.body, "ok");
    EXPECT_EQ(client.next(), Next::end);
}

TEST_F(HttpFailure, ClientClosingInItsBodyEndsTheRequest) {
    RawConnection client = sendRequest("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123");
    EXPECT_EQ(upstream.readExactly(3), "123");
    client.close();
    EXPECT_EQ(upstream.readAll(), "");
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(HttpFailure, EndpointClosingWithoutAnAnswerIs502) {
    for (const char* partial : {"", "HTTP/1.1 200 OK\r\nCont", "HTTP/1.1 100 Continue\r\n\r\n"}) {
        for (const bool reset : {false, true}) {
            RawConnection client = sendRequest(kGet);
            upstream.send(partial);
            const bool interim = *partial != '\0' && partial[9] == '1';
            EXPECT_EQ(interim ? client.readResponse().status : 100, 100);
            reset ? upstream.reset() : upstream.close();
            EXPECT_EQ(client.readResponse().status, 502) << partial << reset;
        }
    }
    EXPECT_EQ(proxy.counters().retries, 0u);
}

TEST_F(HttpFailure, NeverRepeatsARequestThatMayHaveBeenSeen) {
    for (const char* request : {"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
                                "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"}) {
        RawConnection client = sendRequest(kGet);
        upstream.send(kOk);
        ASSERT_EQ(client.readResponse().body, "ok");
        client.send(request);
        upstream.readUntil("\r\n\r\n");
        upstream.close();
        EXPECT_EQ(client.readResponse().status, 502) << request;
    }
    EXPECT_EQ(proxy.counters().retries, 0u);
}

TEST_F(HttpFailure, RepeatsAnIdempotentOneOnceOnAFreshConnection) {
    RawConnection client = sendRequest(kGet);
    upstream.send(kOk);
    ASSERT_EQ(client.readResponse().body, "ok");
    client.send(kGet);
    upstream.readUntil("\r\n\r\n");
    upstream.close();
    upstream = endpoint.accept();
    upstream.readUntil("\r\n\r\n");
    upstream.close();  // this one was no stale connection
    EXPECT_EQ(client.readResponse().status, 502);
    EXPECT_EQ(proxy.counters().retries, 1u);
}

TEST_F(HttpFailure, UpgradeTriesAnotherEndpointWhenOneRefuses) {
    std::uint16_t refused = 0;
    { refused = RawListener().port(); }
    proxy.setEndpoints({refused, endpoint.port()});
    for (int i = 0; i < 4; ++i) {
        RawConnection client = sendRequest(kUpgrade);
        upstream.send(kSwitch);
        EXPECT_EQ(client.readUntil("\r\n\r\n").substr(0, 12), "HTTP/1.1 101");
    }
}

TEST_F(HttpFailure, TruncatedResponsesNeverLookComplete) {
    const char* const heads[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n",
    };
    for (const char* head : heads) {
        for (const int version : {0, 1}) {
            RawConnection client = sendRequest("GET / HTTP/1." + std::to_string(version) +
                                               "\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
            upstream.send(head);
            ASSERT_FALSE(client.readUntil("abc").empty());
            upstream.close();
            if (version == 0 && head != heads[0]) {
                EXPECT_EQ(client.next(), Next::reset) << head;
                continue;
            }
            EXPECT_FALSE(client.readUntil("0\r\n\r\n").ends_with("0\r\n\r\n")) << head;
            EXPECT_EQ(client.next(), Next::end) << head;
        }
    }
}

TEST_F(HttpFailure, ResetEndsACloseDelimitedBodyVisibly) {
    for (const int version : {0, 1}) {
        RawConnection client =
            sendRequest("GET / HTTP/1." + std::to_string(version) + "\r\nHost: a\r\n\r\n");
        upstream.send("HTTP/1.1 200 OK\r\n\r\nabc");
        ASSERT_FALSE(client.readUntil("abc").empty());
        upstream.reset();
        if (version == 0) {
            EXPECT_EQ(client.next(), Next::reset);
        } else {
            EXPECT_EQ(client.readAll(), "\r\n");  // of the chunk; the last chunk is missing
        }
    }
}

// The reset is consumed by the proxy's send; the read that follows says "end".
TEST_F(HttpFailure, ResetSeenByASendDoesNotCompleteABody) {
    RawConnection client =
        sendRequest("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n");
    upstream.send("HTTP/1.1 200 OK\r\n\r\nabc");
    ASSERT_FALSE(client.readUntil("abc").empty());
    std::thread sender([&] { client.send(std::string(4'000'000, 'x')); });
    upstream.readExactly(100'000);
    upstream.reset();
    EXPECT_FALSE(client.readAll().ends_with("0\r\n\r\n"));
    sender.join();
}

TEST_F(HttpFailure, BadFirstChunkIs502) {
    RawConnection client = sendRequest(kGet);
    upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    EXPECT_EQ(client.readResponse().status, 502);
    client.send(kGet);
    upstream = endpoint.accept();
    upstream.readUntil("\r\n\r\n");
    upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n.\r\n");
    EXPECT_FALSE(client.readUntil("1\r\n.\r\n").empty());
    upstream.send("zz\r\n");
    EXPECT_EQ(client.readAll(), "");
}

// The exchange that met it is used again.
TEST_F(HttpFailure, BadChunkDoesNotSpoilLaterRequests) {
    for (int i = 0; i < 3; ++i) {
        RawConnection bad = proxy.client();
        bad.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
        EXPECT_EQ(bad.readResponse().status, 400);
        RawConnection client = sendRequest(kGet);
        upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
        EXPECT_EQ(client.readResponse().status, 502);
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
        upstream = endpoint.accept();
        upstream.readUntil("x");
        upstream.send(kOkClose);
        EXPECT_EQ(client.readResponse().status, 200);
    }
}

TEST_F(HttpFailure, RefusesToSwitchProtocolsUnasked) {
    RawConnection client = sendRequest(kGet);
    upstream.send(kSwitch);
    EXPECT_EQ(client.readResponse().status, 502);
    client = sendRequest(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n"
        "Content-Length: 5\r\n\r\n1");
    upstream.send(kSwitch);
    EXPECT_EQ(client.readResponse().status, 502);
}

TEST_F(HttpFailure, ConnectionWithExtraBytesIsNotUsedAgain) {
    for (const char* answer :
         {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok?", "HTTP/1.1 204 No Content\r\n\r\n?"}) {
        RawConnection client = sendRequest(kGet);
        upstream.send(answer);
        EXPECT_TRUE(client.readResponse().complete);
        client = sendRequest(kGet);  // accepts another one
        upstream.send(kOk);
        EXPECT_EQ(client.readResponse().body, "ok");
        upstream.send("HTTP/1.1 200 OK\r\n\r\n");  // while it is idle
        EXPECT_EQ(upstream.next(), Next::reset);
    }
    EXPECT_EQ(proxy.counters().upstreamReuses, 0u);
}

TEST_F(HttpFailure, AnswerSurvivesBytesNobodyReads) {
    tolerateHalfClose();
    RawConnection client =
        sendRequest("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nmore of it");
    EXPECT_TRUE(proxy.eventuallyIn("await_response"));
    client.send("and more");
    client.shutdownWrite();
    upstream.send(kOk);
    EXPECT_EQ(client.readResponse().body, "ok");
    EXPECT_EQ(client.next(), Next::end);
}

TEST_F(HttpFailure, OldClientsAreNotLeftWaitingBehindAnError) {
    proxy.setEndpoints({});
    RawConnection client = proxy.client();
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const std::string answer = client.readAll();
    EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 503");
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

// What the endpoint said before it went is not lost when the client talks on.
TEST_F(HttpFailure, TunnelDeliversTheLastWords) {
    RawConnection client = sendRequest(kUpgrade);
    upstream.send(std::string(kSwitch) + std::string(100'000, 'w'));
    upstream.close();
    ASSERT_TRUE(proxy.eventuallyIn("tunnel_closing"));
    for (int i = 0; i < 20 && client.send("too late"); ++i)
        proxy.connections();
    EXPECT_EQ(client.readUntil("\r\n\r\n").substr(0, 12), "HTTP/1.1 101");
    EXPECT_EQ(client.readExactly(100'000).size(), 100'000u);
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(HttpFailure, TunnelPassesAResetOn) {
    RawConnection client = sendRequest(kUpgrade);
    upstream.send(kSwitch);
    client.readUntil("\r\n\r\n");
    upstream.reset();
    EXPECT_EQ(client.next(), Next::reset);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.counters().tunnels, 0u);
}

}  // namespace
}  // namespace evergate::test
