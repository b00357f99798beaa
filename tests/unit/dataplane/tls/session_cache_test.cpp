// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/session_cache.hpp"

#include <gtest/gtest.h>

namespace evergate::tls {
namespace {

constexpr SessionCache::Scope kHere{1};
constexpr SessionCache::Scope kElsewhere{2};

std::string id(int number) {
    std::string text = std::to_string(number);
    text.resize(SessionCache::kIdBytes, '.');
    return text;
}

TEST(SessionCache, FindsWhatItKeptAsOftenAsAsked) {
    SessionCache cache;
    EXPECT_EQ(cache.find(id(1), kHere, 0), "");
    cache.keep(id(1), kHere, "one", 10);
    cache.keep(id(2), kHere, "two", 10);
    EXPECT_EQ(cache.find(id(1), kHere, 0), "one");
    EXPECT_EQ(cache.find(id(2), kHere, 0), "two");
    EXPECT_EQ(cache.find(id(1), kHere, 9), "one");
    cache.keep(id(1), kElsewhere, "other", 10);
    EXPECT_EQ(cache.find(id(1), kElsewhere, 0), "other") << "in place of the one before";
    EXPECT_EQ(cache.size(), 2u);
}

TEST(SessionCache, OpensNothingElsewhere) {
    SessionCache cache;
    cache.keep(id(1), kHere, "one", 10);
    EXPECT_EQ(cache.find(id(1), kElsewhere, 0), "");
    EXPECT_EQ(cache.find(id(1).substr(1), kHere, 0), "");
    EXPECT_EQ(cache.find("", kHere, 0), "");
    EXPECT_EQ(cache.find(id(1), kHere, 0), "one") << "who was wrong takes nothing away";
}

TEST(SessionCache, TheLeastRecentlyUsedGoes) {
    SessionCache cache(3);
    for (int i = 1; i <= 3; ++i)
        cache.keep(id(i), kHere, "x", 10);
    EXPECT_NE(cache.find(id(1), kHere, 0), "");
    EXPECT_EQ(cache.find(id(2), kElsewhere, 0), "") << "which is no use";
    cache.keep(id(4), kHere, "x", 10);
    EXPECT_EQ(cache.find(id(2), kHere, 0), "");
    cache.keep(id(5), kHere, "x", 10);
    EXPECT_EQ(cache.find(id(3), kHere, 0), "");
    for (const int kept : {1, 4, 5})
        EXPECT_NE(cache.find(id(kept), kHere, 0), "") << kept;
    EXPECT_EQ(cache.size(), 3u);
    SessionCache nothing(0);
    nothing.keep(id(1), kHere, "x", 10);
    EXPECT_EQ(nothing.size(), 0u);
}

TEST(SessionCache, HoldsNoMoreThanItMay) {
    SessionCache cache;
    for (int i = 0; i < static_cast<int>(3 * SessionCache::kMost); ++i)
        cache.keep(id(i), kHere, "x", 10);
    EXPECT_EQ(cache.size(), SessionCache::kMost);
    EXPECT_NE(cache.find(id(3 * SessionCache::kMost - 1), kHere, 0), "");
}

TEST(SessionCache, ForgetsAtItsTime) {
    SessionCache cache;
    cache.keep(id(1), kHere, "one", 10);
    cache.keep(id(2), kHere, "two", 20);
    cache.keep(id(3), kHere, "three", 20);
    EXPECT_EQ(cache.find(id(1), kHere, 10), "");
    EXPECT_EQ(cache.size(), 2u);
    cache.dropExpired(19);
    EXPECT_EQ(cache.size(), 2u);
    cache.forget(id(2));
    cache.forget(id(7));
    EXPECT_EQ(cache.find(id(2), kHere, 0), "");
    cache.dropExpired(20);
    EXPECT_EQ(cache.size(), 0u);
    cache.keep(id(1), kHere, "one", 30);
    EXPECT_EQ(cache.find(id(1), kHere, 20), "one");
}

TEST(SessionCache, KeepsNothingOfOtherSizes) {
    SessionCache cache;
    cache.keep(id(1), kHere, std::string(SessionCache::kMostBytes + 1, 'x'), 10);
    cache.keep("", kHere, "x", 10);
    cache.keep(id(1) + "x", kHere, "x", 10);
    EXPECT_EQ(cache.size(), 0u);
    cache.keep(id(1), kHere, std::string(SessionCache::kMostBytes, 'x'), 10);
    EXPECT_EQ(cache.size(), 1u);
}

}  // namespace
}  // namespace evergate::tls
