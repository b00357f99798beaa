// SPDX-License-Identifier: Apache-2.0
// What one HTTP/2 client may do to others is bounded: floods end with GOAWAY and are counted, and
// whoever stands still is let go of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/integration/http2_client.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using http2::Refusal;

std::uint64_t refused(ProxyFixture& proxy, Refusal refusal) {
    return proxy.counters().http2.refusals[static_cast<std::size_t>(refusal)];
}

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                  const std::string& payload) {
    std::string text{static_cast<char>(payload.size() >> 16),
                     static_cast<char>(payload.size() >> 8),
                     static_cast<char>(payload.size()),
                     static_cast<char>(type),
                     static_cast<char>(flags),
                     static_cast<char>(stream >> 24),
                     static_cast<char>(stream >> 16),
                     static_cast<char>(stream >> 8),
                     static_cast<char>(stream)};
    return text + payload;
}

// A HEADERS block for "GET /" at a.example by static table indexes and one literal.
std::string getBlock() {
    return std::string("\x82\x86\x84\x41\x09", 5) + "a.example";
}

const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(NGHTTP2_SETTINGS, 0, 0, "");
const std::string kSettingsAck = frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "");

class Http2Limits : public testing::Test {
protected:
    Http2Limits() : endpoint_(answerAll("hello")) { proxy_.serve({endpoint_.port()}); }

    // Sends `unit` until the connection ends; how it ended.
    void expectRefusal(const std::string& first, const std::string& unit, int most,
                       Refusal refusal) {
        RawConnection client = proxy_.client();
        ASSERT_TRUE(client.send(kPreface + kSettingsAck + first));
        std::string many;
        for (int i = 0; i < most; ++i)
            many += unit;
        client.send(many);  // it may be cut off
        EXPECT_TRUE(proxy_.eventually([&] { return refused(proxy_, refusal) == 1; }));
        client.close();
        expectServing();
    }

    void expectServing() {
        proxy_.serve({endpoint_.port()});
        Http2Client other(proxy_.client());
        EXPECT_EQ(other.wait(other.request(Http2Client::get())).body, "hello");
        EXPECT_TRUE(proxy_.eventually([&] { return proxy_.counters().http2.activeStreams == 0; }));
    }

    ScriptedEndpoint endpoint_;
    ProxyFixture proxy_;
};

TEST_F(Http2Limits, EndPingFloods) {
    expectRefusal("", frame(NGHTTP2_PING, 0, 0, "12345678"), 5'000, Refusal::pingFlood);
}

TEST_F(Http2Limits, EndSettingsFloods) {
    expectRefusal("", frame(NGHTTP2_SETTINGS, 0, 0, ""), 2'000, Refusal::settingsFlood);
}

TEST_F(Http2Limits, EndSettingsWithoutEnd) {
    std::string many;
    for (int i = 0; i < 1'000; ++i)
        many += std::string("\0\4\0\0\0", 5) + static_cast<char>(i);
    expectRefusal("", frame(NGHTTP2_SETTINGS, 0, 0, many), 1, Refusal::settingsFlood);
}

TEST_F(Http2Limits, EndPriorityFloods) {
    expectRefusal("", frame(NGHTTP2_PRIORITY, 0, 1, std::string("\0\0\0\0\1", 5)), 50'000,
                  Refusal::controlFlood);
}

TEST_F(Http2Limits, EndContinuationsWithoutEnd) {
    expectRefusal(frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, getBlock()),
                  frame(NGHTTP2_CONTINUATION, 0, 1, ""), 1'000, Refusal::headerFlood);
}

TEST_F(Http2Limits, EndDataWithoutData) {
    // Who is answered has nothing more to send.
    ScriptedEndpoint silent([](RawConnection& connection, int) { connection.readAll(); });
    proxy_.serve({silent.port()});
    std::string post = getBlock();
    post[0] = '\x83';
    expectRefusal(frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, post),
                  frame(NGHTTP2_DATA, 0, 1, ""), 5'000, Refusal::emptyData);
}

TEST_F(Http2Limits, EndDataByteByByte) {
    ScriptedEndpoint silent([](RawConnection& connection, int) { connection.readAll(); });
    proxy_.serve({silent.port()});
    std::string post = getBlock();
    post[0] = '\x83';
    expectRefusal(frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, post),
                  frame(NGHTTP2_DATA, 0, 1, "x"), 60'000, Refusal::tinyData);
}

TEST_F(Http2Limits, EndWhoGoesOnAfterTheEnd) {
    RawConnection client = proxy_.client();
    const std::string request =
        frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, getBlock());
    ASSERT_TRUE(client.send(kPreface + kSettingsAck + request));
    ASSERT_TRUE(proxy_.eventually([&] {
        const auto counts = proxy_.counters().http2;
        return counts.streams == 1 && counts.activeStreams == 0;
    }));
    ASSERT_TRUE(client.send(frame(NGHTTP2_DATA, 0, 1, "more")));
    EXPECT_TRUE(proxy_.eventually([&] { return refused(proxy_, Refusal::protocolError) == 1; }));
    client.close();
    expectServing();
}

// Whoever finds it, nghttp2 or we: it counts, once.
TEST_F(Http2Limits, CountWhatIsAgainstTheRules) {
    const std::string magic = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    std::uint64_t count = 0;
    for (const std::string& bytes :
         {magic + frame(NGHTTP2_PING, 0, 0, "12345678"), magic + kSettingsAck,
          kPreface + frame(NGHTTP2_PING, 0, 0, "1234"),
          kPreface + std::string("\1\0\0\0\0\0\0\0\1", 9),
          kPreface + frame(NGHTTP2_PING, 0, 1, "12345678"),
          kPreface + frame(NGHTTP2_SETTINGS, 0, 0, std::string("\0\2\0\0\0\2", 6))}) {
        RawConnection client = proxy_.client();
        client.send(bytes);
        client.readAll();
        EXPECT_EQ(refused(proxy_, Refusal::protocolError), ++count)
            << testing::PrintToString(bytes);
    }
    expectServing();
}

TEST_F(Http2Limits, EndRapidResets) {
    proxy_.serve({});
    RawConnection client = proxy_.client();
    ASSERT_TRUE(client.send(kPreface + kSettingsAck));
    std::string many;
    for (std::uint32_t id = 1; id < 6'000; id += 2) {
        many += frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id,
                      getBlock());
        many += frame(NGHTTP2_RST_STREAM, 0, id, std::string("\0\0\0\x08", 4));
    }
    client.send(many);
    EXPECT_TRUE(proxy_.eventually([&] { return refused(proxy_, Refusal::rapidReset) == 1; }));
    client.close();
    expectServing();
}

// Who asks for more at once than is allowed, and goes on.
TEST_F(Http2Limits, EndFloodsOfRefusedRequests) {
    ScriptedEndpoint silent([](RawConnection& connection, int) { connection.readAll(); });
    proxy_.serve({silent.port()});
    RawConnection client = proxy_.client();
    ASSERT_TRUE(client.send(kPreface + kSettingsAck));
    std::string many;
    for (std::uint32_t id = 1; id < 4'000; id += 2)
        many += frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id,
                      getBlock());
    client.send(many);
    EXPECT_TRUE(proxy_.eventually([&] { return refused(proxy_, Refusal::rapidReset) == 1; }));
    client.close();
    expectServing();
}

// A page that is left, calls with deadlines: many are cancelled over time, and more are not.
TEST_F(Http2Limits, BearWithWhoCancelsSome) {
    proxy_.serve({endpoint_.port()});
    Http2Client client(proxy_.client());
    for (int turn = 0; turn < 24; ++turn) {
        std::vector<std::int32_t> kept;
        for (int i = 0; i < 60; ++i)
            kept.push_back(client.request(Http2Client::get()));
        for (const std::int32_t id : kept)
            ASSERT_EQ(client.wait(id).status, "200") << "turn " << turn;
        for (int i = 0; i < 50; ++i)
            client.reset(client.request(Http2Client::get()));
    }
    EXPECT_EQ(client.wait(client.request(Http2Client::get())).status, "200");
    EXPECT_TRUE(client.goaways().empty());
}

// As gRPC libraries do.
TEST_F(Http2Limits, BearWithAPingForEachAnswer) {
    proxy_.serve({endpoint_.port()});
    Http2Client client(proxy_.client());
    for (int i = 0; i < 600; ++i) {
        ASSERT_EQ(client.wait(client.request(Http2Client::get())).body, "hello") << i;
        nghttp2_submit_ping(client.session(), NGHTTP2_FLAG_NONE, nullptr);
    }
    EXPECT_TRUE(client.goaways().empty());
}

// An end to streams that are over costs little, but it is no work.
TEST_F(Http2Limits, EndResetsOfNothing) {
    proxy_.serve({endpoint_.port()});
    RawConnection client = proxy_.client();
    const std::string request =
        frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, getBlock());
    ASSERT_TRUE(client.send(kPreface + kSettingsAck + request));
    ASSERT_TRUE(proxy_.eventually([&] {
        const auto counts = proxy_.counters().http2;
        return counts.streams == 1 && counts.activeStreams == 0;
    }));
    std::string many;
    for (int i = 0; i < 50'000; ++i)
        many += frame(NGHTTP2_RST_STREAM, 0, 1, std::string("\0\0\0\x08", 4));
    client.send(many);
    EXPECT_TRUE(proxy_.eventually([&] { return refused(proxy_, Refusal::controlFlood) == 1; }));
    client.close();
    expectServing();
}

TEST_F(Http2Limits, BeginNothingThatIsCancelledAtOnce) {
    RawConnection client = proxy_.client();
    const auto get = [](std::uint32_t id) {
        return frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id,
                     getBlock());
    };
    // In one segment.
    ASSERT_TRUE(client.send(kPreface + kSettingsAck + get(1) +
                            frame(NGHTTP2_RST_STREAM, 0, 1, std::string("\0\0\0\x08", 4)) +
                            get(3)));
    EXPECT_TRUE(proxy_.eventually([&] {
        const auto counts = proxy_.counters().http2;
        return counts.streams == 2 && counts.activeStreams == 0;
    }));
    EXPECT_EQ(proxy_.counters().http2.resetsByClient, 1u);
    EXPECT_EQ(proxy_.counters().requests, 1u);
    client.close();
    expectServing();
}

TEST_F(Http2Limits, EndBombsInTrailers) {
    ScriptedEndpoint silent([](RawConnection& connection, int) { connection.readAll(); });
    proxy_.serve({silent.port()});
    std::string post = getBlock();
    post[0] = '\x83';
    const std::string block = std::string("\x40\x01x\x7f\xa1\x1e", 6) + std::string(4'000, 'x') +
                              std::string(8'000, '\xbe');
    RawConnection client = proxy_.client();
    ASSERT_TRUE(client.send(
        kPreface + kSettingsAck + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, post) +
        frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, block)));
    EXPECT_TRUE(proxy_.eventually([&] { return refused(proxy_, Refusal::headerFlood) == 1; }));
    client.close();
    expectServing();
}

TEST_F(Http2Limits, EndBombs) {
    // One field of 4000 bytes goes into the table, then is named again and again.
    std::string block = getBlock();
    block += std::string("\x40\x01x\x7f\xa1\x1e", 6) + std::string(4'000, 'x');
    block += std::string(8'000, '\xbe');
    RawConnection client = proxy_.client();
    ASSERT_TRUE(client.send(
        kPreface + kSettingsAck +
        frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, block)));
    EXPECT_TRUE(proxy_.eventually([&] { return refused(proxy_, Refusal::headerFlood) == 1; }));
    client.close();
    expectServing();
}

TEST_F(Http2Limits, BoundStreamsAtOnce) {
    proxy_.settings().http2MaxStreams = 4;
    proxy_.publish();
    ScriptedEndpoint silent([](RawConnection& connection, int) { connection.readAll(); });
    proxy_.serve({silent.port()});
    RawConnection client = proxy_.client();
    std::string many = kPreface + kSettingsAck;
    for (std::uint32_t id = 1; id < 20; id += 2)
        many += frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id,
                      getBlock());
    ASSERT_TRUE(client.send(many));
    EXPECT_TRUE(proxy_.eventually([&] { return proxy_.counters().http2.streams >= 4; }));
    EXPECT_LE(proxy_.counters().http2.activeStreams, 4u);
}

TEST(Http2Deadlines, EndWhoSaysNothingMore) {
    ScriptedEndpoint endpoint(answerAll("hello"));
    model::Settings settings;
    settings.headTimeout = std::chrono::milliseconds(300);
    ProxyFixture proxy(settings);
    proxy.serve({endpoint.port()});
    const auto ends = [&](const std::string& bytes, std::uint64_t count) {
        // One that is late with its first byte ends otherwise.
        return proxy.eventually([&] {
            RawConnection client = proxy.client();
            client.send(bytes);
            client.readAll();
            return refused(proxy, Refusal::timeout) >= count;
        });
    };
    EXPECT_TRUE(ends(kPreface.substr(0, 24), 1));  // without SETTINGS
    EXPECT_TRUE(ends(kPreface + kSettingsAck + frame(NGHTTP2_HEADERS, 0, 1, getBlock()), 2));
}

TEST(Http2Deadlines, EndIdleConnections) {
    ScriptedEndpoint endpoint(answerAll("hello"));
    model::Settings settings;
    settings.keepAliveTimeout = std::chrono::milliseconds(300);
    ProxyFixture proxy(settings);
    proxy.serve({endpoint.port()});
    Http2Client idle(proxy.client());
    EXPECT_EQ(idle.wait(idle.request(Http2Client::get())).body, "hello");
    EXPECT_TRUE(idle.until([&] { return idle.goaways().size() == 1; }));
    EXPECT_TRUE(idle.connection().eof());
    idle.connection().close();
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST(Http2Deadlines, ResetStreamsWhoseWindowStaysClosed) {
    ScriptedEndpoint endpoint(answerAll(std::string(200'000, 'x')));
    model::Settings settings;
    settings.writeTimeout = std::chrono::milliseconds(300);
    ProxyFixture proxy(settings);
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client(), false);
    const std::int32_t id = client.request(Http2Client::get());
    EXPECT_TRUE(client.wait(id).reset);
    EXPECT_EQ(client.answer(id).body.size(), 65'535u);
    EXPECT_EQ(refused(proxy, Refusal::stalled), 1u);
}

// However little room it makes in what waits here.
TEST(Http2Deadlines, BearWithWhoTakesLittle) {
    ScriptedEndpoint endpoint(answerAll(std::string(200'000, 'x')));
    model::Settings settings;
    settings.writeTimeout = std::chrono::milliseconds(600);
    ProxyFixture proxy(settings);
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client(), false);
    const std::int32_t id = client.request(Http2Client::get());
    for (std::size_t size = 65'535; size < 65'555; ++size) {
        ASSERT_TRUE(client.until([&] { return client.answer(id).body.size() == size; }));
        std::this_thread::sleep_for(std::chrono::milliseconds(60));
        client.grant(id, 1);
    }
    EXPECT_FALSE(client.answer(id).reset);
    EXPECT_EQ(refused(proxy, Refusal::stalled), 0u);
}

}  // namespace
}  // namespace evergate::test
