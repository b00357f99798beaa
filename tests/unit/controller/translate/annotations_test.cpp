// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/annotations.hpp"

#include <gtest/gtest.h>

#include "controller/translate/backend_reference.hpp"

namespace evergate::controller {
namespace {

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
