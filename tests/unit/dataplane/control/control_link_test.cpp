// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/control_link.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>

#include "common/rpc/codec.hpp"
#include "common/rpc/listener.hpp"
#include "common/rpc/transaction_writer.hpp"

namespace evergate::dataplane {
namespace {

using model::Lane;

struct Sink final : ConfigSink {
    void applyConfig(std::shared_ptr<const model::Config> next, std::uint64_t,
                     std::function<void(std::vector<model::KeyedProblem>)> done) override {
        applied = std::move(next);
        if (hold) {
            held = std::move(done);
        } else {
            done({});
        }
    }

    void applyEndpoints(const model::Delta&, std::uint64_t, std::function<void()> done) override {
        done();
    }

    bool hold = false;
    std::shared_ptr<const model::Config> applied;
    std::function<void(std::vector<model::KeyedProblem>)> held;
};

// A controller that does what the test says; remembers what it hears.
struct Controller final : rpc::ChannelObserver {
    void onOpen() override { ++opened; }

    void onMessage(std::string_view text) override {
        auto decoded = rpc::decode(text);
        ASSERT_TRUE(std::holds_alternative<rpc::Message>(decoded)) << text;
        heard.push_back(std::get<rpc::Message>(std::move(decoded)));
    }

    void onWritten() override {}

    void onClosed(const std::string&) override { ++closed; }

    int opened = 0;
    int closed = 0;
    std::vector<rpc::Message> heard;
    std::unique_ptr<rpc::Channel> channel;
};

class ControlLinkTest : public ::testing::Test {
protected:
    ControlLinkTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "linkXXXXXX").string();
        directory = ::mkdtemp(pattern.data());
        std::string error;
        listener = rpc::makeListener(
            io, rpc::UnixAddress{directory + "/s"}, {},
            [this](std::unique_ptr<rpc::Channel> channel) {
                controller.channel = std::move(channel);
                controller.channel->start(controller);
            },
            error);
        EXPECT_EQ(error, "");
        model::Listener http;
        http.address = "0.0.0.0";
        http.port = 80;
        config.put({model::Kind::listener, "http"}, model::Value{http});
    }

    ~ControlLinkTest() override {
        link.reset();
        std::filesystem::remove_all(directory);
    }

    void start(const std::string& stateDir = "") {
        const auto logger = process::Logging(spdlog::level::off, process::LogFormat::text,
                                             std::make_shared<spdlog::sinks::null_sink_mt>())
                                .logger("test");
        ControlLinkOptions options;
        options.controller = rpc::UnixAddress{directory + "/s"};
        options.nodeId = "node";
        options.bootId = "boot";
        options.build = "build";
        options.stateDir = stateDir;
        options.random = [] { return 0.0; };
        link = std::make_unique<ControlLink>(io, std::move(options), sink, logger);
        link->start();
    }

    bool until(const std::function<bool()>& condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!condition() && std::chrono::steady_clock::now() < end) {
            io.restart();
            io.run_one_for(std::chrono::milliseconds(100));
        }
        return condition();
    }

    // Waits for `count` messages since the last call and gives the last.
    template <class T>
    T hear(std::size_t count = 1) {
        EXPECT_TRUE(until([&] { return controller.heard.size() >= count; }));
        if (controller.heard.empty() || !std::holds_alternative<T>(controller.heard.back())) {
            ADD_FAILURE() << "another message";
            return T{};
        }
        T last = std::get<T>(std::move(controller.heard.back()));
        controller.heard.clear();
        return last;
    }

    void say(std::string text) { controller.channel->send(std::move(text)); }

    void welcome() {
        const auto request = hear<rpc::HelloRequest>();
        hello = request.hello;
        say(rpc::encodeWelcome(request.id, {1, "e"}));
        EXPECT_TRUE(until([&] { return link->status().connected; }));
    }

    // The transaction that takes the data plane from nothing to `config`.
    std::string snapshot(std::uint64_t id) {
        rpc::Transaction transaction;
        transaction.delta = model::diff({}, config, Lane::config);
        transaction.header = {
            Lane::config, "e", 1, 5, {}, config.root(Lane::config), true, config.entries().size()};
        return rpc::TransactionWriter(std::move(transaction), id).next();
    }

    boost::asio::io_context io;
    std::string directory;
    Sink sink;
    Controller controller;
    std::unique_ptr<rpc::Listener> listener;
    std::unique_ptr<ControlLink> link;
    model::Config config;
    rpc::Hello hello;
};

TEST_F(ControlLinkTest, SaysWhoItIsAndAppliesWhatItIsTold) {
    start();
    welcome();
    EXPECT_EQ(hello.nodeId, "node");
    EXPECT_EQ(hello.bootId, "boot");
    EXPECT_EQ(hello.lanes[0], rpc::LaneState{});
    say(snapshot(9));
    const auto reply = hear<rpc::Reply>();
    EXPECT_EQ(reply.id, 9U);
    EXPECT_EQ(std::get<rpc::Ack>(reply.outcome).root, config.root(Lane::config));
    EXPECT_EQ(link->status().acks, 1U);
    say(rpc::encodeKeysRequest({10, Lane::config, {}}));
    EXPECT_EQ(std::get<rpc::KeysPage>(hear<rpc::Reply>().outcome).keys.size(), 1U);
}

TEST_F(ControlLinkTest, DialsAgainAndSaysWhereItIs) {
    start();
    welcome();
    say(snapshot(9));
    hear<rpc::Reply>();
    controller.channel.reset();
    welcome();
    EXPECT_EQ(hello.epoch, "e");
    EXPECT_EQ(hello.lanes[0], (rpc::LaneState{5, config.root(Lane::config)}));
    EXPECT_EQ(link->status().connects, 2U);
    EXPECT_EQ(link->status().failures, 1U);
}

TEST_F(ControlLinkTest, ComesBackWhenTheControllerIsNotReady) {
    start();
    const auto request = hear<rpc::HelloRequest>();
    rpc::Error error{rpc::ErrorCode::notReady, "not synced", 20, {}};
    say(rpc::encodeError(request.id, error));
    EXPECT_TRUE(until([&] { return !link->status().lastError.empty(); }));
    EXPECT_FALSE(link->status().connected);
    welcome();
    EXPECT_EQ(link->status().lastError, "");
}

TEST_F(ControlLinkTest, FinishesTheWorkOfALostConnectionFirst) {
    sink.hold = true;
    start();
    welcome();
    say(snapshot(9));
    ASSERT_TRUE(until([&] { return sink.held != nullptr; }));
    const int opened = controller.opened;
    controller.channel.reset();
    ASSERT_TRUE(until([&] { return controller.opened > opened; }));
    EXPECT_TRUE(controller.heard.empty());
    sink.held({});
    welcome();
    EXPECT_EQ(hello.lanes[0].version, 5U);
}

TEST_F(ControlLinkTest, ClosesOnAnythingOutOfOrder) {
    start();
    const std::vector<std::string> anomalies{
        "nonsense",
        rpc::encodeHello(1, {}),
        rpc::encodeAck(77, {}),
        rpc::encodeWelcome(1, {1, "e"}),
    };
    for (const std::string& text : anomalies) {
        welcome();
        const int closed = controller.closed;
        say(text);
        EXPECT_TRUE(until([&] { return controller.closed > closed; })) << text;
    }
    welcome();
    rpc::Transaction transaction;
    transaction.header.epoch = "another";
    say(rpc::TransactionWriter(std::move(transaction), 3).next());
    const auto reply = hear<rpc::Reply>();
    EXPECT_EQ(std::get<rpc::Error>(reply.outcome).code, rpc::ErrorCode::outOfOrder);
    EXPECT_TRUE(until([&] { return controller.closed > 4; }));
}

TEST_F(ControlLinkTest, TakesNothingBeforeTheWelcome) {
    start();
    hear<rpc::HelloRequest>();
    say(snapshot(9));
    EXPECT_TRUE(until([&] { return controller.closed == 1; }));
    EXPECT_EQ(sink.applied, nullptr);
}

TEST_F(ControlLinkTest, AnswersAnUnknownMethod) {
    start();
    welcome();
    say(R"({"jsonrpc":"2.0","method":"later"})");
    say(R"({"jsonrpc":"2.0","id":5,"method":"later"})");
    const auto reply = hear<rpc::Reply>();
    EXPECT_EQ(reply.id, 5U);
    EXPECT_EQ(std::get<rpc::Error>(reply.outcome).code, rpc::ErrorCode::methodNotFound);
    EXPECT_TRUE(link->status().connected);
}

TEST_F(ControlLinkTest, StartsFromWhatItKept) {
    start(directory);
    welcome();
    say(snapshot(9));
    hear<rpc::Reply>();
    link->stop();
    link.reset();
    sink.applied.reset();
    listener.reset();

    start(directory);
    ASSERT_NE(sink.applied, nullptr);
    EXPECT_EQ(sink.applied->root(Lane::config), config.root(Lane::config));
    EXPECT_TRUE(link->status().restored);
    EXPECT_EQ(link->status().epoch, "e");
    EXPECT_EQ(link->receiver().state(Lane::config).version, 5U);
    EXPECT_TRUE(until([&] { return link->status().failures > 1; }));  // and keeps dialing
}

}  // namespace
}  // namespace evergate::dataplane
