// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/socket.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <array>
#include <string>
#include <vector>

#include "tests/unit/dataplane/net/loopback.hpp"

namespace evergate::net {
namespace {

class SocketPair : public testing::Test {
protected:
    SocketPair() { std::tie(client, server) = test::connectedPair(); }

    void sendFromClient(const std::string& text) {
        ASSERT_EQ(client.send(text.data(), text.size()).bytes, static_cast<ssize_t>(text.size()));
        ASSERT_TRUE(test::waitFor(server.fd(), POLLIN));
    }

    Socket client;
    Socket server;
    std::array<char, 16> buffer{};
};

TEST_F(SocketPair, AcceptedOneIsReady) {
    EXPECT_TRUE(server.readable());
    EXPECT_TRUE(server.writable());
    EXPECT_FALSE(server.hup());
    EXPECT_FALSE(server.registered());
}

TEST_F(SocketPair, AgainClearsReadable) {
    const IoResult result = server.recv(buffer.data(), buffer.size());
    EXPECT_TRUE(result.wouldBlock());
    EXPECT_FALSE(result.failed());
    EXPECT_FALSE(server.readable());
}

TEST_F(SocketPair, ShortReadClearsReadable) {
    sendFromClient("hello");
    EXPECT_EQ(server.recv(buffer.data(), buffer.size()).bytes, 5);
    EXPECT_FALSE(server.readable());
    server.noteEvents(EPOLLIN);
    EXPECT_TRUE(server.readable());
}

TEST_F(SocketPair, FullReadKeepsReadable) {
    sendFromClient("hello");
    EXPECT_EQ(server.recv(buffer.data(), 5).bytes, 5);
    EXPECT_TRUE(server.readable());
}

TEST_F(SocketPair, ShortReadKeepsReadableBeforeAHangUp) {
    sendFromClient("hello");
    client.shutdownWrite();
    ASSERT_TRUE(test::waitFor(server.fd(), POLLRDHUP));
    server.noteEvents(EPOLLIN | EPOLLRDHUP);
    EXPECT_EQ(server.recv(buffer.data(), buffer.size()).bytes, 5);
    EXPECT_TRUE(server.readable());
    EXPECT_TRUE(server.recv(buffer.data(), buffer.size()).eof());
    EXPECT_TRUE(server.hup());
    EXPECT_FALSE(server.broken());
}

TEST_F(SocketPair, FullSocketClearsWritable) {
    const std::vector<char> block(1 << 20, 'x');
    while (client.writable())
        ASSERT_FALSE(client.send(block.data(), block.size()).failed());
    EXPECT_TRUE(client.send(block.data(), block.size()).wouldBlock());
    client.noteEvents(EPOLLOUT);
    EXPECT_TRUE(client.writable());
}

TEST_F(SocketPair, SendvSendsAllParts) {
    std::string first = "GET ";
    std::string second = "/";
    const std::array<iovec, 2> parts{iovec{first.data(), first.size()},
                                     iovec{second.data(), second.size()}};
    EXPECT_EQ(client.sendv(parts.data(), 2).bytes, 5);
    EXPECT_TRUE(client.writable());
    ASSERT_TRUE(test::waitFor(server.fd(), POLLIN));
    EXPECT_EQ(server.recv(buffer.data(), buffer.size()).bytes, 5);
    EXPECT_EQ(std::string(buffer.data(), 5), "GET /");
}

TEST_F(SocketPair, ResetIsAnError) {
    client.closeWithReset();
    ASSERT_TRUE(test::waitFor(server.fd(), POLLIN));
    const IoResult result = server.recv(buffer.data(), buffer.size());
    EXPECT_TRUE(result.failed());
    EXPECT_EQ(result.error, ECONNRESET);
}

TEST_F(SocketPair, PendingErrorOfAReset) {
    client.closeWithReset();
    ASSERT_TRUE(test::waitFor(server.fd(), POLLIN));
    EXPECT_EQ(server.pendingError(), ECONNRESET);
    EXPECT_EQ(server.pendingError(), 0);
}

TEST_F(SocketPair, PeekTellsOpenFromClosed) {
    EXPECT_FALSE(server.peekClosed());
    EXPECT_FALSE(server.readable());
    client.close();
    ASSERT_TRUE(test::waitFor(server.fd(), POLLIN));
    EXPECT_TRUE(server.peekClosed());
}

TEST_F(SocketPair, PeekDistrustsUnexpectedBytes) {
    sendFromClient("?");
    EXPECT_TRUE(server.peekClosed());
}

TEST_F(SocketPair, ErrorEventsSetEverything) {
    Socket socket(server.release(), false);
    socket.noteEvents(EPOLLERR);
    EXPECT_TRUE(socket.readable());
    EXPECT_TRUE(socket.writable());
    EXPECT_TRUE(socket.hup());
    EXPECT_TRUE(socket.broken());
}

TEST_F(SocketPair, MoveTakesDescriptorAndFlags) {
    server.setRegistered();
    const int fd = server.fd();
    Socket other(std::move(server));
    EXPECT_EQ(other.fd(), fd);
    EXPECT_TRUE(other.registered());
    EXPECT_TRUE(other.readable());
    EXPECT_FALSE(server.open());
}

TEST_F(SocketPair, DestructorCloses) {
    { Socket gone(std::move(client)); }
    ASSERT_TRUE(test::waitFor(server.fd(), POLLIN));
    EXPECT_TRUE(server.recv(buffer.data(), buffer.size()).eof());
}

}  // namespace
}  // namespace evergate::net
