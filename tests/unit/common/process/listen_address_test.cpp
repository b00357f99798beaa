// SPDX-License-Identifier: Apache-2.0
#include "common/process/listen_address.hpp"

#include <gtest/gtest.h>

namespace evergate::process {
namespace {

TEST(ListenAddress, GoesThereAndBack) {
    for (const char* text : {"127.0.0.1:9301", "0.0.0.0:0", "[::]:80", "[::1]:65535"}) {
        const auto address = parseListenAddress(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(formatListenAddress(*address), text);
    }
    EXPECT_EQ(parseListenAddress("[::1]:80"), (ListenAddress{"::1", 80}));
}

TEST(ListenAddress, RefusesEverythingElse) {
    for (const char* text :
         {"", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
          "127.0.0.1:80x", "127.0.0.1: 80", "localhost:80", "::1:80", "::", "[::1]", "[::1]80",
          "[127.0.0.1]:80", "[]:80", "[:80", "127.0.0.1:80:80"}) {
        EXPECT_EQ(parseListenAddress(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace evergate::process
