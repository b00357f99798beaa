// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/worker_pool.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <thread>

#include "dataplane/net/listen.hpp"
#include "dataplane/net/socket.hpp"

namespace evergate::worker {
namespace {

bool isOpen(int fd) {
    struct stat status {};

    return ::fstat(fd, &status) == 0;
}

class WorkerPoolTest : public testing::Test {
protected:
    static WorkerPoolOptions workers(unsigned count) {
        WorkerPoolOptions options;
        options.workers = count;
        return options;
    }

    // Runs the control thread (this one) until a callback has been called.
    void runUntil(const bool& done) {
        while (!done) {
            control.restart();
            control.run_one_for(std::chrono::milliseconds(50));
        }
    }

    static std::shared_ptr<const routing::Snapshot> snapshot(std::uint64_t version) {
        auto result = std::make_shared<routing::Snapshot>();
        result->version = version;
        return result;
    }

    static model::Listener at(std::uint16_t port) { return {"127.0.0.1", port, {}, {}}; }

    boost::asio::io_context control{1};
};

TEST_F(WorkerPoolTest, BindsOneSocketPerWorkerOnTheSamePort) {
    WorkerPool pool(control.get_executor(), workers(3));
    std::string error;
    auto bound = pool.bind("http", at(0), error);
    ASSERT_TRUE(bound) << error;
    for (std::size_t i = 0; i < 3; ++i) {
        const net::Socket socket(bound->take(i));
        EXPECT_TRUE(socket.open());
        EXPECT_NE(net::SocketAddress::localOf(socket.fd()).port(), 0);
    }
}

TEST_F(WorkerPoolTest, SaysWhatIsWrongWithAnAddress) {
    WorkerPool pool(control.get_executor(), workers(1));
    std::string error;
    EXPECT_FALSE(pool.bind("http", {"localhost", 80, {}, {}}, error));
    EXPECT_EQ(error, "not an IP address: localhost");
    EXPECT_FALSE(pool.bind("http", {"203.0.113.1", 80, {}, {}}, error));
    EXPECT_NE(error.find("203.0.113.1:80: "), std::string::npos) << error;
}

TEST_F(WorkerPoolTest, RefusesAPortAnotherProcessListensOn) {
    const auto other = net::openListener(*net::SocketAddress::parse("127.0.0.1", 0), {});
    ASSERT_TRUE(other);
    const net::Socket socket(*other);
    ASSERT_FALSE(net::startListening(socket.fd(), 1));
    WorkerPool pool(control.get_executor(), workers(1));
    std::string error;
    EXPECT_FALSE(pool.bind("http", at(net::SocketAddress::localOf(socket.fd()).port()), error));
    EXPECT_NE(error.find("in use"), std::string::npos) << error;
}

TEST_F(WorkerPoolTest, SocketsOfADroppedListenerAreClosed) {
    WorkerPool pool(control.get_executor(), workers(2));
    std::string error;
    auto bound = pool.bind("http", at(0), error);
    ASSERT_TRUE(bound) << error;
    const int taken = bound->take(0);
    const int left = bound->take(1);
    BoundListener again("http", {taken, left});
    EXPECT_EQ(again.take(0), taken);
    { const BoundListener dropped(std::move(again)); }
    EXPECT_FALSE(isOpen(left));
    EXPECT_TRUE(isOpen(taken));
    const net::Socket closing(taken);
}

// A publication that no worker ran (stopped, or never started) leaves nothing open.
TEST_F(WorkerPoolTest, SocketsOfAnUnusedPublicationAreClosed) {
    int fd = -1;
    {
        WorkerPool pool(control.get_executor(), workers(1));
        std::string error;
        auto bound = pool.bind("http", at(0), error);
        ASSERT_TRUE(bound) << error;
        fd = bound->take(0);
        Publication publication;
        publication.snapshot = snapshot(1);
        publication.open.emplace_back("http", std::vector<int>{fd});
        pool.publish(std::move(publication), [] { FAIL() << "nobody applied it"; });
        EXPECT_TRUE(isOpen(fd));
    }
    EXPECT_FALSE(isOpen(fd));
}

TEST_F(WorkerPoolTest, CallsBackOnTheControlThreadWhenEveryWorkerHasIt) {
    WorkerPool pool(control.get_executor(), workers(4));
    pool.start();
    const auto here = std::this_thread::get_id();
    for (std::uint64_t version = 1; version <= 200; ++version) {
        bool applied = false;
        Publication publication;
        publication.snapshot = snapshot(version);
        pool.publish(std::move(publication), [&] {
            EXPECT_EQ(std::this_thread::get_id(), here);
            applied = true;
        });
        runUntil(applied);
        bool collected = false;
        pool.collect([&](const std::vector<WorkerStats>& stats) {
            EXPECT_EQ(stats.size(), 4u);
            for (const WorkerStats& one : stats)
                EXPECT_EQ(one.snapshotVersion, version);
            collected = true;
        });
        runUntil(collected);
    }
}

// What a callback holds belongs to the control thread and must die there.
TEST_F(WorkerPoolTest, CallbacksDieOnTheControlThread) {
    struct Mark {
        explicit Mark(std::atomic<int>& count) : elsewhere(count) {}

        ~Mark() { elsewhere += std::this_thread::get_id() == home ? 0 : 1; }

        std::atomic<int>& elsewhere;
        std::thread::id home = std::this_thread::get_id();
    };

    std::atomic<int> elsewhere = 0;
    WorkerPool pool(control.get_executor(), workers(2));
    pool.start();
    for (int i = 0; i < 500; ++i) {
        bool done = false;
        pool.updateEndpoints({},
                             [&done, mark = std::make_shared<Mark>(elsewhere)] { done = true; });
        runUntil(done);
    }
    EXPECT_EQ(elsewhere, 0);
}

TEST_F(WorkerPoolTest, MergesWhatWorkersSayAboutAnEndpoint) {
    WorkerPool pool(control.get_executor(), workers(3));
    pool.start();
    auto endpoints = std::make_shared<model::Endpoints>();
    endpoints->endpoints = {{"10.0.0.1", 80, 1}, {"10.0.0.2", 80, 5}};
    bool done = false;
    pool.updateEndpoints({{7, endpoints}, {2, std::make_shared<model::Endpoints>()}},
                         [&] { done = true; });
    runUntil(done);
    done = false;
    pool.collectBackends({}, [&](const std::vector<BackendStats>& all) {
        done = true;
        ASSERT_EQ(all.size(), 2u);
        EXPECT_EQ(all[0].id, 2u);
        EXPECT_TRUE(all[0].endpoints.empty());
        ASSERT_EQ(all[1].endpoints.size(), 2u);
        EXPECT_EQ(all[1].endpoints[1].address, "10.0.0.2");
        EXPECT_EQ(all[1].endpoints[1].weight, 5u);
    });
    runUntil(done);
}

// More than a worker tells about in one turn.
TEST_F(WorkerPoolTest, TellsAboutEveryBackendOnce) {
    constexpr routing::BackendId kBackends = 700;
    WorkerPool pool(control.get_executor(), workers(3));
    pool.start();
    auto endpoints = std::make_shared<model::Endpoints>();
    endpoints->endpoints = {{"10.0.0.1", 80, 1}, {"10.0.0.2", 80, 5}};
    std::vector<EndpointsUpdate> updates;
    for (routing::BackendId id = 0; id < kBackends; ++id)
        updates.push_back({id, endpoints});
    bool done = false;
    pool.updateEndpoints(std::move(updates), [&] { done = true; });
    runUntil(done);
    for (const bool each : {false, true}) {
        done = false;
        pool.collectTraffic(each, [&](const TrafficReport& report) {
            done = true;
            EXPECT_TRUE(report.routes.empty());
            ASSERT_EQ(report.backends.size(), kBackends);
            for (routing::BackendId id = 0; id < kBackends; ++id) {
                EXPECT_EQ(report.backends[id].id, id);
                EXPECT_EQ(report.backends[id].configured, 2u);
                EXPECT_EQ(report.backends[id].endpoints.size(), each ? 2u : 0u);
                EXPECT_FALSE(report.backends[id].traffic);
            }
        });
        runUntil(done);
    }
}

TEST_F(WorkerPoolTest, DrainWithNothingToDoEndsAtOnce) {
    WorkerPool pool(control.get_executor(), workers(3));
    pool.start();
    std::size_t cut = 99;
    bool done = false;
    pool.drain(std::chrono::hours(1), [&](std::size_t count) {
        cut = count;
        done = true;
    });
    runUntil(done);
    EXPECT_EQ(cut, 0u);
    pool.stop();
    pool.stop();
}

}  // namespace
}  // namespace evergate::worker
