// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/dataplane_link.hpp"

#include <gtest/gtest.h>

#include "common/rpc/codec.hpp"
#include "common/rpc/limits.hpp"
#include "tests/unit/controller/publish/config_maker.hpp"

namespace evergate::controller {
namespace {

using model::Lane;

struct FakeChannel final : rpc::Channel {
    struct Log {
        std::vector<std::string> sent;
        std::size_t queued = 0;
        bool finished = false;
    };

    explicit FakeChannel(Log& log) : log_(log) {}

    void start(rpc::ChannelObserver& observer) override { observer.onOpen(); }

    void send(std::string text) override { log_.sent.push_back(std::move(text)); }

    std::size_t queued() const override { return log_.queued; }

    void finish() override { log_.finished = true; }

    Log& log_;
};

struct Owner final : LinkOwner, PublishObserver {
    void onLinkHello(DataplaneLink&) override { ++hellos; }

    void onLinkDown(DataplaneLink&, const std::string& why) override { down.push_back(why); }

    void onRelistWanted() override { ++relists; }

    void onAck(Lane, EventTime::duration) override { ++acks; }

    void onNack(Lane, std::size_t) override { ++nacks; }

    void onResume(Lane, ResumeKind kind) override { resumes.push_back(kind); }

    void onLinkLost() override {}

    int hellos = 0;
    int relists = 0;
    int acks = 0;
    int nacks = 0;
    std::vector<ResumeKind> resumes;
    std::vector<std::string> down;
};

class DataplaneLinkTest : public ::testing::Test {
protected:
    void SetUp() override { link.start(); }

    void publish(const model::Config& config, std::uint64_t fullList = 1) {
        link.published(state.replace(config, fullList), {});
    }

    void hello(const model::Config& held = {}, int protocolMin = 1) {
        rpc::Hello greeting{"node", "boot", "build", protocolMin, protocolMin, "old", {}};
        greeting.lanes[0].root = held.root(Lane::config);
        greeting.lanes[1].root = held.root(Lane::endpoints);
        link.onMessage(rpc::encodeHello(1, greeting));
    }

    // The messages sent since the last call.
    template <class T>
    std::vector<T> sent() {
        std::vector<T> all;
        for (const std::string& text : std::exchange(log.sent, {})) {
            auto decoded = rpc::decode(text);
            EXPECT_TRUE(std::holds_alternative<rpc::Message>(decoded)) << text;
            auto& message = std::get<rpc::Message>(decoded);
            if (std::holds_alternative<T>(message)) {
                all.push_back(std::get<T>(std::move(message)));
            }
        }
        return all;
    }

    void ack(const rpc::PartMessage& message) {
        link.onMessage(
            rpc::encodeAck(*message.id, {message.part.header.version, message.part.header.target}));
    }

    FakeChannel::Log log;
    Owner owner;
    PublishedState state{"epoch"};
    DataplaneLink link{std::make_unique<FakeChannel>(log), state, owner, owner};
};

TEST_F(DataplaneLinkTest, SaysNotReadyBeforeTheFirstPublication) {
    hello();
    const auto replies = sent<rpc::Reply>();
    ASSERT_EQ(replies.size(), 1U);
    const auto& error = std::get<rpc::Error>(replies[0].outcome);
    EXPECT_EQ(error.code, rpc::ErrorCode::notReady);
    EXPECT_GT(error.retryAfterMs, 0U);
    EXPECT_TRUE(log.finished);
    publish(makeConfig(1));
    EXPECT_TRUE(log.sent.empty());
    link.onClosed("closed");
    EXPECT_EQ(owner.down.size(), 1U);
}

TEST_F(DataplaneLinkTest, RefusesAProtocolItDoesNotSpeak) {
    publish(makeConfig(1));
    hello({}, rpc::kProtocolMax + 1);
    const auto replies = sent<rpc::Reply>();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(std::get<rpc::Error>(replies[0].outcome).code, rpc::ErrorCode::noProtocol);
    EXPECT_TRUE(log.finished);
}

TEST_F(DataplaneLinkTest, SendsBothLanesAndOneTransactionEach) {
    publish(makeConfig(2));
    hello();
    auto parts = sent<rpc::PartMessage>();
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_EQ(parts[0].part.header.lane, Lane::endpoints);
    EXPECT_EQ(parts[1].part.header.lane, Lane::config);
    publish(makeConfig(3));
    EXPECT_TRUE(log.sent.empty());  // one in flight per lane
    ack(parts[0]);
    auto more = sent<rpc::PartMessage>();
    ASSERT_EQ(more.size(), 1U);
    EXPECT_EQ(more[0].part.header.lane, Lane::endpoints);  // though config is not acknowledged
    ack(more[0]);
    ack(parts[1]);
    more = sent<rpc::PartMessage>();
    ASSERT_EQ(more.size(), 1U);
    ack(more[0]);
    EXPECT_TRUE(link.converged());
    EXPECT_EQ(owner.acks, 2);  // the snapshots had no event to wait for
    EXPECT_EQ(owner.resumes, (std::vector{ResumeKind::snapshot, ResumeKind::snapshot}));
}

TEST_F(DataplaneLinkTest, WaitsWhileTheChannelIsFull) {
    publish(makeConfig(2));
    log.queued = rpc::kSendAhead;
    hello();
    EXPECT_TRUE(sent<rpc::PartMessage>().empty());
    log.queued = 0;
    link.onWritten();
    EXPECT_EQ(sent<rpc::PartMessage>().size(), 2U);
}

TEST_F(DataplaneLinkTest, AsksForKeysWhenItDoesNotKnowTheRoot) {
    publish(makeConfig(2));
    model::Config held = makeConfig(3);
    held.put(backendKey("b0"), backend(9));
    hello(held);
    auto requests = sent<rpc::KeysRequest>();
    ASSERT_EQ(requests.size(), 2U);
    for (int page = 0; page < 2; ++page) {
        for (const rpc::KeysRequest& request : requests) {
            rpc::KeysPage answer;
            for (const auto& [key, entry] : held.entries()) {
                const bool second = request.after && *request.after < key;
                if (model::laneOf(key.kind) == request.lane && (!request.after || second)) {
                    answer.keys.emplace_back(key, entry.hash);
                }
            }
            if (page == 0) {
                answer.keys.resize(2);
                answer.more = true;
            }
            link.onMessage(rpc::encodeKeysPage(request.id, answer));
        }
        if (page == 0) {
            requests = sent<rpc::KeysRequest>();
            ASSERT_EQ(requests.size(), 2U);
        }
    }
    const auto parts = sent<rpc::PartMessage>();
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_EQ(owner.down, std::vector<std::string>{});
    for (const rpc::PartMessage& message : parts) {
        const bool config = message.part.header.lane == Lane::config;
        EXPECT_EQ(message.part.upserts.size(), config ? 1U : 0U);
        EXPECT_EQ(message.part.deletes.size(), config ? 2U : 1U);
        ack(message);
    }
    EXPECT_TRUE(link.converged());
}

TEST_F(DataplaneLinkTest, HoldsAFirstListThatWouldDeleteMostRoutes) {
    publish(makeConfig(1));
    const model::Config held = makeConfig(9);
    hello(held);
    for (const rpc::KeysRequest& request : sent<rpc::KeysRequest>()) {
        rpc::KeysPage answer;
        for (const auto& [key, entry] : held.entries()) {
            if (model::laneOf(key.kind) == request.lane) {
                answer.keys.emplace_back(key, entry.hash);
            }
        }
        link.onMessage(rpc::encodeKeysPage(request.id, answer));
    }
    EXPECT_EQ(owner.relists, 1);
    auto parts = sent<rpc::PartMessage>();
    ASSERT_EQ(parts.size(), 1U);
    EXPECT_EQ(parts[0].part.header.lane, Lane::endpoints);
    publish(makeConfig(1), 2);
    parts = sent<rpc::PartMessage>();
    ASSERT_EQ(parts.size(), 1U);
    EXPECT_EQ(parts[0].part.deletes.size(), 16U);
}

TEST_F(DataplaneLinkTest, SendsAgainWithoutRefusedKeys) {
    publish(makeConfig(2));
    hello();
    auto parts = sent<rpc::PartMessage>();
    rpc::Error error;
    error.code = rpc::ErrorCode::invalidKeys;
    error.problems = {{"route/b0", {"w", "w"}}};
    link.onMessage(rpc::encodeError(*parts[1].id, error));
    parts = sent<rpc::PartMessage>();
    ASSERT_EQ(parts.size(), 1U);
    EXPECT_EQ(parts[0].part.upserts.size(), 4U);
    EXPECT_EQ(owner.nacks, 1);
    error.code = rpc::ErrorCode::rootMismatch;
    link.onMessage(rpc::encodeError(*parts[0].id, error));
    EXPECT_EQ(owner.down.size(), 1U);
}

TEST_F(DataplaneLinkTest, AnythingOutOfOrderEndsIt) {
    publish(makeConfig(2));
    hello();
    const auto parts = sent<rpc::PartMessage>();
    const std::string zero = model::RootHash{}.toHex();
    const std::vector<std::string> anomalies{
        "nonsense",
        rpc::encodeHello(9, {}),
        rpc::encodeAck(4711, {}),
        rpc::encodeAck(*parts[0].id, {1, {}}),
        rpc::encodeKeysPage(*parts[0].id, {}),
        rpc::encodeKeysRequest({1, Lane::config, {}}),
    };
    for (const std::string& text : anomalies) {
        FakeChannel::Log other;
        Owner judge;
        DataplaneLink victim(std::make_unique<FakeChannel>(other), state, judge, judge);
        victim.start();
        rpc::Hello greeting{"n", "b", "v", 1, 1, "", {}};
        victim.onMessage(rpc::encodeHello(1, greeting));
        victim.onMessage(text);
        victim.onMessage(text);
        EXPECT_EQ(judge.down.size(), 1U) << text;
    }
}

TEST_F(DataplaneLinkTest, EndsWhenAnAnswerIsOverdue) {
    const auto now = std::chrono::steady_clock::now();
    link.expire(now + rpc::kHelloDeadline / 2);
    EXPECT_TRUE(owner.down.empty());
    publish(makeConfig(2));
    hello();
    link.expire(now + rpc::kReplyDeadline / 2);
    EXPECT_TRUE(owner.down.empty());
    link.expire(now + rpc::kReplyDeadline * 2);
    EXPECT_EQ(owner.down.size(), 1U);
}

TEST_F(DataplaneLinkTest, EndsWhenNobodySaysHello) {
    link.expire(std::chrono::steady_clock::now() + rpc::kHelloDeadline * 2);
    EXPECT_EQ(owner.down.size(), 1U);
}

TEST_F(DataplaneLinkTest, AnswersCallsOfALaterProtocol) {
    link.onMessage(R"({"jsonrpc":"2.0","id":3,"method":"telemetry","params":{}})");
    link.onMessage(R"({"jsonrpc":"2.0","method":"telemetry","params":{}})");
    const auto replies = sent<rpc::Reply>();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(std::get<rpc::Error>(replies[0].outcome).code, rpc::ErrorCode::methodNotFound);
}

}  // namespace
}  // namespace evergate::controller
