// SPDX-License-Identifier: Apache-2.0
// Streams of a connection to an endpoint that nghttp2 plays, as their users see them.
#include "dataplane/upstream/http2_connection.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dataplane/upstream/http2_pool.hpp"
#include "tests/support/http2_endpoint.hpp"
#include "tests/unit/dataplane/upstream/upstream_fixture.hpp"

namespace evergate::upstream {
namespace {

using namespace std::chrono_literals;
using evergate::test::Http2Endpoint;
using evergate::test::Http2Request;
using evergate::test::RawConnection;
using evergate::test::ScriptedEndpoint;

// One request and what came of it: sends as its stream takes it, reads as it comes.
class Call final : public ConnectionUser {
public:
    explicit Call(std::string request) : unsent_(std::move(request)) {}

    void onUpstream(Connection& stream, std::uint32_t) override {
        if (stream.connecting() || over())
            return;
        if (stream.connectError() != 0) {
            error = stream.connectError();
            return;
        }
        send(stream.socket());
        read(stream.socket());
    }

    bool over() const noexcept { return ended || error != 0; }

    std::unique_ptr<Connection> connection;
    std::string received;
    bool ended = false;
    int error = 0;

private:
    void send(net::Socket& socket) {
        while (!unsent_.empty() && socket.writable()) {
            const net::IoResult sent = socket.send(unsent_.data(), unsent_.size());
            if (sent.bytes <= 0)
                return;
            unsent_.erase(0, static_cast<std::size_t>(sent.bytes));
        }
    }

    void read(net::Socket& socket) {
        char bytes[16 * 1024];
        while (socket.readable() && !over()) {
            const net::IoResult got = socket.recv(bytes, sizeof bytes);
            if (got.wouldBlock())
                return;
            if (got.bytes > 0)
                received.append(bytes, static_cast<std::size_t>(got.bytes));
            ended = got.bytes == 0;
            error = got.error;
        }
    }

    std::string unsent_;
};

class Http2ConnectionTest : public test::UpstreamTest {
protected:
    Http2ConnectionTest() { security.http2 = true; }

    void serve(Http2Endpoint::Options options) { serve(Http2Endpoint::script(std::move(options))); }

    void serve(ScriptedEndpoint::Script script) {
        peer = std::make_unique<ScriptedEndpoint>(std::move(script));
        endpoint = new EndpointState(test::loopback(peer->port()), "it", 1);
    }

    Http2Endpoint::Options atEnd(Http2Endpoint::Handler handler) {
        Http2Endpoint::Options options;
        options.onEnd = std::move(handler);
        options.onReset = [this](std::int32_t, std::uint32_t code) { resetCode = code; };
        return options;
    }

    // A new request, on whatever connection there is, or will be.
    Call& ask(std::string request) {
        Call& call = calls.emplace_back(std::move(request));
        std::error_code error;
        call.connection = pool.takeIdle(*endpoint, call, security);
        if (call.connection) {
            call.onUpstream(*call.connection, 0);
        } else {
            call.connection = pool.connect(*endpoint, call, error, security);
        }
        EXPECT_TRUE(call.connection);
        return call;
    }

    Call& finish(Call& call) {
        runUntil([&] { return call.over(); });
        return call;
    }

    // For what the peer's thread says.
    void await(const std::function<bool()>& done) {
        while (!done()) {
            context.poll();
            std::this_thread::yield();
        }
    }

    void leave(Call& call) { pool.discard(std::move(call.connection)); }

    void TearDown() override {
        for (Call& call : calls)
            leave(call);
        if (endpoint)
            pool.closeIdle(*endpoint);
        runUntil([&] { return pool.open() == 0; });
    }

    static std::string get() { return "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"; }

    static std::string put(const std::string& body) {
        return "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + body;
    }

    Security security;
    std::atomic<int> asked{0};
    std::atomic<std::uint32_t> resetCode{0};
    EndpointPtr endpoint;
    std::unique_ptr<ScriptedEndpoint> peer;
    std::deque<Call> calls;
};

void echo(Http2Endpoint& peer, Http2Request& request) {
    peer.respond(request.id, "200", {}, request.body);
}

TEST_F(Http2ConnectionTest, CarriesRequestsOneAfterTheOther) {
    serve(atEnd(echo));
    const std::string body(700'000, 'b');
    for (int i = 0; i < 3; ++i) {
        Call& call = finish(ask(put(body)));
        EXPECT_EQ(call.error, 0);
        EXPECT_EQ(call.received, "HTTP/1.1 200 \r\n\r\n" + body);
        leave(call);
    }
    EXPECT_EQ(peer->accepted(), 1);
    runUntil([&] { return pool.idle() == 1; });
    EXPECT_EQ(pool.heldBytes(), 0u);
}

TEST_F(Http2ConnectionTest, CarriesTrailersBothWays) {
    serve(atEnd([](Http2Endpoint& from, Http2Request& request) {
        EXPECT_EQ(request.trailers.size(), 1u);
        from.respond(request.id, "200", {}, request.body, {{"x-sum", "7"}});
    }));
    const std::string head = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string body : {"1\r\na\r\n", ""}) {
        Call& call = finish(ask(head + body + "0\r\nX-Total: 1\r\n\r\n"));
        EXPECT_EQ(call.error, 0);
        EXPECT_EQ(call.connection->socket().trailers(), "x-sum: 7\r\n");
    }
}

// None is answered before all are asked: nobody may wait behind another.
TEST_F(Http2ConnectionTest, MovesOnWhomAnEndpointHasNoRoomFor) {
    serve([this](RawConnection& connection, int) {
        auto held = std::make_shared<std::vector<std::int32_t>>();
        Http2Endpoint::Options options = atEnd([this, held](Http2Endpoint& from, auto& request) {
            held->push_back(request.id);
            ++asked;
            if (held->size() != 2)
                return;
            while (asked != 8)
                std::this_thread::yield();
            for (const std::int32_t id : *held)
                from.respond(id, "200", {}, std::to_string(id));
        });
        options.settings = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2}};
        Http2Endpoint(std::move(options)).serve(connection);
    });
    for (int i = 0; i < 8; ++i)  // all on a connection that is not there yet
        ask(i % 2 == 0 ? get() : put("body"));
    for (Call& call : calls) {
        EXPECT_EQ(finish(call).error, 0);
        EXPECT_TRUE(call.ended);
    }
    EXPECT_EQ(peer->accepted(), 4);
}

// Two might begin, then only one may: the other waits for its end.
TEST_F(Http2ConnectionTest, KeepsToTheStreamsAnEndpointAllows) {
    const auto allow = [](char most) {
        return std::string("\0\0\6\4\0\0\0\0\0\0\3\0\0\0", 14) + most;
    };
    const auto answer = [](char id) {  // ":status: 200", and the end
        return std::string("\0\0\1\1\5\0\0\0", 8) + id + '\x88';
    };
    serve([&](RawConnection& connection, int) {
        connection.send(allow(2) + allow(1));
        connection.readUntil("\x01\x05");  // HEADERS
        connection.send(answer(1));
        connection.readUntil("\x01\x05");
        connection.send(answer(3));
        connection.readAll();
    });
    ask(get());
    ask(get());
    for (Call& call : calls)
        EXPECT_TRUE(finish(call).received.starts_with("HTTP/1.1 200"));
    EXPECT_EQ(peer->accepted(), 1);
}

// A stream without a user that the endpoint does not end holds up nobody.
TEST_F(Http2ConnectionTest, PassesByWhatIsNeverEnded) {
    Http2Endpoint::Options options = atEnd([](Http2Endpoint& from, Http2Request& request) {
        if (request.value(":method") == "HEAD")
            return from.begin(request.id, "200", {{"content-length", "4"}});
        from.respond(request.id, "200", {}, "body");
    });
    options.settings = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}};
    serve(std::move(options));
    Call& head = ask("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
    runUntil([&] { return !head.received.empty(); });
    leave(head);
    EXPECT_EQ(finish(ask(get())).error, 0);
    EXPECT_EQ(peer->accepted(), 2);
}

// Interim responses have no window. Here they come faster than anybody reads.
TEST_F(Http2ConnectionTest, BoundsInterimResponses) {
    serve(atEnd([](Http2Endpoint& from, Http2Request& request) {
        for (int i = 0; i < 4'000; ++i)
            from.interim(request.id, "103", {{"link", std::string(3'000, 'l')}});
        from.respond(request.id, "200", {}, "body");
    }));
    Call& call = finish(ask(get()));
    EXPECT_EQ(call.connection->problem(), http::ProxyError::upstreamBadResponse);
}

TEST_F(Http2ConnectionTest, GivesBackWhatWaitsWhenTheEndpointGoesAway) {
    const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
    const std::string goaway("\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\0", 17);
    serve([&](RawConnection& connection, int) {
        connection.send(settings + goaway);
        connection.readAll();
    });
    Call& call = finish(ask(put("body")));
    EXPECT_EQ(call.error, ECONNRESET);
    EXPECT_TRUE(call.connection->unprocessed());
    EXPECT_EQ(pool.takeIdle(*endpoint, call, security), nullptr);
}

TEST_F(Http2ConnectionTest, GivesBackWhatIsRefused) {
    serve(atEnd([](Http2Endpoint& from, Http2Request& request) {
        from.reset(request.id, NGHTTP2_REFUSED_STREAM);
    }));
    Call& call = finish(ask(put("body")));
    EXPECT_EQ(call.error, ECONNRESET);
    EXPECT_TRUE(call.connection->unprocessed());
    EXPECT_TRUE(call.connection->bodyKept());
    EXPECT_EQ(call.connection->takeBody(), "body");
}

TEST_F(Http2ConnectionTest, DoesNotRepeatWhatWasSent) {
    serve(atEnd([](Http2Endpoint& from, Http2Request&) { from.end(); }));
    Call& call = finish(ask(get()));
    EXPECT_EQ(call.error, ECONNRESET);
    EXPECT_FALSE(call.connection->unprocessed());
}

TEST_F(Http2ConnectionTest, ResetsOnlyWhatIsUnfinished) {
    serve(atEnd([this](Http2Endpoint& from, Http2Request& request) {
        if (++asked == 2)
            return from.begin(request.id, "200", {});
        from.respond(request.id, "200", {{"content-length", "4"}}, "done");
    }));
    Call& whole = ask(get());
    runUntil([&] { return whole.received.ends_with("done"); });
    leave(whole);
    Call& begun = ask(get());
    runUntil([&] { return !begun.received.empty(); });
    EXPECT_EQ(resetCode, 0u);
    leave(begun);
    await([&] { return resetCode != 0; });
    EXPECT_EQ(resetCode, static_cast<std::uint32_t>(NGHTTP2_CANCEL));
    EXPECT_EQ(finish(ask(get())).error, 0);
}

TEST_F(Http2ConnectionTest, EndsMalformedResponses) {
    serve(atEnd([](Http2Endpoint& from, Http2Request& request) {
        from.respond(request.id, "200", {{"connection", "close"}}, "body");
    }));
    Call& call = finish(ask(get()));
    EXPECT_EQ(call.connection->problem(), http::ProxyError::upstreamBadResponse);
    EXPECT_EQ(call.received, "");
    await([&] { return resetCode != 0; });
    EXPECT_EQ(resetCode, static_cast<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
}

TEST_F(Http2ConnectionTest, SaysWhyItEndsAConnection) {
    const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
    const std::string badPing("\0\0\1\6\0\0\0\0\0x", 10);
    std::string heard;
    std::atomic<bool> done = false;
    serve([&](RawConnection& connection, int) {
        connection.send(settings + badPing);
        heard = connection.readAll();
        done = true;
    });
    Call& call = finish(ask(get()));
    EXPECT_EQ(call.error, ECONNRESET);
    EXPECT_TRUE(call.connection->unprocessed());
    await([&] { return done.load(); });
    const std::string goaway("\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\6", 17);
    EXPECT_TRUE(heard.ends_with(goaway));
}

TEST_F(Http2ConnectionTest, FailsWithoutSettings) {
    serve([](RawConnection& connection, int) {
        connection.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        connection.readAll();
    });
    EXPECT_EQ(finish(ask(get())).error, EPROTO);
    EXPECT_EQ(endpoint->connectFailures, 1u);
}

TEST_F(Http2ConnectionTest, RestsAndGoesOn) {
    pool.options().idleTimeout = 2500ms;
    serve(atEnd(echo));
    leave(finish(ask(get())));
    runUntil([&] { return pool.idle() == 1; });
    const auto start = std::chrono::steady_clock::now();
    wheel.advance(start + 1500ms);
    EXPECT_EQ(pool.idle(), 1u);
    Call& call = finish(ask(put("again")));
    EXPECT_TRUE(call.received.ends_with("again"));
    leave(call);
    runUntil([&] { return pool.idle() == 1; });
    wheel.advance(start + 2700ms);
    EXPECT_EQ(pool.idle(), 1u);
    wheel.advance(start + 4500ms);
    EXPECT_EQ(pool.idle(), 0u);
    EXPECT_EQ(pool.open(), 0u);
    EXPECT_EQ(peer->accepted(), 1);
}

}  // namespace
}  // namespace evergate::upstream
