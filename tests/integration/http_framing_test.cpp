// SPDX-License-Identifier: Apache-2.0
// Where messages begin and end: interim responses, early answers, large heads and trailers,
// pipelines, and bytes that must never be taken for something else.
#include <gtest/gtest.h>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using Next = RawConnection::Next;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kOkClose =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

class HttpFraming : public testing::Test {
protected:
    HttpFraming() { proxy.serve({endpoint.port()}); }

    RawConnection sendRequest(std::string_view request) {
        RawConnection client = proxy.client();
        client.send(request);
        upstream = endpoint.accept();
        forwarded = upstream.readUntil("\r\n\r\n");
        return client;
    }

    RawListener endpoint;
    ProxyFixture proxy;
    RawConnection upstream;
    std::string forwarded;  // head of the last request
};

TEST_F(HttpFraming, BodilessResponsesKeepTheConnections) {
    RawConnection client = sendRequest("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    const auto head = client.readResponse(true);
    EXPECT_NE(head.head.find("Content-Length: 1000"), std::string::npos);
    for (const char* answer : {"HTTP/1.1 204 No Content\r\n\r\n",
                               "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
        client.send(kGet);
        upstream.readUntil("\r\n\r\n");
        upstream.send(answer);
        EXPECT_TRUE(client.readResponse().complete) << answer;
    }
    EXPECT_EQ(proxy.counters().upstreamConnects, 1u);
}

TEST_F(HttpFraming, InterimResponsesAreBoundedAndUnknownToOldClients) {
    RawConnection client = sendRequest("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    upstream.send(std::string(kContinue) + std::string(kOkClose));
    EXPECT_EQ(client.readResponse().status, 200);
    client = sendRequest(kGet);
    for (int i = 0; i < 9; ++i)
        upstream.send("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n");
    for (int i = 0; i < 8; ++i)
        EXPECT_EQ(client.readResponse().status, 103);
    EXPECT_EQ(client.readResponse().status, 502);
}

TEST_F(HttpFraming, InterimResponseWaitsForABlockedClient) {
    for (const bool answerAtOnce : {true, false}) {
        RawConnection client = sendRequest(
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
        const std::size_t filler = client.stuffFromPeer();
        ASSERT_GT(filler, 0u);
        upstream.send(std::string(kContinue) + std::string(answerAtOnce ? kOkClose : ""));
        ASSERT_TRUE(proxy.eventuallyIn("client_blocked"));
        EXPECT_EQ(client.readExactly(filler).size(), filler);
        EXPECT_EQ(client.readResponse().status, 100);
        client.send("x");
        if (!answerAtOnce) {
            EXPECT_EQ(upstream.readExactly(1), "x");
            upstream.send(kOkClose);
        }
        EXPECT_EQ(client.readResponse().body, "ok");
    }
}

TEST_F(HttpFraming, EarlyAnswerReachesAClientThatIsStillSending) {
    RawConnection client =
        sendRequest("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    std::thread sender([&] { client.send(std::string(8'000'000, 'x')); });
    upstream.readExactly(1000);
    upstream.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
    upstream.close();
    const auto response = client.readResponse();
    EXPECT_EQ(response.status, 413);
    EXPECT_EQ(response.body, "big");
    EXPECT_NE(response.head.find("Connection: close"), std::string::npos);
    EXPECT_EQ(client.next(), Next::end);
    sender.join();
    client.close();
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(HttpFraming, AnAnswerThatIsWholeBeforeItsRequestSaysThatItEndsTheConnection) {
    RawConnection client =
        sendRequest("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n1");
    upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n");
    const auto response = client.readResponse();
    EXPECT_EQ(response.body, "no");
    EXPECT_NE(response.head.find("Connection: close"), std::string::npos);
    EXPECT_EQ(client.next(), Next::end);
}

// While the endpoint streams its answer it still gets the rest of the request.
TEST_F(HttpFraming, UploadGoesOnBehindAnEarlyResponse) {
    RawConnection client =
        sendRequest("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n1");
    std::atomic<bool> arrived = false;
    std::thread streamer([&] {
        upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 5'000 && !arrived; ++i) {
            upstream.send("1\r\n.\r\n");
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    });
    client.readUntil("1\r\n.\r\n");
    client.send(std::string(199'999, 'y'));
    EXPECT_EQ(upstream.readExactly(200'000).size(), 200'000u);
    arrived = true;
    streamer.join();
    upstream.send("0\r\n\r\n");
    EXPECT_FALSE(client.readUntil("0\r\n\r\n").empty());
    client.send(kGet);
    EXPECT_EQ(upstream.readUntil("\r\n\r\n").substr(0, 6), "GET /a");
}

TEST_F(HttpFraming, BodiesAreNeverTakenForRequests) {
    const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string length = std::to_string(hidden.size());
    char size[20];
    std::snprintf(size, sizeof size, "%zx", hidden.size());
    const std::string requests[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + "\r\n\r\n" + hidden,
        std::string("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n") + size +
            "\r\n" + hidden + "\r\n0\r\n\r\n"};
    for (const std::string& request : requests) {
        for (std::size_t split = 1; split < request.size(); split += 7) {
            RawConnection client = proxy.client();
            client.send(request.substr(0, split));
            client.send(request.substr(split) + std::string(kGet));
            if (!upstream.open())
                upstream = endpoint.accept();
            EXPECT_EQ(upstream.readUntil("\r\n\r\n").substr(0, 6), "POST /");
            // What comes in two reads leaves in two chunks: it need not be there in one piece.
            if (&request == &requests[0])
                EXPECT_EQ(upstream.readExactly(hidden.size()), hidden);
            else
                EXPECT_NE(upstream.readUntil("0\r\n\r\n"), "");
            upstream.send(kOk);
            EXPECT_EQ(upstream.readUntil("\r\n\r\n").substr(0, 6), "GET /a");
            upstream.send(kOk);
            EXPECT_EQ(client.readResponse().body, "ok");
            EXPECT_EQ(client.readResponse().body, "ok");
        }
    }
}

// The rest of a refused body is thrown away, never read as requests.
TEST_F(HttpFraming, RefusedBodyIsNotARequest) {
    proxy.setEndpoints({});
    RawConnection client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    EXPECT_EQ(client.readResponse().status, 503);
    for (int i = 0; i < 100; ++i)
        client.send(kGet);
    EXPECT_EQ(client.next(), Next::end);
    client.close();
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.counters().requests, 1u);
}

TEST_F(HttpFraming, LargeHeadsPassUpToTheLimit) {
    proxy.settings().maxHeadBytes = 65'536;
    proxy.publish();
    const std::string value(60'000, 'v');
    const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nX-Big: " + value + "\r\n\r\n";
    RawConnection client = proxy.client();
    client.send(request.substr(0, 20'000));
    client.send(request.substr(20'000) + request);
    upstream = endpoint.accept();
    for (int i = 0; i < 2; ++i) {
        EXPECT_NE(upstream.readUntil("\r\n\r\n").find(value), std::string::npos);
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Big: " + value.substr(i));
        upstream.send("\r\n\r\n!");
        const auto response = client.readResponse();
        EXPECT_EQ(response.body, "!");
        EXPECT_NE(response.head.find("X-Big: " + value.substr(i)), std::string::npos);
    }
    client.send(kGet);
    upstream.readUntil("\r\n\r\n");
    upstream.send("HTTP/1.1 200 OK\r\nX-Big: " + value + value + "\r\n\r\n");
    EXPECT_EQ(client.readResponse().status, 502);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Big: " + value + value);
    EXPECT_EQ(client.readResponse().status, 431);
}

TEST_F(HttpFraming, LongTrailersPassBothWays) {
    const std::string trailer = "X-Sum: " + std::string(8'000, 's') + "\r\n";
    RawConnection client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3d090\r\n" +
                std::string(250'000, 'x') + "\r\n0\r\n" + trailer + "\r\n");
    upstream = endpoint.accept();
    EXPECT_NE(upstream.readUntil("\r\n\r\n").find("chunked"), std::string::npos);
    EXPECT_NE(upstream.readUntil("\r\n\r\n").find(trailer), std::string::npos);
    upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3d090\r\n" +
                  std::string(250'000, 'x') + "\r\n0\r\n" + trailer + "\r\n");
    const auto response = client.readResponse();
    EXPECT_TRUE(response.complete);
    EXPECT_EQ(response.body.size(), 250'000u);
    EXPECT_NE(response.head.find(trailer), std::string::npos);
}

// A pipelined body that was read early, with trailers, while the endpoint is being connected to.
TEST_F(HttpFraming, PipelinedBodiesFitTheirBuffers) {
    const std::string big =
        "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e000\r\n" +
        std::string(0x3e000, 'x') + "\r\n0\r\nX-Sum: " + std::string(8'000, 's') + "\r\n\r\n";
    RawConnection client = proxy.client();
    std::thread sender([&] { client.send("GET /missing HTTP/1.1\r\n\r\n" + big); });
    EXPECT_EQ(client.readResponse().status, 400);
    sender.join();
    client = proxy.client();
    sender = std::thread([&] { client.send(std::string(kGet) + big + big + std::string(kGet)); });
    upstream = endpoint.accept();
    upstream.readUntil("\r\n\r\n");
    upstream.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_EQ(client.readResponse().body, "ok");
    for (int i = 0; i < 2; ++i) {
        upstream = endpoint.accept();
        upstream.readUntil("\r\n\r\n");
        EXPECT_NE(upstream.readUntil("0\r\nX-Sum").size(), 0u);
        upstream.readUntil("\r\n\r\n");
        upstream.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        EXPECT_EQ(client.readResponse().body, "ok");
    }
    upstream = endpoint.accept();
    EXPECT_EQ(upstream.readUntil("\r\n\r\n").substr(0, 6), "GET /a");
    sender.join();
}

TEST_F(HttpFraming, TunnelBeginsWithWhatTheClientSentEarly) {
    const std::string early(100'000, 'e');
    RawConnection client = sendRequest(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n" + early);
    upstream.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nhi");
    EXPECT_EQ(client.readUntil("\r\n\r\nhi").substr(0, 12), "HTTP/1.1 101");
    EXPECT_EQ(upstream.readExactly(early.size()), early);
    upstream.send("bye");
    upstream.close();
    EXPECT_EQ(client.readExactly(3), "bye");
}

// Without 101 they are the next request.
TEST_F(HttpFraming, RefusedUpgradeLeavesThePipelineAsItWas) {
    RawConnection client =
        sendRequest("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n" +
                    std::string(kGet));
    upstream.send(kOk);
    EXPECT_EQ(upstream.readUntil("\r\n\r\n").substr(0, 6), "GET /a");
    upstream.send(kOk);
    EXPECT_EQ(client.readResponse().body, "ok");
    EXPECT_EQ(client.readResponse().body, "ok");
}

TEST_F(HttpFraming, CountsEveryByteOfBothBodies) {
    RawConnection client = sendRequest(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" + std::string(500'000, 'x'));
    EXPECT_EQ(upstream.readExactly(500'000).size(), 500'000u);
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n";
    upstream.send(head + std::string(300'000, 'y'));
    const auto response = client.readResponse();
    ASSERT_TRUE(response.complete);
    ASSERT_TRUE(proxy.eventually([&] { return proxy.counters().activeRequests == 0; }));
    const session::Counters counters = proxy.counters();
    EXPECT_EQ(counters.bytesFromClients, 500'000u);
    EXPECT_EQ(counters.bytesToUpstreams, forwarded.size() + 500'000);
    EXPECT_EQ(counters.bytesFromUpstreams, head.size() + 300'000);
    EXPECT_EQ(counters.bytesToClients, response.head.size() + 300'000);
    EXPECT_EQ(counters.idleConnections, 1u);
}

}  // namespace
}  // namespace evergate::test
