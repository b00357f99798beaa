// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/lane_sender.hpp"

#include <gtest/gtest.h>

#include "common/model/json.hpp"
#include "tests/unit/controller/publish/config_maker.hpp"

namespace evergate::controller {
namespace {

using model::Lane;

constexpr EventTime kStart{};

// A sender and the data plane it believes in.
class LaneSenderTest : public ::testing::Test {
protected:
    void SetUp() override {
        publish(makeConfig(3));
        Holding nothing;
        for (const auto& [key, entry] : state.config().entries()) {
            if (model::laneOf(key.kind) == Lane::config) {
                nothing.emplace(key, Content{});
            }
        }
        sender.resume({}, std::move(nothing), true);
    }

    void publish(const model::Config& next, EventTime since = kStart) {
        sender.published(state.replace(next, 1), since);
    }

    // Takes the next transaction as a data plane would and checks what it promises.
    bool accept() {
        const auto transaction = sender.next();
        if (!transaction) {
            return false;
        }
        EXPECT_EQ(transaction->header.base, plane.root(Lane::config));
        model::apply(plane, transaction->delta);
        EXPECT_EQ(transaction->header.target, plane.root(Lane::config));
        EXPECT_EQ(transaction->header.keyCount, plane.entries().size());
        EXPECT_TRUE(sender.acknowledge({transaction->header.version, transaction->header.target}));
        return true;
    }

    bool refuse(const std::vector<model::Key>& keys) {
        EXPECT_TRUE(sender.next());
        std::vector<rpc::KeyProblem> problems;
        for (const model::Key& key : keys) {
            problems.push_back({model::encodeKey(key), {"where", "what"}});
        }
        return sender.reject(problems);
    }

    PublishedState state{"e"};
    LaneSender sender{Lane::config, state};
    model::Config plane;
};

TEST_F(LaneSenderTest, StartsAnEmptyDataPlaneWithASnapshot) {
    const auto transaction = sender.next();
    ASSERT_TRUE(transaction);
    EXPECT_TRUE(transaction->header.snapshot);
    EXPECT_EQ(transaction->delta.upserts.size(), 7U);
    EXPECT_FALSE(sender.next());  // one in flight
    EXPECT_FALSE(sender.acknowledge({99, transaction->header.target}));
    EXPECT_FALSE(sender.acknowledge({transaction->header.version, {}}));
    EXPECT_TRUE(sender.acknowledge({transaction->header.version, transaction->header.target}));
    EXPECT_TRUE(sender.converged());
    EXPECT_FALSE(sender.next());
}

TEST_F(LaneSenderTest, CollectsChangesWhileOneIsInFlight) {
    const auto first = sender.next();
    model::Config config = makeConfig(3);
    for (std::uint32_t i = 2; i < 10; ++i) {
        config.put(backendKey("b0"), backend(i));
        publish(config, kStart + std::chrono::seconds(i));
    }
    config.erase(routeKey("b1"));
    publish(config, kStart + std::chrono::seconds(10));
    model::apply(plane, first->delta);
    ASSERT_TRUE(sender.acknowledge({first->header.version, first->header.target}));
    const auto second = sender.next();
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->header.snapshot);
    ASSERT_EQ(second->delta.upserts.size(), 1U);
    ASSERT_EQ(second->delta.deletes.size(), 1U);
    model::apply(plane, second->delta);
    EXPECT_EQ(second->header.target, plane.root(Lane::config));
    ASSERT_TRUE(sender.acknowledge({second->header.version, second->header.target}));
    EXPECT_EQ(sender.ackedSince(), kStart + std::chrono::seconds(2));
    EXPECT_TRUE(sender.converged());
}

TEST_F(LaneSenderTest, SendsNothingForAChangeThatWasTakenBack) {
    ASSERT_TRUE(accept());
    model::Config config = makeConfig(3);
    config.put(backendKey("b0"), backend(7));
    publish(config);
    publish(makeConfig(3));
    EXPECT_FALSE(accept());
    EXPECT_TRUE(sender.converged());
}

TEST_F(LaneSenderTest, IgnoresTheOtherLane) {
    ASSERT_TRUE(accept());
    sender.published(state.putEndpoints(endpointsKey("b0"), model::makeEntry(endpoints(1))),
                     kStart);
    EXPECT_FALSE(accept());
}

TEST_F(LaneSenderTest, LeavesOutARefusedKeyUntilItChanges) {
    ASSERT_TRUE(accept());
    model::Config config = makeConfig(4);
    config.put(backendKey("b0"), backend(7));
    publish(config);
    EXPECT_TRUE(refuse({backendKey("b0")}));
    ASSERT_TRUE(accept());
    EXPECT_EQ(contentOf(plane, backendKey("b0")), contentOf(makeConfig(1), backendKey("b0")));
    EXPECT_TRUE(plane.entries().contains(routeKey("b3")));
    ASSERT_EQ(sender.rejected().size(), 1U);
    EXPECT_FALSE(sender.converged());

    config.put(backendKey("b1"), backend(9));  // another key: the refused one stays out
    publish(config);
    ASSERT_TRUE(accept());
    EXPECT_EQ(contentOf(plane, backendKey("b0")), contentOf(makeConfig(1), backendKey("b0")));

    config.put(backendKey("b0"), backend(8));
    publish(config);
    ASSERT_TRUE(accept());
    EXPECT_TRUE(sender.rejected().empty());
    EXPECT_TRUE(sender.converged());
}

TEST_F(LaneSenderTest, ARefusedKeyThatGoesBackIsNoProblemAnyMore) {
    ASSERT_TRUE(accept());
    model::Config config = makeConfig(3);
    config.put(backendKey("b0"), backend(7));
    publish(config);
    EXPECT_TRUE(refuse({backendKey("b0")}));
    EXPECT_FALSE(accept());
    publish(makeConfig(3));
    EXPECT_FALSE(accept());
    EXPECT_TRUE(sender.rejected().empty());
    EXPECT_TRUE(sender.converged());
}

TEST_F(LaneSenderTest, KeepsAKeyWhoseDeletionIsRefused) {
    ASSERT_TRUE(accept());
    publish(makeConfig(2));
    EXPECT_TRUE(refuse({backendKey("b2")}));
    ASSERT_TRUE(accept());
    EXPECT_TRUE(plane.entries().contains(backendKey("b2")));
    EXPECT_FALSE(plane.entries().contains(routeKey("b2")));
}

TEST_F(LaneSenderTest, TakesAKeptValueAwayWhenItBreaksTheRest) {
    ASSERT_TRUE(accept());
    // b2's route moves to b1 and b2 goes; the route's new value is refused, its old one needs b2.
    model::Config config = makeConfig(3);
    config.put(routeKey("b2"), route("/b2", "b1"));
    config.erase(backendKey("b2"));
    publish(config);
    EXPECT_TRUE(refuse({routeKey("b2")}));
    EXPECT_TRUE(refuse({routeKey("b2")}));
    ASSERT_TRUE(accept());
    EXPECT_FALSE(plane.entries().contains(routeKey("b2")));
    EXPECT_FALSE(plane.entries().contains(backendKey("b2")));
    config.put(routeKey("b2"), route("/c", "b1"));
    publish(config);
    ASSERT_TRUE(accept());
    EXPECT_TRUE(sender.converged());
}

TEST_F(LaneSenderTest, EndsWhenRefusalsLeadNowhere) {
    ASSERT_TRUE(accept());
    model::Config config = makeConfig(4);
    publish(config);
    EXPECT_TRUE(refuse({routeKey("b0")}));   // not in it: to be taken away
    EXPECT_FALSE(refuse({routeKey("b0")}));  // and still complained about
    EXPECT_FALSE(sender.reject({}));
}

TEST_F(LaneSenderTest, DoesNotHoldAgainstAKeyWhatItWasBefore) {
    ASSERT_TRUE(accept());
    model::Config config = makeConfig(3);
    config.put(backendKey("b0"), backend(7));
    publish(config);
    ASSERT_TRUE(sender.next());
    config.put(backendKey("b0"), backend(8));  // changed again while in flight
    publish(config);
    EXPECT_TRUE(sender.reject({{"backend/b0", {"w", "w"}}}));
    ASSERT_TRUE(accept());
    EXPECT_TRUE(sender.converged());
}

TEST_F(LaneSenderTest, OffersRefusedListenersAgain) {
    EXPECT_TRUE(refuse({listenerKey("http")}));
    EXPECT_TRUE(refuse({routeKey("b0"), routeKey("b1"), routeKey("b2")}));
    ASSERT_TRUE(accept());
    EXPECT_EQ(plane.entries().size(), 3U);
    ASSERT_TRUE(sender.offerListenersAgain());
    EXPECT_FALSE(sender.offerListenersAgain());
    ASSERT_TRUE(accept());
    EXPECT_TRUE(sender.converged());
}

TEST_F(LaneSenderTest, ResumesFromWhatADataPlaneHolds) {
    model::Config held = makeConfig(2);
    held.put(backendKey("stray"), backend());
    held.put(backendKey("b0"), backend(7));
    Holding differs{{backendKey("stray"), contentOf(held, backendKey("stray"))},
                    {backendKey("b0"), contentOf(held, backendKey("b0"))},
                    {backendKey("b2"), {}},
                    {routeKey("b2"), {}}};
    for (int i = 0; i < 2; ++i) {
        held.erase(endpointsKey("b" + std::to_string(i)));
    }
    plane = held;
    sender.resume({4, held.root(Lane::config)}, differs, false);
    ASSERT_TRUE(accept());
    EXPECT_TRUE(sender.converged());
}

TEST_F(LaneSenderTest, HoldsAVersionOnceItIsAcknowledged) {
    const auto version = state.version(Lane::config);
    EXPECT_FALSE(sender.holds(version));
    EXPECT_TRUE(accept());
    EXPECT_TRUE(sender.holds(version));
    publish(makeConfig(4));
    EXPECT_TRUE(sender.holds(version));
    EXPECT_FALSE(sender.holds(version + 1));
    EXPECT_TRUE(accept());
    EXPECT_TRUE(sender.holds(version + 1));
}

TEST_F(LaneSenderTest, HoldsAVersionOfWhichItRefusedAllThatWasNew) {
    EXPECT_TRUE(accept());
    model::Config config = makeConfig(3);
    config.put(routeKey("bad"), route("/bad", "b0"));
    publish(config);
    const auto version = state.version(Lane::config);
    EXPECT_TRUE(refuse({routeKey("bad")}));
    EXPECT_FALSE(sender.holds(version));
    EXPECT_FALSE(sender.next());  // nothing is left to send
    EXPECT_TRUE(sender.holds(version));
    EXPECT_FALSE(sender.converged());
}

}  // namespace
}  // namespace evergate::controller
