// SPDX-License-Identifier: Apache-2.0
#include "common/rpc/channel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <vector>

#include "common/rpc/limits.hpp"
#include "common/rpc/listener.hpp"
#include "tests/support/self_signed.hpp"

namespace evergate::rpc {
namespace {

namespace asio = boost::asio;

struct Recorder final : ChannelObserver {
    void onOpen() override { open = true; }

    void onMessage(std::string_view text) override {
        messages.emplace_back(text);
        if (dropAfter == messages.size()) {
            channel.reset();  // allowed from any call
        }
    }

    void onWritten() override { ++written; }

    void onClosed(const std::string& why) override { closed = why; }

    bool open = false;
    int written = 0;
    std::size_t dropAfter = 0;
    std::vector<std::string> messages;
    std::string closed;
    std::unique_ptr<Channel> channel;
};

class ChannelTest : public ::testing::Test {
protected:
    ChannelTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "rpcXXXXXX").string();
        directory = ::mkdtemp(pattern.data());
        path = (directory / "s").string();
        std::string error;
        listener = makeListener(
            io, UnixAddress{path}, {},
            [this](std::unique_ptr<Channel> channel) {
                server.channel = std::move(channel);
                server.channel->start(server);
            },
            error);
        EXPECT_EQ(error, "");
    }

    ~ChannelTest() override { std::filesystem::remove_all(directory); }

    void dial() {
        client.channel = makeDialer(io, UnixAddress{path}, {});
        client.channel->start(client);
    }

    bool until(const std::function<bool()>& condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!condition() && std::chrono::steady_clock::now() < end) {
            io.restart();
            io.run_one_for(std::chrono::milliseconds(100));
        }
        return condition();
    }

    bool connect() {
        dial();
        return until([this] { return client.open && server.open; });
    }

    asio::io_context io;
    std::filesystem::path directory;
    std::string path;
    Recorder server;
    Recorder client;
    std::unique_ptr<Listener> listener;
};

TEST_F(ChannelTest, CarriesMessagesBothWaysInOrder) {
    ASSERT_TRUE(connect());
    for (int i = 0; i < 100; ++i) {
        client.channel->send("c" + std::to_string(i));
        server.channel->send("s" + std::to_string(i));
    }
    EXPECT_GT(client.channel->queued(), 0U);
    ASSERT_TRUE(
        until([&] { return server.messages.size() == 100 && client.messages.size() == 100; }));
    EXPECT_EQ(server.messages[42], "c42");
    EXPECT_EQ(client.messages[99], "s99");
    EXPECT_TRUE(until([&] { return client.written == 1; }));
    EXPECT_EQ(client.channel->queued(), 0U);
}

TEST_F(ChannelTest, TakesTheLargestFrameAndNoLarger) {
    ASSERT_TRUE(connect());
    client.channel->send(std::string(kMaxFrameBytes, 'x'));
    ASSERT_TRUE(until([&] { return server.messages.size() == 1; }));
    client.channel->send(std::string(kMaxFrameBytes + 1, 'x'));
    ASSERT_TRUE(until([&] { return !server.closed.empty(); }));
    EXPECT_EQ(server.messages.size(), 1U);
}

TEST_F(ChannelTest, FinishesWhatIsQueuedBeforeItCloses) {
    ASSERT_TRUE(connect());
    client.channel->send(std::string(kPartBytes, 'x'));
    client.channel->send("last");
    client.channel->finish();
    ASSERT_TRUE(until([&] { return !server.closed.empty() && !client.closed.empty(); }));
    ASSERT_EQ(server.messages.size(), 2U);
    EXPECT_EQ(server.messages[1], "last");
}

TEST_F(ChannelTest, MayBeDestroyedFromItsOwnCalls) {
    ASSERT_TRUE(connect());
    server.dropAfter = 1;
    client.channel->send("a");
    client.channel->send("b");
    ASSERT_TRUE(until([&] { return !client.closed.empty(); }));
    EXPECT_EQ(server.messages.size(), 1U);
    EXPECT_EQ(server.closed, "");
}

TEST_F(ChannelTest, NoticesThatNobodyIsThere) {
    listener.reset();
    EXPECT_FALSE(std::filesystem::exists(path));
    dial();
    ASSERT_TRUE(until([&] { return !client.closed.empty(); }));
    EXPECT_FALSE(client.open);
}

// Dials a host by name, with the lookup given.
class NamedHost : public ChannelTest {
protected:
    NamedHost() {
        const test::SelfSigned identity = test::selfSigned({{"controller.test"}});
        std::ofstream(directory / "chain") << identity.chain;
        std::ofstream(directory / "key") << identity.key;
    }

    void dial(std::uint16_t port, process::NameResolver::Lookup lookup) {
        const std::string chain = (directory / "chain").string();
        client.channel = makeDialer(
            io, TcpAddress{"controller.test", port}, {chain, (directory / "key").string(), chain},
            std::make_shared<process::NameResolver>(io.get_executor(), std::move(lookup)));
        client.channel->start(client);
    }
};

TEST_F(NamedHost, IsLookedUp) {
    asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    bool reached = false;
    acceptor.async_accept(
        [&](boost::system::error_code error, const asio::ip::tcp::socket&) { reached = !error; });
    std::promise<std::string> asked;
    dial(acceptor.local_endpoint().port(), [&asked](const std::string& host) {
        asked.set_value(host);
        return process::Resolved{{}, {asio::ip::address_v4::loopback()}};
    });
    EXPECT_TRUE(until([&] { return reached; }));
    EXPECT_EQ(asked.get_future().get(), "controller.test");
}

TEST_F(NamedHost, SaysWhyItIsUnknown) {
    dial(1, [](const std::string&) { return process::Resolved{asio::error::host_not_found, {}}; });
    EXPECT_TRUE(until([&] { return !client.closed.empty(); }));
    EXPECT_EQ(client.closed.rfind("resolve: ", 0), 0u) << client.closed;
}

// A lookup that hangs is nobody's business once the dialer is gone: the loop runs dry.
TEST_F(NamedHost, NobodyWaitsForItsLookup) {
    auto end = std::make_shared<std::promise<void>>();
    dial(1, [over = std::shared_future<void>(end->get_future())](const std::string&) {
        over.wait();
        return process::Resolved{asio::error::host_not_found, {}};
    });
    io.poll();
    client.channel.reset();
    listener.reset();
    io.restart();
    io.run_for(std::chrono::seconds(60));
    EXPECT_TRUE(io.stopped());
    EXPECT_EQ(client.closed, "");
    end->set_value();
}

TEST_F(ChannelTest, RefusesWhatIsNoWebSocket) {
    asio::local::stream_protocol::socket raw(io);
    raw.connect(asio::local::stream_protocol::endpoint(path));
    asio::write(raw, asio::buffer(std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
    ASSERT_TRUE(until([&] { return !server.closed.empty(); }));
    EXPECT_FALSE(server.open);
}

TEST_F(ChannelTest, SocketFileIsForOwnerAndGroup) {
    struct stat info {};

    ASSERT_EQ(::lstat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0660U);
}

TEST_F(ChannelTest, ListenerReplacesADeadFileOnly) {
    std::string error;
    const auto ignore = [](std::unique_ptr<Channel>) {};
    EXPECT_EQ(makeListener(io, UnixAddress{path}, {}, ignore, error), nullptr);
    EXPECT_NE(error, "");

    const std::string dead = (directory / "dead").string();
    {
        asio::local::stream_protocol::acceptor acceptor(
            io, asio::local::stream_protocol::endpoint(dead));
    }
    ASSERT_TRUE(std::filesystem::exists(dead));
    error.clear();
    EXPECT_NE(makeListener(io, UnixAddress{dead}, {}, ignore, error), nullptr) << error;

    const std::string plain = (directory / "plain").string();
    ::close(::open(plain.c_str(), O_CREAT | O_WRONLY, 0600));
    EXPECT_EQ(makeListener(io, UnixAddress{plain}, {}, ignore, error), nullptr);
    EXPECT_TRUE(std::filesystem::exists(plain));
}

TEST_F(ChannelTest, ListenerRefusesTcpWithoutCertificates) {
    std::string error;
    EXPECT_EQ(makeListener(
                  io, TcpAddress{"127.0.0.1", 0}, {}, [](auto) {}, error),
              nullptr);
    EXPECT_NE(error, "");
}

}  // namespace
}  // namespace evergate::rpc
