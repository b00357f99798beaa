// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/own_sockets.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/dataplane/net/loopback.hpp"

namespace evergate::dataplane {
namespace {

std::uint64_t count(const OwnSockets& sockets, std::string_view state) {
    const auto at = std::find(OwnSockets::kStates.begin(), OwnSockets::kStates.end(), state);
    return sockets.byState[static_cast<std::size_t>(at - OwnSockets::kStates.begin())];
}

TEST(OwnSockets, AgesOnlyThoseInCloseWait) {
    OwnSockets sockets;
    sockets.add(8, std::chrono::seconds(0));
    sockets.add(8, std::chrono::seconds(10));
    sockets.add(8, std::chrono::hours(1));
    sockets.add(1, std::chrono::hours(1));
    sockets.add(12, std::chrono::hours(1));
    EXPECT_EQ(count(sockets, "close_wait"), 3U);
    EXPECT_EQ(count(sockets, "established"), 1U);
    EXPECT_EQ(sockets.closeWait, (std::array<std::uint64_t, 3>{2, 1, 1}));
}

TEST(OwnSockets, FindsThoseOfThisProcess) {
    const net::Socket listener = net::test::listening();
    auto [client, server] = net::test::connectedPair();
    const OwnSockets open = readOwnSockets();
    EXPECT_EQ(count(open, "listen"), 1U);
    EXPECT_EQ(count(open, "established"), 2U);
    client.shutdownWrite();
    ASSERT_TRUE(net::test::waitFor(server.fd(), POLLIN));
    const OwnSockets half = readOwnSockets();
    EXPECT_EQ(count(half, "close_wait"), 1U);
    EXPECT_EQ(count(half, "established"), 0U);
    EXPECT_EQ(half.closeWait[0], 0U);  // it is young
    server.close();
    EXPECT_EQ(count(readOwnSockets(), "close_wait"), 0U);
}

}  // namespace
}  // namespace evergate::dataplane
