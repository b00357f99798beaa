// SPDX-License-Identifier: Apache-2.0
// A worker's worth of context on one thread, a client and an endpoint on loopback. Time only moves
// by advance().
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/net/connect.hpp"
#include "dataplane/net/listen.hpp"
#include "dataplane/session/tcp_session.hpp"
#include "tests/unit/dataplane/net/nested_poller.hpp"

namespace evergate::session::test {

class TcpSessionTest : public testing::Test, public SessionOwner, public Requeue {
protected:
    TcpSessionTest() {
        auto snapshot = std::make_shared<routing::Snapshot>();
        snapshot->settings.tunnelTimeout = std::chrono::seconds(1'000);
        snapshot->settings.writeTimeout = std::chrono::seconds(20);
        snapshot->settings.halfCloseTimeout = std::chrono::seconds(40);
        context.snapshot = new HeldSnapshot(std::move(snapshot));
        state.protocol = model::ListenerProtocol::tcp;
        model::Backend policy;
        policy.connectTimeout = std::chrono::seconds(5);
        policy.inactivityTimeout = std::chrono::seconds(60);
        policy.retries = 1;
        registry.setPolicy(0, std::make_shared<const model::Backend>(policy));
    }

    ~TcpSessionTest() override {
        if (session)
            session->cancel();
    }

    static net::SocketAddress loopback(std::uint16_t port = 0) {
        return *net::SocketAddress::parse("127.0.0.1", port);
    }

    static net::Socket listening(int backlog = 16) {
        const auto fd = net::openListener(loopback(), {.reusePort = false});
        EXPECT_TRUE(fd);
        EXPECT_FALSE(net::startListening(*fd, backlog));
        return net::Socket(*fd);
    }

    static model::Endpoint at(const net::Socket& listener) {
        return {"127.0.0.1", net::SocketAddress::localOf(listener.fd()).port(), 1};
    }

    static bool waitFor(int fd, short events) {
        pollfd entry{fd, events, 0};
        return ::poll(&entry, 1, 10'000) == 1;
    }

    static net::Socket acceptFrom(const net::Socket& listener) {
        net::SocketAddress peer;
        EXPECT_TRUE(waitFor(listener.fd(), POLLIN));
        return net::Socket(net::acceptOne(listener.fd(), peer));
    }

    // A client connects and its session starts.
    void begin() {
        const net::Socket front = listening();
        int fd = -1;
        ASSERT_FALSE(net::startConnect(net::SocketAddress::localOf(front.fd()), fd));
        client = net::Socket(fd);
        net::Socket accepted = acceptFrom(front);
        session = new TcpSession(context, *this, state, std::move(accepted),
                                 net::SocketAddress::localOf(fd));
        session->start();
    }

    // As begin(), with an endpoint that accepts.
    void beginTunnel() {
        endpointListener = listening();
        registry.setEndpoints(0, {.endpoints = {at(endpointListener)}});
        begin();
        ASSERT_TRUE(session);
        endpoint = acceptFrom(endpointListener);
        runUntil([&] { return session->phaseName() == "tunnel"; });
    }

    // Nobody accepts on a full queue: the session's connect gets no answer.
    void beginBlackHole() {
        endpointListener = listening(/*backlog=*/0);
        const net::SocketAddress address = net::SocketAddress::localOf(endpointListener.fd());
        for (int i = 0; i < 4; ++i) {
            int fd = -1;
            ASSERT_FALSE(net::startConnect(address, fd));
            queueFillers_.emplace_back(fd);
        }
        registry.setEndpoints(0, {.endpoints = {at(endpointListener)}});
        begin();
        ASSERT_TRUE(session);
        ASSERT_EQ(session->phaseName(), "connecting");
    }

    // As acceptFrom(endpointListener), while the session may have to try again first.
    net::Socket acceptFromWhileRunning() {
        net::SocketAddress peer;
        net::Socket socket;
        runUntil([&] {
            socket = net::Socket(net::acceptOne(endpointListener.fd(), peer));
            return socket.open();
        });
        return socket;
    }

    // Sends until nobody takes any more; how much that was.
    std::size_t stuff(net::Socket& from) {
        const std::vector<char> block(1 << 20, 'x');
        std::size_t total = 0;
        int idleRounds = 0;
        runUntil([&] {
            from.noteEvents(EPOLLOUT);
            const net::IoResult sent = from.send(block.data(), block.size());
            if (sent.bytes > 0)
                total += static_cast<std::size_t>(sent.bytes);
            idleRounds = sent.bytes > 0 ? 0 : idleRounds + 1;
            return idleRounds > 20;
        });
        return total;
    }

    // Runs the loop until `done`; the alternative is the test's timeout.
    void runUntil(const std::function<bool()>& done) {
        while (!done()) {
            context_.restart();
            context_.run_one_for(std::chrono::milliseconds(5));
            if (queued_ && session) {
                queued_ = false;
                session->setQueued(false);
                session->resume();
            }
        }
    }

    void advance(std::chrono::milliseconds time) {
        now_ += time;
        wheel.advance(now_);
    }

    static std::string readAll(net::Socket& from) {
        std::string result(1 << 20, '\0');
        const net::IoResult got = from.recv(result.data(), result.size());
        result.resize(got.bytes > 0 ? static_cast<std::size_t>(got.bytes) : 0);
        return result;
    }

    void expectArrives(net::Socket& from, const std::string& text) {
        std::string got;
        runUntil([&] {
            got += readAll(from);
            return got.size() >= text.size();
        });
        EXPECT_EQ(got, text);
    }

    // What the peer of a finished connection reads: 0 for an end, else errno.
    int endSeenBy(net::Socket& socket) {
        net::IoResult got;
        runUntil([&] {
            got = socket.recv(scratch_.data(), scratch_.size());
            return got.bytes == 0 || got.failed();
        });
        return got.error;
    }

    void onSessionClosed(Session& closed) override {
        EXPECT_EQ(&closed, session);
        session = nullptr;
        poller.retire(std::unique_ptr<net::Retirable>(&closed));
    }

    void requeue(Session& who) override {
        who.setQueued(true);
        queued_ = true;
    }

    void forget(Session&) override { queued_ = false; }

private:
    boost::asio::io_context context_{1};
    std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
    std::vector<char> scratch_ = std::vector<char>(65'536);
    std::vector<net::Socket> queueFillers_;
    bool queued_ = false;

protected:
    net::TimerWheel wheel{now_};
    net::BufferPool buffers;
    net::test::NestedPoller poller{context_};
    upstream::ConnectionPool pool{poller, wheel};
    upstream::Registry registry{pool};
    SessionContext context{poller, wheel, buffers, pool, registry, *this};
    ListenerState state;
    net::Socket endpointListener;
    net::Socket client;
    net::Socket endpoint;
    TcpSession* session = nullptr;  // null once closed
};

}  // namespace evergate::session::test
