// SPDX-License-Identifier: Apache-2.0
#include "dataplane/health/checker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <deque>

#include "tests/support/raw_connection.hpp"

namespace evergate::health {
namespace {

namespace asio = boost::asio;
using model::Endpoint;
using model::Endpoints;
using model::HealthCheckType;
using test::RawConnection;
using test::ScriptedEndpoint;

// An endpoint whose health can be set, and which counts how often it was asked.
class Patient {
public:
    std::uint16_t port() const { return endpoint_.port(); }

    std::atomic<bool> well = true;
    std::atomic<int> asked = 0;

private:
    ScriptedEndpoint endpoint_{[this](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        ++asked;
        connection.send(well ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 500 No\r\n\r\n");
    }};
};

class CheckerTest : public testing::Test {
protected:
    CheckerTest() {
        policy.healthCheck.type = HealthCheckType::http;
        policy.healthCheck.interval = std::chrono::milliseconds(2);
        policy.healthCheck.timeout = std::chrono::seconds(20);
    }

    void backends(std::initializer_list<std::uint32_t> ids) {
        std::vector<routing::BackendSpec> specs;
        for (const std::uint32_t id : ids) {
            routing::BackendSpec& spec = specs.emplace_back();
            spec.id = id;
            spec.policy = std::make_shared<model::Backend>(policy);
        }
        checker.setBackends(specs);
    }

    void endpoints(std::uint32_t id, std::vector<Endpoint> list) {
        checker.setEndpoints(id, std::make_shared<const Endpoints>(Endpoints{std::move(list)}));
    }

    // Runs the checker until that holds.
    bool until(const std::function<bool()>& done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!done() && std::chrono::steady_clock::now() < deadline)
            io.run_one_for(std::chrono::milliseconds(100));
        return done();
    }

    // The last word about an endpoint.
    std::optional<bool> said(std::uint32_t id, std::uint16_t port) const {
        std::optional<bool> up;
        for (const EndpointHealth& change : changes) {
            if (change.backend == id && change.port == port)
                up = change.up;
        }
        return up;
    }

    std::deque<Patient> patients;  // outlive the checks that run at the end of a test
    asio::io_context io;
    model::Backend policy;
    std::vector<EndpointHealth> changes;
    int transitions = 0;
    Checker checker{io.get_executor(), Checker::Options{.concurrent = 4, .seed = 7},
                    [this](std::vector<EndpointHealth> some) {
                        changes.insert(changes.end(), some.begin(), some.end());
                    },
                    [this](const std::string&, bool, const std::string&) { ++transitions; }};
};

TEST_F(CheckerTest, TakesASickEndpointOutAndBack) {
    Patient& patient = patients.emplace_back();
    backends({1});
    endpoints(1, {{"127.0.0.1", patient.port()}});
    ASSERT_TRUE(until([&] { return checker.counters().good >= 1; }));
    EXPECT_TRUE(changes.empty());  // it was up all the time
    patient.well = false;
    ASSERT_TRUE(until([&] { return said(1, patient.port()) == false; }));
    EXPECT_GE(checker.counters().bad, policy.healthCheck.unhealthyThreshold);
    EXPECT_EQ(checker.facts(1, "127.0.0.1", patient.port())->detail, "status 500");
    patient.well = true;
    ASSERT_TRUE(until([&] { return said(1, patient.port()) == true; }));
    EXPECT_EQ(changes.size(), 2u);
    EXPECT_EQ(transitions, 2);
}

TEST_F(CheckerTest, ChecksNobodyWhoDoesNotAsk) {
    policy.healthCheck.type = HealthCheckType::none;
    backends({1});
    endpoints(1, {{"127.0.0.1", 1}});
    EXPECT_EQ(checker.counters().targets, 0u);
    EXPECT_FALSE(checker.facts(1, "127.0.0.1", 1));
    EXPECT_EQ(io.run(), 0u);
}

TEST_F(CheckerTest, ChecksOnceForAllWhoShareAnEndpoint) {
    Patient& patient = patients.emplace_back();
    patient.well = false;
    backends({1, 2});
    endpoints(1, {{"127.0.0.1", patient.port()}});
    endpoints(2, {{"127.0.0.1", patient.port()}});
    EXPECT_EQ(checker.counters().targets, 1u);
    ASSERT_TRUE(until([&] { return said(2, patient.port()) == false; }));
    EXPECT_EQ(said(1, patient.port()), false);
    EXPECT_EQ(transitions, 1);
}

TEST_F(CheckerTest, TellsWhoComesLaterWhatIsKnown) {
    Patient& patient = patients.emplace_back();
    patient.well = false;
    backends({1, 2});
    endpoints(1, {{"127.0.0.1", patient.port()}});
    ASSERT_TRUE(until([&] { return said(1, patient.port()) == false; }));
    endpoints(2, {{"127.0.0.1", patient.port()}});
    EXPECT_EQ(said(2, patient.port()), false);
}

TEST_F(CheckerTest, AnEndpointThatStaysKeepsItsState) {
    Patient& sick = patients.emplace_back();
    sick.well = false;
    Patient& other = patients.emplace_back();
    backends({1});
    endpoints(1, {{"127.0.0.1", sick.port()}});
    ASSERT_TRUE(until([&] { return said(1, sick.port()) == false; }));
    changes.clear();
    std::vector<Endpoint> both{{"127.0.0.1", sick.port()}, {"127.0.0.1", other.port()}};
    std::sort(both.begin(), both.end());
    endpoints(1, both);
    EXPECT_TRUE(changes.empty());
    EXPECT_FALSE(checker.facts(1, "127.0.0.1", sick.port())->up);
}

TEST_F(CheckerTest, GivesEndpointsBackWhenChecksEnd) {
    Patient& patient = patients.emplace_back();
    patient.well = false;
    backends({1});
    endpoints(1, {{"127.0.0.1", patient.port()}});
    ASSERT_TRUE(until([&] { return said(1, patient.port()) == false; }));
    policy.healthCheck.type = HealthCheckType::none;
    backends({1});
    EXPECT_EQ(said(1, patient.port()), true);
    EXPECT_EQ(checker.counters().targets, 0u);
}

TEST_F(CheckerTest, AnotherCheckBeginsAnew) {
    Patient& patient = patients.emplace_back();
    patient.well = false;
    backends({1});
    endpoints(1, {{"127.0.0.1", patient.port()}});
    ASSERT_TRUE(until([&] { return said(1, patient.port()) == false; }));
    policy.healthCheck.statusHigh = 599;  // now 500 is fine
    backends({1});
    EXPECT_EQ(said(1, patient.port()), true);
    ASSERT_TRUE(until([&] { return checker.facts(1, "127.0.0.1", patient.port())->proven; }));
    EXPECT_EQ(said(1, patient.port()), true);
}

TEST_F(CheckerTest, ForgetsWhatLeft) {
    Patient& patient = patients.emplace_back();
    backends({1});
    endpoints(1, {{"127.0.0.1", patient.port()}});
    ASSERT_TRUE(until([&] { return patient.asked >= 1; }));
    checker.forget(1);
    EXPECT_EQ(checker.counters().targets, 0u);
    io.run();  // nothing is left to do
    EXPECT_EQ(checker.counters().running, 0u);
}

TEST_F(CheckerTest, RunsNoMoreThanItMayAtATime) {
    std::vector<std::unique_ptr<test::RawListener>> silent;  // never answer
    std::vector<Endpoint> list;
    for (int i = 0; i < 12; ++i) {
        silent.push_back(std::make_unique<test::RawListener>());
        list.push_back({"127.0.0.1", silent.back()->port()});
    }
    std::sort(list.begin(), list.end());
    policy.healthCheck.timeout = std::chrono::milliseconds(30);
    backends({1});
    endpoints(1, list);
    std::uint64_t most = 0;
    EXPECT_TRUE(until([&] {
        most = std::max(most, checker.counters().running);
        return changes.size() == list.size();  // all of them had their turn
    }));
    EXPECT_LE(most, 4u);
}

TEST_F(CheckerTest, StopsInTheMiddle) {
    const test::RawListener silent;
    policy.healthCheck.timeout = std::chrono::milliseconds(30);
    backends({1});
    endpoints(1, {{"127.0.0.1", silent.port()}});
    ASSERT_TRUE(until([&] { return checker.counters().running == 1; }));
    checker.stop();
    io.run();  // the check ends at its deadline and no other begins
    EXPECT_TRUE(changes.empty());
}

}  // namespace
}  // namespace evergate::health
