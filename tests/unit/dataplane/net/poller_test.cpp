// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/poller.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "tests/unit/dataplane/net/loopback.hpp"

namespace evergate::net {
namespace {

struct Handler : EventHandler {
    explicit Handler(int* deaths = nullptr) : deaths_(deaths) {}

    ~Handler() override {
        if (deaths_)
            ++*deaths_;
    }

    void onEvents(std::uint32_t mask) override {
        ++calls;
        events |= mask;
        if (action)
            action();
    }

    std::function<void()> action;
    int calls = 0;
    std::uint32_t events = 0;
    int* deaths_;
};

struct Hook : TurnEndHook {
    void onTurnEnd() override {
        ++calls;
        if (action)
            action();
    }

    std::function<void()> action;
    int calls = 0;
};

class PollerTest : public testing::Test {
protected:
    // Runs the loop until `done`; the alternative is the test's timeout.
    void runUntil(const std::function<bool()>& done) {
        while (!done())
            poller.wait();
    }

    Poller poller;
};

TEST_F(PollerTest, ReportsWhatIsThereWhenAdded) {
    auto [client, server] = test::connectedPair();
    client.send("x", 1);
    ASSERT_TRUE(test::waitFor(server.fd(), POLLIN));
    Handler handler;
    ASSERT_FALSE(poller.add(server.fd(), handler));
    runUntil([&] { return handler.calls > 0; });
    EXPECT_TRUE(handler.events & EPOLLIN);
    EXPECT_TRUE(handler.events & EPOLLOUT);
}

TEST_F(PollerTest, SeesAHalfClose) {
    auto [client, server] = test::connectedPair();
    Handler handler;
    ASSERT_FALSE(poller.add(server.fd(), handler));
    client.shutdownWrite();
    runUntil([&] { return (handler.events & EPOLLRDHUP) != 0; });
}

TEST_F(PollerTest, IsEdgeTriggeredForConnections) {
    auto [client, server] = test::connectedPair();
    auto [otherClient, otherServer] = test::connectedPair();
    Handler quiet;
    Handler busy;
    ASSERT_FALSE(poller.add(server.fd(), quiet));
    client.send("x", 1);
    runUntil([&] { return (quiet.events & EPOLLIN) != 0; });
    const int calls = quiet.calls;
    ASSERT_FALSE(poller.add(otherServer.fd(), busy));
    otherClient.send("x", 1);
    runUntil([&] { return (busy.events & EPOLLIN) != 0; });
    EXPECT_EQ(quiet.calls, calls);
}

TEST_F(PollerTest, IsLevelTriggeredForListeners) {
    Socket listener = test::listening();
    Handler handler;
    ASSERT_FALSE(poller.addListener(listener.fd(), handler));
    int fd = -1;
    ASSERT_FALSE(startConnect(SocketAddress::localOf(listener.fd()), fd));
    Socket client(fd);
    runUntil([&] { return handler.calls >= 3; });  // nobody accepts
    poller.remove(listener.fd());
    const int calls = handler.calls;
    poller.poll();
    EXPECT_EQ(handler.calls, calls);
}

TEST_F(PollerTest, AddReportsErrors) {
    Handler handler;
    EXPECT_EQ(poller.add(-1, handler), std::errc::bad_file_descriptor);
}

TEST_F(PollerTest, ClosingADescriptorEndsItsEvents) {
    auto [client, server] = test::connectedPair();
    Handler handler;
    ASSERT_FALSE(poller.add(server.fd(), handler));
    server.close();
    client.close();
    poller.poll();
    EXPECT_EQ(handler.calls, 0);
}

// Two sockets ready in one batch; whichever comes first retires the other, which must stay silent.
TEST_F(PollerTest, SkipsEventsOfAHandlerRetiredInTheSameBatch) {
    auto [clientA, serverA] = test::connectedPair();
    auto [clientB, serverB] = test::connectedPair();
    int deaths = 0;
    std::array<std::unique_ptr<Handler>, 2> handlers{std::make_unique<Handler>(&deaths),
                                                     std::make_unique<Handler>(&deaths)};
    int calls = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        handlers[i]->action = [&, i] {
            ++calls;
            EXPECT_EQ(deaths, 0);
            if (handlers[1 - i])
                poller.retire(std::move(handlers[1 - i]));
            EXPECT_EQ(deaths, 0) << "destroyed while the batch may still name it";
        };
    }
    ASSERT_FALSE(poller.add(serverA.fd(), *handlers[0]));
    ASSERT_FALSE(poller.add(serverB.fd(), *handlers[1]));
    runUntil([&] { return deaths == 1; });
    EXPECT_EQ(calls, 1);
}

TEST_F(PollerTest, HandlerMayRetireItself) {
    auto pair = test::connectedPair();
    Socket& server = pair.second;
    int deaths = 0;
    auto handler = std::make_unique<Handler>(&deaths);
    Handler& raw = *handler;
    raw.action = [&] {
        server.close();
        poller.retire(std::move(handler));
        EXPECT_TRUE(raw.retired());
        EXPECT_EQ(raw.calls, 1);
    };
    ASSERT_FALSE(poller.add(server.fd(), raw));
    runUntil([&] { return deaths == 1; });
}

TEST_F(PollerTest, RetiredOutsideABatchDiesFromTheLoop) {
    int deaths = 0;
    poller.retire(std::make_unique<Handler>(&deaths));
    EXPECT_EQ(deaths, 0);
    poller.poll();
    EXPECT_EQ(deaths, 1);
}

TEST_F(PollerTest, DestructorOfARetiredObjectMayRetireMore) {
    struct Parent : Retirable {
        Parent(Poller& poller, int* deaths) : poller_(poller), deaths_(deaths) {}

        ~Parent() override { poller_.retire(std::make_unique<Handler>(deaths_)); }

        Poller& poller_;
        int* deaths_;
    };

    int deaths = 0;
    poller.retire(std::make_unique<Parent>(poller, &deaths));
    poller.poll();
    EXPECT_EQ(deaths, 1);
}

TEST_F(PollerTest, HookRunsOncePerTurnAfterTheEvents) {
    auto [client, server] = test::connectedPair();
    Handler handler;
    Hook hook;
    handler.action = [&] {
        poller.atTurnEnd(hook);
        poller.atTurnEnd(hook);
        EXPECT_EQ(hook.calls, 0);
    };
    hook.action = [&] { EXPECT_EQ(handler.calls, 1); };
    ASSERT_FALSE(poller.add(server.fd(), handler));
    runUntil([&] { return handler.calls > 0; });
    poller.poll();
    EXPECT_EQ(hook.calls, 1);
}

TEST_F(PollerTest, HookQueuedOutsideABatchRunsFromTheLoop) {
    Hook hook;
    poller.atTurnEnd(hook);
    EXPECT_EQ(hook.calls, 0);
    poller.poll();
    EXPECT_EQ(hook.calls, 1);
}

TEST_F(PollerTest, DestroyedHookIsForgotten) {
    {
        Hook hook;
        poller.atTurnEnd(hook);
    }
    poller.poll();
}

TEST_F(PollerTest, CountsBatchesAndEvents) {
    auto [client, server] = test::connectedPair();
    Handler handler;
    ASSERT_FALSE(poller.add(server.fd(), handler));
    runUntil([&] { return handler.calls > 0; });
    EXPECT_GE(poller.loops(), 1u);
    EXPECT_GE(poller.events(), poller.loops());
}

TEST_F(PollerTest, ATurnEndsWhatItsWorkRetiresAndQueues) {
    int deaths = 0;
    Hook hook;
    poller.turn([&] {
        poller.retire(std::make_unique<Handler>(&deaths));
        poller.atTurnEnd(hook);
        EXPECT_EQ(deaths + hook.calls, 0);
    });
    EXPECT_EQ(deaths, 1);
    EXPECT_EQ(hook.calls, 1);
}

// Each of them, also those before the wait; the alternative is the test's timeout.
TEST_F(PollerTest, IsWokenUpByOtherThreads) {
    std::atomic<int> asked{0};
    std::thread other([&] {
        for (int i = 1; i <= 3; ++i) {
            asked = i;
            poller.wakeUp();
            while (asked == i)
                std::this_thread::yield();
        }
    });
    for (int i = 1; i <= 3; ++i) {
        while (asked != i)
            poller.wait();
        asked = -i;
    }
    other.join();
    poller.wakeUp();
    poller.wait();
}

TEST(Poller, MayDieWithWorkQueued) {
    int deaths = 0;
    Hook hook;
    auto [client, server] = test::connectedPair();
    Handler handler;
    {
        Poller poller;
        ASSERT_FALSE(poller.add(server.fd(), handler));
        poller.retire(std::make_unique<Handler>(&deaths));
        poller.atTurnEnd(hook);
    }
    EXPECT_EQ(deaths, 1);
    EXPECT_EQ(handler.calls, 0);
    EXPECT_EQ(hook.calls, 0);
}

TEST_F(PollerTest, ServesMoreThanOneBatch) {
    constexpr int kPairs = 300;
    std::vector<std::pair<Socket, Socket>> pairs;
    std::vector<Handler> handlers(kPairs);
    for (int i = 0; i < kPairs; ++i) {
        pairs.push_back(test::connectedPair());
        ASSERT_FALSE(poller.add(pairs.back().second.fd(), handlers[static_cast<std::size_t>(i)]));
    }
    runUntil([&] {
        return std::all_of(handlers.begin(), handlers.end(),
                           [](const Handler& handler) { return handler.calls > 0; });
    });
    EXPECT_GE(poller.loops(), 2u);
}

}  // namespace
}  // namespace evergate::net
