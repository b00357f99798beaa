// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/acceptor.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <vector>

#include "dataplane/net/connect.hpp"
#include "dataplane/net/listen.hpp"
#include "tests/unit/dataplane/net/nested_poller.hpp"

namespace evergate::worker {
namespace {

// Lowers the soft limit of descriptors while it lives.
class DescriptorLimit {
public:
    explicit DescriptorLimit(rlim_t limit) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit lower{limit, before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &lower);
    }

    ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

class AcceptorTest : public testing::Test, public AcceptorOwner {
protected:
    AcceptorTest() {
        const auto address = *net::SocketAddress::parse("127.0.0.1", 0);
        const auto fd = net::openListener(address, {});
        EXPECT_TRUE(fd);
        port = net::SocketAddress::localOf(*fd);
        acceptor = std::make_unique<Acceptor>(poller, wheel, *this, state, *fd);
    }

    void onAccepted(session::ListenerState& listener, int fd,
                    const net::SocketAddress& peer) override {
        EXPECT_EQ(&listener, &state);
        EXPECT_TRUE(peer.loopback());
        accepted.emplace_back(fd);
    }

    bool freeDescriptors() override {
        ++asked;
        if (spare.empty())
            return false;
        spare.pop_back();
        return true;
    }

    void onRefused(session::ListenerState&, net::Socket socket,
                   const net::SocketAddress& peer) override {
        EXPECT_TRUE(peer.loopback());
        EXPECT_TRUE(socket.open());
        ++refused;
    }

    void connect(int count) {
        for (int i = 0; i < count; ++i) {
            int fd = -1;
            ASSERT_FALSE(net::startConnect(port, fd));
            clients.emplace_back(fd);
        }
    }

    // One connection as usual. Also: UBSan looks at an object's type once, with descriptors of its
    // own.
    void acceptOne() {
        connect(1);
        runUntil([&] { return accepted.size() == 1; });
        accepted.clear();
    }

    void runUntil(const std::function<bool()>& done) {
        for (int turn = 0; turn < 2'000 && !done(); ++turn) {
            context.restart();
            context.run_one_for(std::chrono::milliseconds(5));
        }
        EXPECT_TRUE(done());
    }

    int asked = 0;
    int refused = 0;
    boost::asio::io_context context{1};
    net::TimerWheel wheel{std::chrono::steady_clock::time_point()};
    net::test::NestedPoller poller{context};
    session::ListenerState state;
    net::SocketAddress port;
    std::unique_ptr<Acceptor> acceptor;
    std::vector<net::Socket> accepted;
    std::vector<net::Socket> clients;
    std::vector<net::Socket> spare;
};

TEST_F(AcceptorTest, AcceptsMoreThanOneEventsShare) {
    ASSERT_TRUE(acceptor->listen());
    connect(200);
    runUntil([&] { return accepted.size() == 200; });
}

TEST_F(AcceptorTest, ClosingAcceptsWhatWaits) {
    ASSERT_TRUE(acceptor->listen());
    connect(100);
    acceptor->close();
    EXPECT_EQ(accepted.size(), 100u);
    acceptor->close();
    int fd = -1;
    EXPECT_FALSE(net::startConnect(port, fd));
    EXPECT_NE(net::Socket(fd).pendingError(), 0);
}

TEST_F(AcceptorTest, ClosingOneThatNeverListenedEnds) {
    acceptor->close();
    EXPECT_TRUE(accepted.empty());
}

TEST_F(AcceptorTest, WhatIsAcceptedInheritsTheUserTimeout) {
    acceptor->setUserTimeout(std::chrono::seconds(60));
    ASSERT_TRUE(acceptor->listen());
    connect(1);
    runUntil([&] { return accepted.size() == 1; });
    unsigned value = 0;
    socklen_t size = sizeof value;
    ::getsockopt(accepted.front().fd(), IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &size);
    EXPECT_EQ(value, 60'000u);
}

TEST_F(AcceptorTest, OutOfDescriptorsOthersGiveWayThenClientsAreTold) {
    ASSERT_TRUE(acceptor->listen());
    acceptOne();
    connect(5);
    spare.emplace_back(::dup(0));
    const int highest = spare.back().fd();
    spare.emplace_back(::dup(0));
    const int limit = std::max(highest, spare.back().fd()) + 1;
    const DescriptorLimit full(static_cast<rlim_t>(limit));
    runUntil([&] { return accepted.size() + static_cast<std::size_t>(refused) == 5; });
    EXPECT_EQ(accepted.size(), 2u);
    EXPECT_EQ(refused, 3);
    EXPECT_EQ(acceptor->pauses(), 0u);
}

TEST_F(AcceptorTest, PausesWhenEvenTheReserveIsOfNoUse) {
    ASSERT_TRUE(acceptor->listen());
    acceptOne();
    connect(3);
    {
        const DescriptorLimit none(3);
        runUntil([&] { return acceptor->pauses() == 1; });
        const int before = asked;
        // Paused: nobody looks again before the tick.
        for (int i = 0; i < 10; ++i) {
            context.restart();
            context.run_one_for(std::chrono::milliseconds(1));
        }
        EXPECT_EQ(asked, before);
    }
    wheel.advance(std::chrono::steady_clock::time_point(std::chrono::seconds(1)));
    runUntil([&] { return accepted.size() == 3; });
    EXPECT_EQ(acceptor->pauses(), 1u);
}

}  // namespace
}  // namespace evergate::worker
