// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 clients, HTTP/2 endpoints: messages whole, streams shared, ends told apart.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/http2_upstream_rig.hpp"

namespace evergate::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(Http2Upstream, CarriesARequestAndItsResponse) {
    ScriptedEndpoint& endpoint = answer(tell);
    RawConnection client = proxy.client();
    for (int i = 0; i < 5; ++i) {
        const auto response = ask(client, get("/a?b=c", "X-Mine: Yes\r\nTE: trailers\r\n"));
        ASSERT_EQ(response.status, 200);
        EXPECT_THAT(response.body, HasSubstr(":method=GET\n:scheme=http\n:authority=shop.test\n"
                                             ":path=/a?b=c\nx-mine=Yes\n"));
        EXPECT_THAT(response.body, HasSubstr("x-forwarded-for=127.0.0.1\n"));
        EXPECT_THAT(response.body, Not(HasSubstr("connection=")));
        EXPECT_THAT(response.body, Not(HasSubstr("\nhost=")));
    }
    EXPECT_EQ(endpoint.accepted(), 1);
    EXPECT_TRUE(proxy.eventually([&] { return proxy.backends().at(0).idle == 1; }));
}

TEST_F(Http2Upstream, NeedsNoHostOfAnOldClient) {
    answer(tell);
    const auto response = ask("GET /old HTTP/1.0\r\n\r\n");
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body, HasSubstr(":authority=127.0.0.1:"));
}

TEST_F(Http2Upstream, CarriesBodiesOfEitherFraming) {
    answer(echo);
    RawConnection client = proxy.client();
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(ask(client, head + "Content-Length: 5\r\n\r\nhello").body, "hello");
        EXPECT_EQ(ask(client, head + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n"
                                     "0\r\n\r\n")
                      .body,
                  "hello");
        EXPECT_EQ(ask(client, head + "Content-Length: 0\r\n\r\n").body, "");
        EXPECT_EQ(ask(client, head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n").body, "");
    }
}

TEST_F(Http2Upstream, CarriesLargeBodiesBothWays) {
    ScriptedEndpoint& endpoint = answer(echo);
    std::string body(3 * 1024 * 1024, 'x');
    for (std::size_t i = 0; i < body.size(); i += 997)
        body[i] = static_cast<char>('a' + i % 26);
    RawConnection client = proxy.client();
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                std::to_string(body.size()) + "\r\n\r\n" + body));
        ASSERT_TRUE(client.readResponse().body == body);
    }
    EXPECT_EQ(endpoint.accepted(), 1);
}

TEST_F(Http2Upstream, CarriesTrailersBothWays) {
    answer([](Http2Endpoint& peer, Http2Request& request) {
        std::string body;
        for (const auto& [name, value] : request.trailers)
            body += name + "=" + value;
        peer.respond(request.id, "200", {}, body, {{"grpc-status", "0"}, {"x-sum", "7"}});
    });
    RawConnection client = proxy.client();
    const auto response =
        ask(client,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
            "0\r\nX-Total: 1\r\n\r\n");
    EXPECT_EQ(response.body, "x-total=1");
    EXPECT_THAT(response.head, HasSubstr("grpc-status: 0\r\nx-sum: 7\r\n"));
    EXPECT_TRUE(response.complete);
}

TEST_F(Http2Upstream, KnowsResponsesWithoutABody) {
    answer([](Http2Endpoint& peer, Http2Request& request) {
        const std::string path = request.value(":path");
        if (path == "/head")
            peer.respondBare(request.id, "200", {{"content-length", "11"}});
        else if (path == "/bare")
            peer.respondBare(request.id, "200", {{"grpc-status", "12"}});
        else
            peer.respondBare(request.id, path.substr(1), {});
    });
    RawConnection client = proxy.client();
    const auto head = ask(client, "HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n", true);
    EXPECT_EQ(head.status, 200);
    EXPECT_THAT(head.head, HasSubstr("Content-Length: 11\r\n"));
    EXPECT_EQ(ask(client, get("/204")).status, 204);
    EXPECT_EQ(ask(client, get("/304")).status, 304);
    const auto bare = ask(client, get("/bare"));
    EXPECT_EQ(bare.body, "");
    EXPECT_THAT(bare.head, HasSubstr("grpc-status: 12\r\n"));
    EXPECT_EQ(ask(client, get("/404")).status, 404);
}

TEST_F(Http2Upstream, PassesInterimResponsesOn) {
    answer([](Http2Endpoint& peer, Http2Request& request) {
        peer.interim(request.id, "103", {{"link", "</a.css>"}});
        peer.respond(request.id, "200", {}, "final");
    });
    RawConnection client = proxy.client();
    const auto early = ask(client, get());
    EXPECT_EQ(early.status, 103);
    EXPECT_THAT(early.head, HasSubstr("link: </a.css>\r\n"));
    EXPECT_EQ(client.readResponse().body, "final");
}

TEST_F(Http2Upstream, SharesAConnectionAmongClients) {
    ScriptedEndpoint& endpoint = answer([this](Http2Endpoint& peer, Http2Request& request) {
        ids.push_back(request.id);
        if (++asked < 8)
            return;
        for (const std::int32_t id : ids)  // all at once, the last first
            peer.respond(id, "200", {}, std::to_string(id));
    });
    std::vector<RawConnection> clients;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(proxy.client());
        ASSERT_TRUE(clients.back().send(get()));
        ASSERT_TRUE(proxy.eventually([&] { return asked == i + 1; }));
    }
    for (RawConnection& client : clients)
        EXPECT_EQ(client.readResponse().status, 200);
    EXPECT_EQ(endpoint.accepted(), 1);
}

TEST_F(Http2Upstream, OpensAnotherWhereStreamsAreFew) {
    Http2Endpoint::Options options;
    options.settings = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}};
    options.onEnd = [this](Http2Endpoint& peer, Http2Request& request) {
        ++asked;
        release.wait_for(std::chrono::seconds(10));
        peer.respond(request.id, "200", {}, "done");
    };
    ScriptedEndpoint& endpoint = serve(std::move(options));
    RawConnection first = proxy.client();
    ASSERT_TRUE(first.send(get()));
    ASSERT_TRUE(proxy.eventually([&] { return asked == 1; }));
    RawConnection second = proxy.client();
    ASSERT_TRUE(second.send(get()));
    ASSERT_TRUE(proxy.eventually([&] { return asked == 2; }));
    EXPECT_EQ(endpoint.accepted(), 2);
    released.set_value();
    EXPECT_EQ(first.readResponse().body, "done");
    EXPECT_EQ(second.readResponse().body, "done");
}

TEST_F(Http2Upstream, RepeatsWhatWasRefused) {
    answer([this](Http2Endpoint& peer, Http2Request& request) {
        if (asked++ == 0)
            return peer.reset(request.id, NGHTTP2_REFUSED_STREAM);
        peer.respond(request.id, "200", {}, request.body);
    });
    EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").body, "hello");
    EXPECT_EQ(asked, 2);
    asked = 0;
    EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                  "0\r\n\r\n")
                  .body,
              "hello");
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(proxy.backends().at(0).endpoints.at(0).failures, 0u) << "it did nothing wrong";
}

// Its head needs a buffer, which is kept for that.
TEST_F(Http2Upstream, RepeatsLargeHeadsAsTheyWere) {
    const std::string secret(3'000, 's');
    answer([this](Http2Endpoint& peer, Http2Request& request) {
        if (asked++ == 0)
            return peer.reset(request.id, NGHTTP2_REFUSED_STREAM);
        peer.respond(request.id, "200", {}, request.value("x-secret") + request.body);
    });
    EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: a\r\nX-Secret: " + secret +
                  "\r\nContent-Length: 5\r\n\r\nhello")
                  .body,
              secret + "hello");
    EXPECT_EQ(asked, 2);
}

// Asked for while the connection was not there, and never sent: the endpoint leaves at once.
TEST_F(Http2Upstream, RepeatsAllOfWhatNeverBegan) {
    const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
    const std::string goaway("\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\0", 17);
    ScriptedEndpoint& endpoint = start([&](RawConnection& connection, int index) {
        if (index == 0) {
            release.wait_for(std::chrono::seconds(10));
            connection.send(settings + goaway);
            connection.readAll();
            return;
        }
        Http2Endpoint::Options options;
        options.onEnd = echo;
        Http2Endpoint(std::move(options)).serve(connection);
    });
    backend.retries = 0;
    proxy.serve({endpoint.port()}, backend);
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
    RawConnection sized = proxy.client();
    ASSERT_TRUE(sized.send(head + "Content-Length: 8\r\n\r\nAAAA"));
    RawConnection chunked = proxy.client();
    ASSERT_TRUE(chunked.send(head + "Transfer-Encoding: chunked\r\n\r\n4\r\nAAAA\r\n"));
    ASSERT_TRUE(proxy.eventually([&] { return proxy.backends().at(0).active == 2; }));
    released.set_value();
    ASSERT_TRUE(proxy.eventually([&] { return endpoint.accepted() == 2; }));
    sized.send("BBBB");
    chunked.send("4\r\nBBBB\r\n0\r\n\r\n");
    EXPECT_EQ(sized.readResponse().body, "AAAABBBB");
    EXPECT_EQ(chunked.readResponse().body, "AAAABBBB");
}

// On a connection that goes on: the endpoint has seen it, and is to blame.
TEST_F(Http2Upstream, DoesNotRepeatWhatWasBrokenOff) {
    backend.retries = 0;
    answer([this](Http2Endpoint& peer, Http2Request& request) {
        ++asked;
        if (request.value(":path") == "/good")
            return peer.respond(request.id, "200", {}, "good");
        peer.reset(request.id, NGHTTP2_INTERNAL_ERROR);
    });
    RawConnection client = proxy.client();
    EXPECT_EQ(ask(client, get("/good")).status, 200);
    EXPECT_EQ(ask(client, get()).status, 502);
    EXPECT_EQ(ask(client, "POST / HTTP/1.1\r\nHost: a\r\n\r\n").status, 502);
    EXPECT_EQ(asked, 3);
    EXPECT_EQ(proxy.backends().at(0).endpoints.at(0).failures, 2u);
}

TEST_F(Http2Upstream, RepeatsWhatAGoAwayLeavesOut) {
    ScriptedEndpoint& endpoint = start([this](RawConnection& connection, int index) {
        ++asked;
        Http2Endpoint::Options options;
        options.onEnd = [index](Http2Endpoint& peer, Http2Request& request) {
            if (index == 0 && request.id > 1)
                return peer.goAway(1);
            peer.respond(request.id, "200", {}, std::to_string(index));
        };
        Http2Endpoint(std::move(options)).serve(connection);
    });
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    EXPECT_EQ(ask(client, get()).body, "0");
    EXPECT_EQ(ask(client, "POST / HTTP/1.1\r\nHost: a\r\n\r\n").body, "1");
    EXPECT_EQ(asked, 2);
}

TEST_F(Http2Upstream, LeavesAConnectionThatGoesAway) {
    ScriptedEndpoint& endpoint = start([](RawConnection& connection, int index) {
        Http2Endpoint::Options options;
        options.onEnd = [index](Http2Endpoint& peer, Http2Request& request) {
            peer.respond(request.id, "200", {}, std::to_string(index));
            peer.goAway(request.id);
        };
        Http2Endpoint(std::move(options)).serve(connection);
    });
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    EXPECT_EQ(ask(client, get()).body, "0");
    EXPECT_EQ(ask(client, get()).body, "1");
    EXPECT_EQ(ask(client, get()).body, "2");
    EXPECT_EQ(errors(http::ProxyError::upstreamClosed), 0u);
}

TEST_F(Http2Upstream, TellsAResetFromAnEnd) {
    answer([](Http2Endpoint& peer, Http2Request& request) {
        if (request.value(":path") == "/early")
            return peer.reset(request.id, NGHTTP2_INTERNAL_ERROR);
        peer.begin(request.id, "200", {});
        peer.more(request.id, "begin");
    });
    EXPECT_EQ(ask("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na").status, 502);
    EXPECT_EQ(errors(http::ProxyError::upstreamClosed), 1u);
}

TEST_F(Http2Upstream, NeverCompletesAResponseThatWasCutOff) {
    ScriptedEndpoint& endpoint = start([](RawConnection& connection, int) {
        Http2Endpoint::Options options;
        options.onEnd = [](Http2Endpoint& peer, Http2Request& request) {
            peer.begin(request.id, "200", {});
            peer.more(request.id, "begin");
            peer.end();
        };
        Http2Endpoint(std::move(options)).serve(connection);
    });
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    const auto response = ask(client, get());
    EXPECT_FALSE(response.complete);
    EXPECT_EQ(response.body, "begin");
    EXPECT_EQ(errors(http::ProxyError::upstreamTruncated), 1u);
}

TEST_F(Http2Upstream, RefusesMalformedResponses) {
    answer([](Http2Endpoint& peer, Http2Request& request) {
        peer.respond(request.id, "200", {{request.value("x-name"), "a"}}, "body");
    });
    for (const std::string name : {"connection", "transfer-encoding", "a b"})
        EXPECT_EQ(ask(get("/", "X-Name: " + name + "\r\n")).status, 502) << name;
    EXPECT_EQ(errors(http::ProxyError::upstreamBadResponse), 3u);
    EXPECT_EQ(ask(get("/", "X-Name: x-good\r\n")).status, 200);
}

TEST_F(Http2Upstream, ResetsWhatItsClientGaveUp) {
    Http2Endpoint::Options options;
    options.onEnd = [this](Http2Endpoint& peer, Http2Request& request) {
        peer.begin(request.id, "200", {});
        peer.more(request.id, "never ends");
        ++asked;
    };
    options.onReset = [this](std::int32_t, std::uint32_t code) { resetCode = code; };
    serve(std::move(options));
    RawConnection client = proxy.client();
    ASSERT_TRUE(client.send(get()));
    ASSERT_TRUE(proxy.eventually([&] { return asked != 0; }));
    client.close();
    EXPECT_TRUE(proxy.eventually([&] { return resetCode == NGHTTP2_CANCEL; }));
}

TEST_F(Http2Upstream, LetsNoSlowReaderHoldTheOthers) {
    large.assign(16 * 1024 * 1024, 'l');
    ScriptedEndpoint& endpoint = answer([this](Http2Endpoint& peer, Http2Request& request) {
        peer.respond(request.id, "200", {}, request.value(":path") == "/large" ? large : "small");
    });
    RawConnection slow = proxy.client(16 * 1024);
    ASSERT_TRUE(slow.send(get("/large")));
    ASSERT_TRUE(proxy.eventuallyIn("client_blocked"));
    RawConnection quick = proxy.client();
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(ask(quick, get()).body, "small");
    EXPECT_EQ(endpoint.accepted(), 1);
    EXPECT_TRUE(slow.readResponse().body == large);
}

TEST_F(Http2Upstream, WaitsForAnEndpointThatTakesNothing) {
    Http2Endpoint::Options options;
    options.autoWindow = false;  // 64 KiB, then never more
    options.onHead = [this](Http2Endpoint&, Http2Request&) { ++asked; };
    serve(std::move(options));
    RawConnection client = proxy.client();
    const std::string body(300'000, 'b');
    ASSERT_TRUE(
        client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n" + body));
    ASSERT_TRUE(proxy.eventually([&] { return asked != 0; }));
    EXPECT_TRUE(proxy.eventuallyIn("request_blocked"));
    client.reset();
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(Http2Upstream, AnswersEarlyWithoutTheRestOfTheRequest) {
    Http2Endpoint::Options options;
    options.onHead = [](Http2Endpoint& peer, Http2Request& request) {
        peer.respond(request.id, "413", {}, "too much");
    };
    serve(std::move(options));
    RawConnection client = proxy.client();
    ASSERT_TRUE(client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc"));
    const auto response = client.readResponse();
    EXPECT_EQ(response.status, 413);
    EXPECT_EQ(response.body, "too much");
}

TEST_F(Http2Upstream, SaysWhenAnEndpointSpeaksNoHttp2) {
    ScriptedEndpoint& plain = start(answerAll("plain"));
    proxy.serve({plain.port()}, backend);
    const auto response = ask(get());
    EXPECT_EQ(response.status, 502);
    EXPECT_GE(errors(http::ProxyError::connectFailed), 1u);
}

TEST_F(Http2Upstream, GetsOverAnIdleConnectionThatWasClosed) {
    ScriptedEndpoint& endpoint = start([this](RawConnection& connection, int) {
        Http2Endpoint::Options options;
        options.onEnd = [](Http2Endpoint& peer, Http2Request& request) {
            peer.respond(request.id, "200", {}, "once");
            peer.end();
        };
        Http2Endpoint(std::move(options)).serve(connection);
        connection.close();
        ++closed;
    });
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    for (int i = 1; i < 4; ++i) {
        ASSERT_EQ(ask(client, get()).body, "once");
        ASSERT_TRUE(proxy.eventually([&] { return closed == i; }));
    }
    EXPECT_EQ(endpoint.accepted(), 3);
}

TEST_F(Http2Upstream, ClosesWhatARetiredEndpointLeaves) {
    ScriptedEndpoint& endpoint = start([this](RawConnection& connection, int) {
        Http2Endpoint::Options options;
        options.onEnd = tell;
        Http2Endpoint(std::move(options)).serve(connection);
        ++closed;
    });
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    ASSERT_EQ(ask(client, get()).status, 200);
    ASSERT_TRUE(proxy.eventually([&] { return proxy.backends().at(0).idle == 1; }));
    proxy.setEndpoints({});
    EXPECT_TRUE(proxy.eventually([&] { return closed != 0; }));
}

}  // namespace
}  // namespace evergate::test
