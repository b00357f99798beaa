// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/client_limits.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace evergate::worker {
namespace {

using http::ProxyError;

net::SocketAddress address(std::string_view text) {
    return *net::SocketAddress::parse(text, 1'234);
}

std::uint64_t keyOf(std::string_view text) {
    return ClientTable::keyOf(address(text));
}

TEST(ClientTable, CountsAnIpv6NetworkAsOneClient) {
    EXPECT_EQ(keyOf("2001:db8:1:2::1"), keyOf("2001:db8:1:2:ffff::9"));
    EXPECT_NE(keyOf("2001:db8:1:2::1"), keyOf("2001:db8:1:3::1"));
    EXPECT_NE(keyOf("10.0.0.1"), keyOf("10.0.0.2"));
    EXPECT_EQ(keyOf("10.0.0.1"), keyOf("::ffff:10.0.0.1"));
    // What is written like a small number is nobody else, and never 0.
    EXPECT_NE(keyOf("::1"), keyOf("0.0.0.1"));
    EXPECT_NE(keyOf("::1"), 0u);
    EXPECT_NE(keyOf("0.0.0.0"), 0u);
}

TEST(ClientTable, ForgetsClientsWithoutConnections) {
    ClientTable table;
    EXPECT_TRUE(table.tryTake(7, 2));
    EXPECT_TRUE(table.tryTake(7, 2));
    EXPECT_FALSE(table.tryTake(7, 2));
    EXPECT_FALSE(table.tryTake(8, 0));
    EXPECT_EQ(table.size(), 1u);
    table.giveBack(7);
    table.giveBack(7);
    table.giveBack(7);  // one too many does no harm
    EXPECT_EQ(table.size(), 0u);
}

class ClientLimitsTest : public testing::Test {
protected:
    ProxyError admit(ClientLimits& limits, std::uint32_t listenerMost = 0,
                     std::uint32_t perClient = 0, std::string_view client = "10.0.0.1") {
        const net::SocketAddress from = address(client);
        return limits.admit(*listener, listenerMost, &from, perClient, key);
    }

    std::shared_ptr<ConnectionCount> listener = std::make_shared<ConnectionCount>();
    std::uint64_t key = 0;
};

TEST_F(ClientLimitsTest, SaysWhichLimitItIs) {
    ClientLimits limits(3);
    EXPECT_EQ(admit(limits, 2), ProxyError::none);
    EXPECT_EQ(admit(limits, 2), ProxyError::none);
    EXPECT_EQ(admit(limits, 2), ProxyError::listenerConnections);
    EXPECT_EQ(admit(limits), ProxyError::none);
    EXPECT_EQ(admit(limits), ProxyError::tooManyConnections);
    EXPECT_EQ(limits.connections(), 3u);
    EXPECT_EQ(listener->used(), 3u);
    limits.release(*listener, 0);
    EXPECT_EQ(admit(limits), ProxyError::none);
}

TEST_F(ClientLimitsTest, CountsByClientOnlyWhileThereIsALimit) {
    ClientLimits limits(0);
    EXPECT_EQ(admit(limits), ProxyError::none);
    EXPECT_EQ(key, 0u);
    EXPECT_EQ(limits.clients(), 0u);
    EXPECT_EQ(admit(limits, 0, 1), ProxyError::none);
    const std::uint64_t counted = key;
    EXPECT_NE(counted, 0u);
    EXPECT_EQ(admit(limits, 0, 1), ProxyError::clientConnections);
    EXPECT_EQ(key, 0u);
    EXPECT_EQ(admit(limits, 0, 1, "10.0.0.2"), ProxyError::none);
    limits.release(*listener, counted);
    EXPECT_EQ(admit(limits, 0, 1), ProxyError::none);
    // Nobody's: a load balancer, before it said whose connection it is.
    EXPECT_EQ(limits.admit(*listener, 0, nullptr, 1, key), ProxyError::none);
    EXPECT_EQ(key, 0u);
}

TEST_F(ClientLimitsTest, ARefusalLeavesNothingCounted) {
    ClientLimits limits(1);
    EXPECT_EQ(admit(limits, 1, 1), ProxyError::none);
    EXPECT_EQ(admit(limits, 2, 5, "10.0.0.9"), ProxyError::tooManyConnections);
    EXPECT_EQ(admit(limits, 1, 5, "10.0.0.9"), ProxyError::listenerConnections);
    EXPECT_EQ(limits.clients(), 1u);
    EXPECT_EQ(listener->used(), 1u);
    EXPECT_EQ(limits.connections(), 1u);
}

TEST_F(ClientLimitsTest, AListenerThatComesBackHasTheSameCount) {
    ClientLimits limits(0);
    auto first = limits.listener("http");
    EXPECT_EQ(limits.listener("http"), first);
    EXPECT_NE(limits.listener("other"), first);
    first->tryTake(0);
    const std::weak_ptr<ConnectionCount> gone = std::exchange(first, nullptr);
    EXPECT_TRUE(gone.expired());
    EXPECT_EQ(limits.listener("http")->used(), 0u);
}

TEST_F(ClientLimitsTest, IsExactWhateverThreadAsks) {
    constexpr std::uint32_t kMost = 50;
    ClientLimits limits(kMost);
    std::atomic<std::uint32_t> admitted{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            const net::SocketAddress from = address("10.0.0.1");
            for (int n = 0; n < 1'000; ++n) {
                std::uint64_t mine = 0;
                if (limits.admit(*listener, 60, &from, 55, mine) == ProxyError::none)
                    ++admitted;
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(admitted, kMost);
    EXPECT_EQ(limits.connections(), kMost);
    EXPECT_EQ(listener->used(), kMost);
}

}  // namespace
}  // namespace evergate::worker
