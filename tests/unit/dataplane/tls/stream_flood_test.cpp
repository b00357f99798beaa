// SPDX-License-Identifier: Apache-2.0
// Peers that send records without data for ever: key updates, requests to begin again.
#include <functional>

#include "tests/support/tls_peer.hpp"
#include "tests/unit/dataplane/tls/stream_fixture.hpp"

namespace evergate::tls {
namespace {

constexpr std::size_t kMuch = 1'000'000;

// The other side of a Stream: OpenSSL in memory, which says what the test wants said.
class Peer {
public:
    explicit Peer(const std::shared_ptr<SSL_CTX>& context, bool server)
        : context_(context), ssl_(SSL_new(context.get())) {
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
    }

    bool shake(End& end) {
        for (int turns = 0; turns < 10; ++turns) {
            const bool done = SSL_do_handshake(ssl_.get()) == 1;
            const std::string said = take();
            end.wire.send(said.data(), said.size());
            end.wake();
            if (end.socket.handshake() == net::Handshake::done && done)
                return true;
            std::string bytes(65'536, '\0');
            const auto got = end.wire.recv(bytes.data(), bytes.size());
            BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(got.bytes));
        }
        return false;
    }

    // 65 bytes: what OpenSSL reads at once ends within a record, even within a record's header.
    void updateKey() {
        SSL_set_block_padding(ssl_.get(), 44);
        SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
        SSL_do_handshake(ssl_.get());
    }

    void askToBeginAgain() {
        SSL_renegotiate(ssl_.get());
        SSL_do_handshake(ssl_.get());
    }

    void say(std::string_view data) {
        SSL_write(ssl_.get(), data.data(), static_cast<int>(data.size()));
    }

    // What it has said since.
    std::string take() {
        BIO* const out = SSL_get_wbio(ssl_.get());
        std::string bytes(BIO_pending(out), '\0');
        BIO_read(out, bytes.data(), static_cast<int>(bytes.size()));
        return bytes;
    }

private:
    std::shared_ptr<SSL_CTX> context_;
    OpensslPtr<SSL> ssl_;
};

class StreamFloodTest : public StreamTest {
protected:
    // A client of `server`.
    Peer client13() {
        server = End();
        server.socket.setLayer(Stream::server(engine, certificates));
        return Peer({SSL_CTX_new(TLS_client_method()), SSL_CTX_free}, false);
    }

    // An endpoint of `client`.
    Peer server12() {
        test::TlsOptions options;
        options.maxVersion = TLS1_2_VERSION;
        options.certificates = {authority.issue({"a.test"})};
        client = End();
        std::string wrong;
        const auto careless = ClientContext::make(false, "", wrong);
        client.socket.setLayer(Stream::client(engine, careless, "a.test", sessions));
        return Peer(test::serverContext(options), true);
    }

    // Sends what `say` makes the peer say, over and over, until the stream has had enough of it;
    // how many bytes that took, kMuch: it never had.
    static std::size_t flood(Peer& peer, End& end, const std::function<void()>& say) {
        std::size_t sent = 0;
        while (sent < kMuch) {
            std::string bytes;
            while (bytes.size() < 50'000) {
                say();
                bytes += peer.take();
            }
            sent += bytes.size();
            EXPECT_EQ(end.wire.send(bytes.data(), bytes.size()).bytes,
                      static_cast<ssize_t>(bytes.size()));
            end.wake();
            if (!takeAll(end))
                return sent;
        }
        return kMuch;
    }

    // False: the connection is broken.
    static bool takeAll(End& end) {
        std::string bytes(65'536, '\0');
        while (end.socket.readable()) {
            const auto got = end.socket.recv(bytes.data(), bytes.size());
            if (got.failed())
                return false;
            if (got.bytes < 0)
                break;
        }
        return true;
    }
};

TEST_F(StreamFloodTest, KeyUpdatesComeToAnEnd) {
    Peer peer = client13();
    ASSERT_TRUE(peer.shake(server));
    EXPECT_LE(flood(peer, server, [&] { peer.updateKey(); }), 150'000u);
}

TEST_F(StreamFloodTest, PeeksCountLikeReads) {
    Peer peer = client13();
    ASSERT_TRUE(peer.shake(server));
    std::string bytes;
    while (bytes.size() < 100'000) {
        peer.updateKey();
        bytes += peer.take();
    }
    ASSERT_EQ(server.wire.send(bytes.data(), bytes.size()).bytes,
              static_cast<ssize_t>(bytes.size()));
    server.wake();
    EXPECT_TRUE(server.socket.peekClosed());
}

TEST_F(StreamFloodTest, KeyUpdatesBetweenDataGoOn) {
    Peer peer = client13();
    ASSERT_TRUE(peer.shake(server));
    const auto say = [&] {
        for (int i = 0; i < 500; ++i)
            peer.updateKey();
        peer.say("data");
    };
    EXPECT_EQ(flood(peer, server, say), kMuch);
}

// Of 4 bytes that take much to find one read does not take all there is.
TEST_F(StreamFloodTest, AReadEndsThoughThereIsMore) {
    Peer peer = client13();
    ASSERT_TRUE(peer.shake(server));
    std::string bytes;
    std::size_t said = 0;
    for (; bytes.size() < 150'000; ++said) {
        for (int i = 0; i < 100; ++i)
            peer.updateKey();
        peer.say("x");
        bytes += peer.take();
    }
    ASSERT_EQ(server.wire.send(bytes.data(), bytes.size()).bytes,
              static_cast<ssize_t>(bytes.size()));
    server.wake();
    std::size_t got = read(server, 1'000).size();
    EXPECT_GT(got, 0u);
    EXPECT_LT(got, said);
    while (server.socket.readable())
        got += read(server, 1'000).size();
    EXPECT_EQ(got, said);
}

TEST_F(StreamFloodTest, WhatIsSaidToAPeerThatDoesNotReadIsNotKeptForEver) {
    Peer peer = server12();
    ASSERT_TRUE(peer.shake(client));
    int since = 0;
    const auto say = [&] {
        peer.askToBeginAgain();
        if (++since % 1'000 == 0)
            peer.say("data");
    };
    // As long as it reads, it may.
    std::string answers(500'000, '\0');
    const auto sayAndRead = [&] {
        say();
        client.wire.recv(answers.data(), answers.size());
    };
    EXPECT_EQ(flood(peer, client, sayAndRead), kMuch);
    EXPECT_EQ(engine.backlogBytes(), 0u);
    while (client.socket.writable())
        client.socket.send(answers.data(), answers.size());
    const std::size_t kept = engine.backlogBytes();
    EXPECT_LT(flood(peer, client, say), kMuch);
    EXPECT_LT(engine.backlogBytes() - kept, 100'000u);
}

}  // namespace
}  // namespace evergate::tls
