// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/outlier_monitor.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

namespace evergate::worker {
namespace {

using std::chrono::milliseconds;
using upstream::EndpointTallyPtr;

class OutlierMonitorTest : public testing::Test {
protected:
    OutlierMonitorTest() {
        policy.outlier.consecutiveFailures = 2;
        policy.outlier.interval = milliseconds(3'600'000);
        policy.outlier.ejectionTime = milliseconds(3'600'000);
        board.setMail(&monitor);
        monitor.setEndpoints(4, list({80, 81, 82, 83}));
        apply();
    }

    void apply() {
        monitor.setBackends({{4, "b", std::make_shared<const model::Backend>(policy)}});
    }

    static std::shared_ptr<const model::Endpoints> list(const std::vector<std::uint16_t>& ports) {
        auto endpoints = std::make_shared<model::Endpoints>();
        for (const std::uint16_t port : ports)
            endpoints->endpoints.push_back({"10.0.0.1", port, 1});
        return endpoints;
    }

    // As a worker does.
    void fail(std::uint16_t port, std::uint32_t limit = 2) {
        upstream::OutlierWatch watch{board.tally(4, "10.0.0.1:" + std::to_string(port)), &monitor,
                                     4, limit};
        watch.noteFailure();
    }

    void runUntil(std::size_t count) {
        while (changes.size() < count)
            io.run_one();
    }

    boost::asio::io_context io{1};
    upstream::OutlierBoard board;
    std::vector<EjectionChange> changes;
    OutlierMonitor monitor{io.get_executor(), board, [this](std::vector<EjectionChange> some) {
                               changes.insert(changes.end(), some.begin(), some.end());
                           }};
    model::Backend policy;
};

TEST_F(OutlierMonitorTest, TellsWhoIsOut) {
    std::string log;
    monitor.setLog([&](const std::string& endpoint, std::string_view reason, milliseconds time) {
        log = endpoint + " " + std::string(reason) + " " + std::to_string(time.count() / 60'000);
    });
    fail(81);
    fail(81);
    runUntil(1);
    EXPECT_EQ(changes[0].backend, 4u);
    EXPECT_EQ(changes[0].address, "10.0.0.1");
    EXPECT_EQ(changes[0].port, 81);
    EXPECT_TRUE(changes[0].ejected);
    EXPECT_TRUE(log.starts_with("10.0.0.1:81 consecutive_failures "));
    EXPECT_EQ(monitor.ejections(4)[0], 1u);
}

TEST_F(OutlierMonitorTest, TellsWhoIsBack) {
    policy.outlier.ejectionTime = milliseconds(1);
    apply();
    fail(81);
    fail(81);
    runUntil(2);
    EXPECT_EQ(changes[1].port, 81);
    EXPECT_FALSE(changes[1].ejected);
    // Its row is over: it takes two again.
    fail(81);
    fail(81);
    runUntil(3);
    EXPECT_TRUE(changes[2].ejected);
}

TEST_F(OutlierMonitorTest, LooksAtIntervals) {
    policy.outlier.failurePercent = 50;
    policy.outlier.minimumRequests = 1;
    policy.outlier.interval = milliseconds(1);
    fail(82, 0);
    apply();
    runUntil(1);
    EXPECT_EQ(changes[0].port, 82);
    EXPECT_EQ(monitor.ejections(4)[1], 1u);
}

TEST_F(OutlierMonitorTest, ForgetsWhatLeft) {
    fail(81);
    fail(81);
    monitor.setEndpoints(4, list({80}));  // before the mail is read
    io.poll();
    EXPECT_TRUE(changes.empty());
    monitor.forget(4);
    fail(80);
    fail(80);
    io.poll();
    EXPECT_TRUE(changes.empty());
    EXPECT_EQ(monitor.ejections(4)[0], 0u);
}

TEST_F(OutlierMonitorTest, CountersOutliveAPolicy) {
    fail(81);
    fail(81);
    runUntil(1);
    policy.outlier = {};
    apply();
    EXPECT_EQ(monitor.ejections(4)[0], 1u);
    policy.outlier.consecutiveFailures = 2;
    apply();
    fail(81);
    fail(81);
    runUntil(2);
    EXPECT_EQ(monitor.ejections(4)[0], 2u);
}

}  // namespace
}  // namespace evergate::worker
