// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/lane_receiver.hpp"

#include <gtest/gtest.h>

#include "common/model/json.hpp"
#include "common/rpc/limits.hpp"

namespace evergate::dataplane {
namespace {

using model::Key;
using model::Kind;
using model::Lane;

struct HeldSink final : ConfigSink {
    void applyConfig(std::shared_ptr<const model::Config> next, std::uint64_t,
                     std::function<void(std::vector<model::KeyedProblem>)> done) override {
        candidate = std::move(next);
        configDone = std::move(done);
    }

    void applyEndpoints(const model::Delta& delta, std::uint64_t,
                        std::function<void()> done) override {
        endpoints.push_back(delta);
        endpointsDone = std::move(done);
    }

    std::shared_ptr<const model::Config> candidate;
    std::function<void(std::vector<model::KeyedProblem>)> configDone;
    std::vector<model::Delta> endpoints;
    std::function<void()> endpointsDone;
};

model::Config sample(int count) {
    model::Config config;
    model::Listener listener;
    listener.address = "0.0.0.0";
    listener.port = 80;
    config.put({Kind::listener, "http"}, model::Value{listener});
    for (int i = 0; i < count; ++i) {
        const std::string name = "b" + std::to_string(i);
        config.put({Kind::backend, name}, model::Value{model::Backend{}});
        config.put({Kind::endpoints, name}, model::Value{model::Endpoints{{{"10.0.0.1", 80, 1}}}});
        model::Route route;
        route.listeners = {"http"};
        route.path = "/" + name;
        route.backend = name;
        config.put({Kind::route, name}, model::Value{route});
    }
    return config;
}

class LaneReceiverTest : public ::testing::Test {
protected:
    LaneReceiverTest() { receiver.connected("e"); }

    // A whole transaction from what the receiver holds to `target`, in one part.
    rpc::Part part(const model::Config& target, Lane lane) {
        const model::Delta delta = model::diff(receiver.config(), target, lane);
        rpc::Part result;
        result.header.lane = lane;
        result.header.epoch = "e";
        result.header.version = ++version;
        result.header.base = receiver.config().root(lane);
        result.header.target = target.root(lane);
        const std::size_t endpoints = target.count(Kind::endpoints);
        result.header.keyCount =
            lane == Lane::endpoints ? endpoints : target.entries().size() - endpoints;
        for (const auto& [key, entry] : delta.upserts) {
            result.upserts.emplace_back(key, *entry.value);
        }
        result.deletes = delta.deletes;
        return result;
    }

    std::optional<std::string> receive(rpc::Part part, std::size_t bytes = 100) {
        answers.clear();
        return receiver.receive(std::move(part), bytes, [this](const LaneReceiver::Answer& answer) {
            answers.push_back(answer);
        });
    }

    void bring(const model::Config& target) {
        for (const Lane lane : {Lane::config, Lane::endpoints}) {
            EXPECT_EQ(receive(part(target, lane)), std::nullopt);
            lane == Lane::config ? sink.configDone({}) : sink.endpointsDone();
            EXPECT_TRUE(acked());
        }
    }

    bool acked() const {
        return answers.size() == 1 && std::holds_alternative<rpc::Ack>(answers[0]);
    }

    rpc::ErrorCode refusal() const {
        if (answers.size() != 1 || !std::holds_alternative<rpc::Error>(answers[0])) {
            return rpc::ErrorCode::methodNotFound;
        }
        return std::get<rpc::Error>(answers[0]).code;
    }

    HeldSink sink;
    int changes = 0;
    LaneReceiver receiver{sink, [this](Lane) { ++changes; }};
    std::vector<LaneReceiver::Answer> answers;
    std::uint64_t version = 0;
};

TEST_F(LaneReceiverTest, AcknowledgesWhenTheSinkIsDone) {
    const model::Config target = sample(2);
    EXPECT_EQ(receive(part(target, Lane::config)), std::nullopt);
    EXPECT_TRUE(receiver.busy());
    EXPECT_TRUE(answers.empty());
    EXPECT_TRUE(receiver.config().entries().empty());
    sink.configDone({});
    EXPECT_TRUE(acked());
    EXPECT_EQ(receiver.state(Lane::config).root, target.root(Lane::config));
    EXPECT_EQ(receiver.state(Lane::config).version, version);
    EXPECT_FALSE(receiver.busy());
    EXPECT_EQ(changes, 1);
}

TEST_F(LaneReceiverTest, TakesEndpointsWhileAConfigIsApplied) {
    bring(sample(2));
    const model::Config more = sample(3);
    auto config = part(more, Lane::config);
    ASSERT_EQ(receive(config), std::nullopt);
    auto configDone = sink.configDone;
    ASSERT_EQ(receive(part(more, Lane::endpoints)), std::nullopt);
    sink.endpointsDone();
    EXPECT_TRUE(acked());
    configDone({});
    EXPECT_EQ(receiver.config().root(Lane::config), more.root(Lane::config));
    EXPECT_EQ(receiver.config().root(Lane::endpoints), more.root(Lane::endpoints));
}

TEST_F(LaneReceiverTest, ARefusalOfTheSinkChangesNothing) {
    bring(sample(2));
    ASSERT_EQ(receive(part(sample(3), Lane::config)), std::nullopt);
    sink.configDone({{{Kind::listener, "http"}, {"listener/http.port", "in use"}}});
    EXPECT_EQ(refusal(), rpc::ErrorCode::invalidKeys);
    EXPECT_EQ(std::get<rpc::Error>(answers[0]).problems[0].key, "listener/http");
    EXPECT_EQ(receiver.config().root(Lane::config), sample(2).root(Lane::config));
}

TEST_F(LaneReceiverTest, ChecksBaseRootAndCount) {
    bring(sample(2));
    auto wrongBase = part(sample(3), Lane::config);
    wrongBase.header.base = {};
    EXPECT_EQ(receive(wrongBase), std::nullopt);
    EXPECT_EQ(refusal(), rpc::ErrorCode::baseMismatch);

    auto wrongTarget = part(sample(3), Lane::endpoints);
    wrongTarget.header.target.limbs[0] ^= 1;
    EXPECT_EQ(receive(wrongTarget), std::nullopt);
    EXPECT_EQ(refusal(), rpc::ErrorCode::rootMismatch);

    auto wrongCount = part(sample(3), Lane::endpoints);
    ++wrongCount.header.keyCount;
    EXPECT_EQ(receive(wrongCount), std::nullopt);
    EXPECT_EQ(refusal(), rpc::ErrorCode::rootMismatch);
    EXPECT_EQ(receiver.config().root(Lane::endpoints), sample(2).root(Lane::endpoints));
    EXPECT_EQ(sink.endpoints.size(), 1U);
}

TEST_F(LaneReceiverTest, AcknowledgesARepeat) {
    const auto first = part(sample(2), Lane::config);
    ASSERT_EQ(receive(first), std::nullopt);
    sink.configDone({});
    sink.candidate.reset();
    EXPECT_EQ(receive(first), std::nullopt);
    EXPECT_TRUE(acked());
    EXPECT_EQ(sink.candidate, nullptr);
}

TEST_F(LaneReceiverTest, NamesWhatMakesNoSense) {
    model::Config target = sample(2);
    model::Route route;
    route.listeners = {"http"};
    route.host = "not a host";
    route.backend = "b0";
    target.put({Kind::route, "bad"}, model::Value{route});
    auto message = part(target, Lane::config);
    message.refused.push_back({"gadget/x", {"key", "unknown kind"}});
    EXPECT_EQ(receive(message), std::nullopt);
    EXPECT_EQ(refusal(), rpc::ErrorCode::invalidKeys);
    EXPECT_GE(std::get<rpc::Error>(answers[0]).problems.size(), 2U);

    model::Config dangling = sample(2);
    route.host = "";
    route.backend = "nowhere";
    dangling.put({Kind::route, "bad"}, model::Value{route});
    EXPECT_EQ(receive(part(dangling, Lane::config)), std::nullopt);
    EXPECT_EQ(refusal(), rpc::ErrorCode::invalidKeys);
    EXPECT_EQ(std::get<rpc::Error>(answers[0]).problems[0].key, "route/bad");
}

TEST_F(LaneReceiverTest, PutsPartsTogetherInOrderOnly) {
    auto whole = part(sample(2), Lane::config);
    auto first = whole;
    first.last = false;
    first.upserts.resize(2);
    auto second = whole;
    second.index = 1;
    second.upserts.erase(second.upserts.begin(), second.upserts.begin() + 2);

    EXPECT_NE(receive(second), std::nullopt);
    receiver.connected("e");
    EXPECT_EQ(receive(first), std::nullopt);
    EXPECT_NE(receive(first), std::nullopt);
    receiver.connected("e");
    EXPECT_EQ(receive(first), std::nullopt);
    auto other = second;
    ++other.header.transaction;
    EXPECT_NE(receive(other), std::nullopt);
    receiver.connected("e");
    EXPECT_EQ(receive(first), std::nullopt);
    EXPECT_TRUE(answers.empty());
    EXPECT_EQ(receive(second), std::nullopt);
    sink.configDone({});
    EXPECT_TRUE(acked());
}

TEST_F(LaneReceiverTest, AnomaliesEndTheConnection) {
    auto message = part(sample(2), Lane::config);
    message.header.epoch = "other";
    EXPECT_NE(receive(message), std::nullopt);

    message = part(sample(2), Lane::config);
    message.upserts.push_back(message.upserts.front());
    EXPECT_NE(receive(message), std::nullopt);

    message = part(sample(2), Lane::config);
    message.deletes.push_back(message.upserts.front().first);
    EXPECT_NE(receive(message), std::nullopt);

    message = part(sample(2), Lane::config);
    EXPECT_NE(receive(message, rpc::kMaxTransactionBytes + 1), std::nullopt);
    receiver.connected("e");

    ASSERT_EQ(receive(part(sample(2), Lane::config)), std::nullopt);
    EXPECT_NE(receive(part(sample(2), Lane::config)), std::nullopt);  // not answered yet
}

TEST_F(LaneReceiverTest, ASnapshotReplacesTheLaneButNeverWithNothing) {
    bring(sample(3));
    const model::Config next = sample(1);
    auto snapshot = part(next, Lane::endpoints);
    snapshot.header.snapshot = true;
    snapshot.deletes.clear();
    snapshot.upserts.clear();
    snapshot.upserts.emplace_back(Key{Kind::endpoints, "b0"},
                                  *next.entries().at(Key{Kind::endpoints, "b0"}).value);
    auto wrong = snapshot;
    wrong.header.keyCount = 3;
    EXPECT_EQ(receive(wrong), std::nullopt);
    EXPECT_EQ(refusal(), rpc::ErrorCode::rootMismatch);
    EXPECT_EQ(receive(snapshot), std::nullopt);
    sink.endpointsDone();
    EXPECT_TRUE(acked());
    EXPECT_EQ(receiver.config().count(Kind::endpoints), 1U);

    auto nothing = part(model::Config{}, Lane::endpoints);
    nothing.header.snapshot = true;
    nothing.deletes.clear();
    EXPECT_NE(receive(nothing), std::nullopt);
    EXPECT_EQ(receiver.config().count(Kind::endpoints), 1U);
}

TEST_F(LaneReceiverTest, AnswersNobodyWhoIsGone) {
    ASSERT_EQ(receive(part(sample(2), Lane::config)), std::nullopt);
    receiver.disconnected();
    sink.configDone({});
    EXPECT_TRUE(answers.empty());
    EXPECT_EQ(receiver.state(Lane::config).root, sample(2).root(Lane::config));
}

TEST_F(LaneReceiverTest, ListsItsKeysInPages) {
    model::Config target;
    for (int i = 0; i < 6000; ++i) {
        target.put({Kind::backend, "backend-with-a-long-name-" + std::to_string(i)},
                   model::Value{model::Backend{}});
    }
    ASSERT_EQ(receive(part(target, Lane::config)), std::nullopt);
    sink.configDone({});
    std::optional<Key> after;
    std::size_t keys = 0;
    int pages = 0;
    model::RootHash root;
    for (bool more = true; more; ++pages) {
        const rpc::KeysPage page = receiver.keys(Lane::config, after);
        ASSERT_FALSE(page.keys.empty());
        for (const auto& [key, hash] : page.keys) {
            root.add(key, hash);
        }
        keys += page.keys.size();
        after = page.keys.back().first;
        more = page.more;
    }
    EXPECT_EQ(keys, 6000U);
    EXPECT_GT(pages, 1);
    EXPECT_EQ(root, target.root(Lane::config));
    EXPECT_TRUE(receiver.keys(Lane::endpoints, {}).keys.empty());
}

TEST_F(LaneReceiverTest, RestoresWithoutWhatTheSinkRefuses) {
    bool served = false;
    model::Config saved = sample(2);
    receiver.restore(saved, {5, 6}, [&](bool good) { served = good; });
    sink.configDone({{{Kind::backend, "b1"}, {"w", "w"}}});
    EXPECT_FALSE(served);
    sink.configDone({});
    EXPECT_TRUE(served);
    saved.erase({Kind::backend, "b1"});
    saved.erase({Kind::route, "b1"});
    EXPECT_EQ(receiver.state(Lane::config).root, saved.root(Lane::config));
    EXPECT_EQ(receiver.state(Lane::endpoints).version, 6U);
}

}  // namespace
}  // namespace evergate::dataplane
