// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/stream_layer.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "tests/unit/dataplane/net/loopback.hpp"

namespace evergate::net {
namespace {

// Turns bytes upside down and notes what it is asked.
class FlippingLayer final : public StreamLayer {
public:
    explicit FlippingLayer(std::string& calls) : calls_(calls) {}

    Handshake handshake(Socket&) noexcept override { return Handshake::done; }

    IoResult recv(Socket& socket, char* data, std::size_t size) noexcept override {
        const IoResult got = wireRecv(socket, data, size);
        for (ssize_t i = 0; i < got.bytes; ++i)
            data[i] = static_cast<char>(~data[i]);
        setReadable(socket, true);  // as if it held more
        return got;
    }

    IoResult sendv(Socket& socket, const iovec* parts, int count) noexcept override {
        std::string all;
        for (int i = 0; i < count; ++i)
            all.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
        for (char& c : all)
            c = static_cast<char>(~c);
        return wireSend(socket, all.data(), all.size());
    }

    void onWritable(Socket&) noexcept override { calls_ += "w"; }

    void shutdownWrite(Socket& socket) noexcept override {
        calls_ += "s";
        wireShutdownWrite(socket);
    }

    void closing(Socket&) noexcept override { calls_ += "c"; }

    bool peekClosed(Socket&) noexcept override { return true; }

    StreamFacts facts() const noexcept override { return {}; }

    static bool wire(const Socket& socket) { return wireReadable(socket); }

private:
    std::string& calls_;
};

class StreamLayerTest : public testing::Test {
protected:
    StreamLayerTest() { std::tie(client, server) = test::connectedPair(); }

    void layer(Socket& socket) { socket.setLayer(std::make_unique<FlippingLayer>(calls)); }

    std::string read(Socket& socket) {
        char bytes[64];
        EXPECT_TRUE(test::waitFor(socket.fd(), POLLIN));
        const IoResult got = socket.recv(bytes, sizeof bytes);
        return got.bytes > 0 ? std::string(bytes, static_cast<std::size_t>(got.bytes)) : "";
    }

    Socket client;
    Socket server;
    std::string calls;
};

TEST_F(StreamLayerTest, EverythingGoesThroughIt) {
    layer(client);
    layer(server);
    ASSERT_EQ(client.send("hello", 5).bytes, 5);
    EXPECT_EQ(read(server), "hello");
    EXPECT_TRUE(server.readable()) << "the layer says so";
    EXPECT_FALSE(FlippingLayer::wire(server)) << "the descriptor is empty";
    char head[] = "wor";
    char tail[] = "ld";
    const iovec parts[2] = {{head, 3}, {tail, 2}};
    ASSERT_EQ(server.sendv(parts, 2).bytes, 5);
    EXPECT_EQ(read(client), "world");
    EXPECT_TRUE(client.peekClosed());
    client.shutdownWrite();
    EXPECT_EQ(read(server), "");
    EXPECT_TRUE(server.hup());
    EXPECT_EQ(calls, "s");
}

TEST_F(StreamLayerTest, HearsOfEventsAndEnds) {
    layer(client);
    client.noteEvents(EPOLLIN);
    EXPECT_EQ(calls, "");
    client.noteEvents(EPOLLOUT);
    EXPECT_EQ(calls, "w");
    Socket moved = std::move(client);
    moved.noteEvents(EPOLLOUT);
    EXPECT_EQ(calls, "ww");
    moved.close();
    EXPECT_EQ(calls, "wwc");
    moved.close();
    EXPECT_EQ(calls, "wwc");
}

TEST_F(StreamLayerTest, IsNotAskedWhenReset) {
    layer(client);
    client.closeWithReset();
    EXPECT_EQ(calls, "");
}

TEST_F(StreamLayerTest, LeavesThePlainSocketBehind) {
    layer(server);
    server.setLayer(nullptr);
    EXPECT_EQ(server.layer(), nullptr);
    EXPECT_EQ(server.handshake(), Handshake::done);
    ASSERT_EQ(client.send("plain", 5).bytes, 5);
    EXPECT_EQ(read(server), "plain");
    EXPECT_FALSE(server.readable());
}

// One stream of a connection that several share.
class LoneLayer final : public StreamLayer {
public:
    explicit LoneLayer(std::string& calls) : calls_(calls) {}

    ~LoneLayer() override { calls_ += 'd'; }

    Handshake handshake(Socket&) noexcept override { return Handshake::done; }

    IoResult recv(Socket& socket, char*, std::size_t) noexcept override {
        setEnded(socket, true);
        return {0, 0};
    }

    IoResult sendv(Socket& socket, const iovec* parts, int) noexcept override {
        setWritable(socket, false);
        return {static_cast<ssize_t>(parts->iov_len), 0};
    }

    void onWritable(Socket&) noexcept override {}

    void shutdownWrite(Socket&) noexcept override { calls_ += 's'; }

    void closing(Socket&) noexcept override { calls_ += 'c'; }

    bool peekClosed(Socket&) noexcept override { return false; }

    StreamFacts facts() const noexcept override { return {}; }

private:
    std::string& calls_;
};

TEST(LayerWithoutDescriptor, IsASocketByItself) {
    std::string calls;
    Socket socket(std::make_unique<LoneLayer>(calls));
    EXPECT_TRUE(socket.open());
    EXPECT_EQ(socket.send("abc", 3).bytes, 3);
    EXPECT_FALSE(socket.writable());
    char byte;
    EXPECT_EQ(socket.recv(&byte, 1).bytes, 0);
    EXPECT_TRUE(socket.hup() && socket.broken() && socket.readable() && socket.writable());
    socket.shutdownWrite();
    Socket moved = std::move(socket);
    moved.close();
    EXPECT_FALSE(moved.open());
    EXPECT_EQ(calls, "scd");
    Socket other(std::make_unique<LoneLayer>(calls));
    other.closeWithReset();
    EXPECT_EQ(calls, "scdd");
}

TEST(StreamLayerNames, EveryFailureHasOne) {
    for (unsigned i = 0; i < static_cast<unsigned>(HandshakeFailure::count_); ++i)
        EXPECT_FALSE(name(static_cast<HandshakeFailure>(i)).empty());
}

}  // namespace
}  // namespace evergate::net
