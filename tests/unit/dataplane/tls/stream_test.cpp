// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/stream.hpp"

#include <algorithm>

#include "tests/unit/dataplane/tls/stream_fixture.hpp"

namespace evergate::tls {
namespace {

using net::HandshakeFailure;

TEST_F(StreamTest, ShakesHandsByteByByte) {
    connect();
    ASSERT_TRUE(shake(1));
    const net::StreamFacts facts = server.socket.layer()->facts();
    EXPECT_EQ(facts.version, "TLSv1.3");
    EXPECT_EQ(facts.serverName, "a.test");
    EXPECT_FALSE(facts.cipher.empty());
    EXPECT_FALSE(facts.resumed);
}

TEST_F(StreamTest, ResumesWithWhatTheServerGranted) {
    connect();
    ASSERT_TRUE(shake());
    EXPECT_EQ(read(client), "");  // takes the ticket
    connect();
    ASSERT_TRUE(shake());
    EXPECT_TRUE(client.socket.layer()->facts().resumed);
    EXPECT_TRUE(server.socket.layer()->facts().resumed);
    trust = trusting(authority.certificatePem());
    connect();
    ASSERT_TRUE(shake());
    EXPECT_FALSE(client.socket.layer()->facts().resumed) << "another trust verifies again";
}

TEST_F(StreamTest, TicketLeavesWithTheAnswerToARequestThatIsThere) {
    connect();
    EXPECT_EQ(client.socket.handshake(), net::Handshake::pending);
    carry(client, server, 65'536);
    EXPECT_EQ(server.socket.handshake(), net::Handshake::pending);
    carry(server, client, 65'536);
    EXPECT_EQ(client.socket.handshake(), net::Handshake::done);
    ASSERT_EQ(client.socket.send("request", 7).bytes, 7);
    carry(client, server, 65'536);
    EXPECT_EQ(server.socket.handshake(), net::Handshake::done);
    EXPECT_EQ(carry(server, client, 65'536), 0u);
    EXPECT_EQ(read(server), "request");
    ASSERT_EQ(server.socket.send("answer", 6).bytes, 6);
    carry(server, client, 65'536);
    EXPECT_EQ(read(client), "answer");
    connect();
    ASSERT_TRUE(shake());
    EXPECT_TRUE(client.socket.layer()->facts().resumed);
}

TEST_F(StreamTest, LastSendSaysGoodbye) {
    connect();
    ASSERT_TRUE(shake());
    server.socket.nextSendIsLast();
    ASSERT_EQ(server.socket.send("answer", 6).bytes, 6);
    carry(server, client, 65'536);
    server.socket.close();
    EXPECT_EQ(carry(server, client, 65'536), 0u) << "said before";
    EXPECT_EQ(read(client), "answer");
    char byte = 0;
    const auto end = client.socket.recv(&byte, 1);
    EXPECT_EQ(end.bytes, 0);
}

TEST_F(StreamTest, LastSendMayTakeMoreThanOneCall) {
    connect("a.test", 4'096);
    ASSERT_TRUE(shake());
    const std::string body(500'000, 'x');
    std::string received;
    std::size_t sent = 0;
    server.socket.nextSendIsLast();
    for (int idle = 0; idle < 3;) {
        if (sent < body.size()) {
            const auto result = server.socket.send(body.data() + sent, body.size() - sent);
            ASSERT_FALSE(result.failed());
            sent += static_cast<std::size_t>(std::max<ssize_t>(result.bytes, 0));
        }
        idle = carry(server, client, 1'000) != 0 ? 0 : idle + 1;
        received += read(client);
    }
    EXPECT_EQ(sent, body.size());
    EXPECT_EQ(received, body);
    char byte = 0;
    EXPECT_EQ(client.socket.recv(&byte, 1).bytes, 0);
}

TEST_F(StreamTest, IsReadableWhileBytesAreHeldInside) {
    connect();
    ASSERT_TRUE(shake());
    ASSERT_EQ(client.socket.send("first", 5).bytes, 5);
    ASSERT_EQ(client.socket.send("second", 6).bytes, 6);
    carry(client, server, 65'536);
    EXPECT_EQ(read(server, 2), "fi");
    EXPECT_TRUE(server.socket.readable());
    EXPECT_EQ(read(server, 6), "rstsec");
    EXPECT_TRUE(server.socket.readable());
    EXPECT_EQ(read(server, 100), "ond");
    EXPECT_FALSE(server.socket.readable());
    char byte = 0;
    EXPECT_TRUE(server.socket.recv(&byte, 1).wouldBlock());
}

TEST_F(StreamTest, YieldsNothingOfHalfARecord) {
    connect();
    ASSERT_TRUE(shake());
    ASSERT_EQ(client.socket.send("record", 6).bytes, 6);
    for (int i = 0; i < 20; ++i) {
        carry(client, server, 1);
        ASSERT_EQ(read(server), "");
        ASSERT_FALSE(server.socket.readable());
    }
    carry(client, server, 65'536);
    EXPECT_EQ(read(server), "record");
}

TEST_F(StreamTest, ReportsAsSentWhatTheKernelHas) {
    connect("a.test", 20'000);
    ASSERT_TRUE(shake());
    std::string body(900'000, '\0');
    for (std::size_t i = 0; i < body.size(); ++i)
        body[i] = static_cast<char>(i * 31 + (i >> 8));
    std::size_t sent = 0;
    std::size_t shortSends = 0;
    std::size_t mostKept = 0;
    std::string received;
    while (sent < body.size()) {
        if (server.socket.writable()) {
            const std::size_t wanted = std::min<std::size_t>(body.size() - sent, 300'000);
            const auto result = server.socket.send(body.data() + sent, wanted);
            ASSERT_FALSE(result.failed());
            if (result.bytes < static_cast<ssize_t>(wanted)) {
                ++shortSends;
                ASSERT_FALSE(server.socket.writable());
            }
            sent += static_cast<std::size_t>(std::max<ssize_t>(result.bytes, 0));
        }
        ASSERT_LE(received.size(), sent);
        mostKept = std::max(mostKept, engine.backlogBytes());
        carry(server, client, 7'000);
        received += read(client);
    }
    EXPECT_GT(shortSends, 10u);
    EXPECT_GT(mostKept, 0u);
    EXPECT_EQ(engine.backlogBytes(), 0u);
    server.socket.close();  // everything was reported: nothing may be lost
    while (carry(server, client, 7'000) != 0)
        received += read(client);
    EXPECT_TRUE(received == body);
}

TEST_F(StreamTest, JoinsSmallPartsAndKeepsLargeOnesInOrder) {
    connect();
    ASSERT_TRUE(shake());
    std::string head = "head";
    std::string body(50'000, 'b');
    std::string tail = "tail";
    const iovec parts[3] = {
        {head.data(), head.size()}, {body.data(), body.size()}, {tail.data(), tail.size()}};
    EXPECT_EQ(server.socket.sendv(parts, 3).bytes, 50'008);
    std::string received;
    while (carry(server, client, 65'536) != 0)
        received += read(client, 100'000);
    EXPECT_TRUE(received == head + body + tail);
}

TEST_F(StreamTest, EndsWithACloseNotify) {
    connect();
    ASSERT_TRUE(shake());
    client.socket.shutdownWrite();
    carry(client, server, 65'536);
    char byte = 0;
    EXPECT_TRUE(server.socket.recv(&byte, 1).eof());
    EXPECT_TRUE(server.socket.recv(&byte, 1).eof());
    ASSERT_EQ(server.socket.send("still", 5).bytes, 5) << "only one direction is closed";
    carry(server, client, 65'536);
    EXPECT_EQ(read(client), "still");
}

TEST_F(StreamTest, CallsAnEndWithoutCloseNotifyAnError) {
    connect();
    ASSERT_TRUE(shake());
    ASSERT_EQ(client.socket.send("last", 4).bytes, 4);
    carry(client, server, 65'536);
    ::shutdown(server.wire.fd(), SHUT_WR);
    server.socket.noteEvents(EPOLLIN | EPOLLRDHUP);
    EXPECT_EQ(read(server), "last");
    EXPECT_TRUE(server.socket.readable());
    char byte = 0;
    EXPECT_TRUE(server.socket.recv(&byte, 1).failed());
    EXPECT_TRUE(server.socket.recv(&byte, 1).failed());
    EXPECT_EQ(server.socket.send("answer", 6).bytes, 6) << "it may still be reading";
}

TEST_F(StreamTest, CallsACorruptedRecordAnError) {
    connect();
    ASSERT_TRUE(shake());
    ASSERT_EQ(client.socket.send("record", 6).bytes, 6);
    std::string bytes(1'000, '\0');
    const auto got = client.wire.recv(bytes.data(), bytes.size());
    bytes[static_cast<std::size_t>(got.bytes) - 3] ^= 1;
    server.wire.send(bytes.data(), static_cast<std::size_t>(got.bytes));
    server.wake();
    char byte = 0;
    EXPECT_TRUE(server.socket.recv(&byte, 1).failed());
    EXPECT_GT(carry(server, client, 1'000), 0u) << "says why";
    EXPECT_TRUE(client.socket.recv(&byte, 1).failed());
}

TEST_F(StreamTest, TellsWhyAHandshakeFailed) {
    connect("b.test");
    EXPECT_FALSE(shake());
    EXPECT_EQ(failure(client), HandshakeFailure::verification);
    EXPECT_EQ(failure(server), HandshakeFailure::alert);

    trust = trusting(test::TemporaryAuthority("other").certificatePem());
    connect();
    EXPECT_FALSE(shake());
    EXPECT_EQ(failure(client), HandshakeFailure::verification);

    connect();
    server.wire.send("GET / HTTP/1.1\r\n\r\n", 18);
    EXPECT_EQ(server.socket.handshake(), net::Handshake::failed);
    EXPECT_EQ(failure(server), HandshakeFailure::plainHttp);

    connect();
    server.wire.send("SSH-2.0-x\r\n", 11);
    EXPECT_EQ(server.socket.handshake(), net::Handshake::failed);
    EXPECT_EQ(failure(server), HandshakeFailure::version);

    connect();
    ::shutdown(server.wire.fd(), SHUT_WR);
    EXPECT_EQ(server.socket.handshake(), net::Handshake::failed);
    EXPECT_EQ(failure(server), HandshakeFailure::closed);
}

TEST_F(StreamTest, NeedsANameToVerify) {
    EXPECT_EQ(Stream::client(engine, trust, "", sessions), nullptr);
    std::string wrong;
    const auto careless = ClientContext::make(false, "", wrong);
    EXPECT_NE(Stream::client(engine, careless, "", sessions), nullptr);
    EXPECT_EQ(ClientContext::make(true, "nonsense", wrong), nullptr);
    EXPECT_NE(wrong, "");
}

TEST_F(StreamTest, PeeksThroughTicketsAndSeesBytesAndEnds) {
    connect();
    ASSERT_TRUE(shake());
    client.wake();  // the tickets are there
    EXPECT_FALSE(client.socket.peekClosed());
    EXPECT_FALSE(client.socket.readable());
    ASSERT_EQ(server.socket.send("stray", 5).bytes, 5);
    carry(server, client, 1'000);
    EXPECT_TRUE(client.socket.peekClosed());
    connect();
    ASSERT_TRUE(shake());
    server.socket.close();
    carry(server, client, 1'000);
    EXPECT_TRUE(client.socket.peekClosed());
}

TEST_F(StreamTest, SaysNothingWhenResetOrBlocked) {
    connect();
    ASSERT_TRUE(shake());
    carry(server, client, 65'536);
    server.socket.closeWithReset();
    EXPECT_EQ(carry(server, client, 1'000), 0u);

    connect("a.test", 4'096);
    ASSERT_TRUE(shake());
    const std::string body(500'000, 'x');
    server.socket.send(body.data(), body.size());
    server.socket.close();
    std::string received;
    while (carry(server, client, 1'000) != 0)
        received += read(client);
    client.wire.close();
    server.wire.close();
    EXPECT_LT(received.size(), body.size());
    ::shutdown(client.socket.fd(), SHUT_RD);
    client.socket.noteEvents(EPOLLIN | EPOLLRDHUP);
    char byte = 0;
    EXPECT_TRUE(client.socket.recv(&byte, 1).failed()) << "what was cut must not look complete";
}

class CountingGate final : public HandshakeGate {
public:
    bool admit(std::uint64_t client) noexcept override {
        asked.push_back(client);
        return open;
    }

    bool open = true;
    std::vector<std::uint64_t> asked;
};

TEST_F(StreamTest, FullHandshakesHaveToBeAdmitted) {
    CountingGate gate;
    const auto connectTo = [&](ResumableSession& kept) {
        server = End();
        client = End();
        auto stream = Stream::server(engine, certificates);
        stream->limitHandshakes(gate, 7);
        server.socket.setLayer(std::move(stream));
        client.socket.setLayer(Stream::client(engine, trust, "a.test", kept));
    };
    connectTo(sessions);
    EXPECT_TRUE(shake());
    EXPECT_EQ(gate.asked, std::vector<std::uint64_t>{7});
    EXPECT_EQ(read(client), "");  // takes the ticket
    gate.open = false;
    connectTo(sessions);
    EXPECT_TRUE(shake());
    EXPECT_TRUE(server.socket.layer()->facts().resumed);
    EXPECT_EQ(gate.asked.size(), 1u) << "who resumes is not asked for";
    ResumableSession none;
    connectTo(none);
    EXPECT_FALSE(shake());
    EXPECT_EQ(gate.asked.size(), 2u);
    EXPECT_EQ(failure(server), net::HandshakeFailure::rateLimited);
    EXPECT_EQ(failure(client), net::HandshakeFailure::alert);
}

}  // namespace
}  // namespace evergate::tls
