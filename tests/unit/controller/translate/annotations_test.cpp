// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/annotations.hpp"

#include <gtest/gtest.h>

#include "controller/translate/backend_reference.hpp"

namespace evergate::controller {
namespace {

using model::BalanceAlgorithm;
using model::HashOn;

TEST(Annotations, ReadsEveryWayToBalance) {
    const auto read = [](std::string_view text) {
        return std::get<LoadBalance>(parseLoadBalance(text));
    };
    EXPECT_EQ(read("round-robin"), (LoadBalance{}));
    EXPECT_EQ(read("least-request").algorithm, BalanceAlgorithm::leastRequest);
    EXPECT_EQ(read("hash"),
              (LoadBalance{BalanceAlgorithm::consistentHash, HashOn::clientAddress, ""}));
    EXPECT_EQ(read("hash:path"), (LoadBalance{BalanceAlgorithm::consistentHash, HashOn::path, ""}));
    EXPECT_EQ(read("hash:header:X-User"),
              (LoadBalance{BalanceAlgorithm::consistentHash, HashOn::header, "x-user"}));
}

TEST(Annotations, RefusesOtherWaysToBalance) {
    for (const char* text : {"", "Round-Robin", "round-robin ", "hash:", "hash:header:",
                             "hash:cookie:a", "hash:header:a b", "hash:header:a\r\nb", "random"}) {
        EXPECT_TRUE(std::holds_alternative<SyntaxError>(parseLoadBalance(text))) << text;
    }
}

TEST(Annotations, ReadsPortsStrictly) {
    EXPECT_EQ(std::get<std::uint16_t>(parsePort("65535")), 65535);
    for (const char* text : {"", "0", "65536", "-1", "+1", "080", "80 ", "0x50", "http"}) {
        EXPECT_TRUE(std::holds_alternative<SyntaxError>(parsePort(text))) << text;
    }
}

TEST(BackendReference, ReadsItsNameBack) {
    for (const BackendReference& reference : {BackendReference{{"shop", "cart"}, {"http", 0}},
                                              BackendReference{{"a", "b.c"}, {"", 8080}}}) {
        EXPECT_EQ(BackendReference::parse(reference.backendName()), reference);
    }
    for (const char* text : {"", "a", "a/b", "a/b/", "/b/c", "a//c", "a/b/c/d", "a/b/0", "a/B/c"}) {
        EXPECT_FALSE(BackendReference::parse(text)) << text;
    }
}

}  // namespace
}  // namespace evergate::controller
