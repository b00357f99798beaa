// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/bearer_token.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace evergate::controller::kubernetes {
namespace {

using std::chrono::seconds;

class BearerTokenTest : public ::testing::Test {
protected:
    ~BearerTokenTest() override { std::filesystem::remove(file_); }

    // In place, with the time of before: a change only a fresh read can see.
    void rewriteUnseen(const std::string& text) {
        const auto time = std::filesystem::last_write_time(file_);
        std::ofstream(file_) << text;
        std::filesystem::last_write_time(file_, time);
    }

    std::string file_ = ::testing::TempDir() + "bearer_token_" + std::to_string(::getpid());
    BearerToken::Time now_{seconds(1000)};
};

TEST_F(BearerTokenTest, ReadsTheFileAgainWhenItChanges) {
    std::ofstream(file_) << "first\n";
    BearerToken token({"", file_});
    EXPECT_EQ(token.get(now_), "first");
    std::ofstream(file_) << "second";
    std::filesystem::last_write_time(file_,
                                     std::filesystem::file_time_type::clock::now() + seconds(5));
    EXPECT_EQ(token.get(now_), "second");
}

TEST_F(BearerTokenTest, ReadsTheFileEachMinuteAndAfterARefusal) {
    std::ofstream(file_) << "first";
    BearerToken token({"", file_});
    EXPECT_EQ(token.get(now_), "first");
    rewriteUnseen("other");
    EXPECT_EQ(token.get(now_ + seconds(59)), "first");
    EXPECT_EQ(token.get(now_ + seconds(60)), "other");
    rewriteUnseen("third");
    token.distrust();
    EXPECT_EQ(token.get(now_ + seconds(61)), "third");
}

TEST_F(BearerTokenTest, KeepsTheLastGoodToken) {
    std::ofstream(file_) << "good";
    BearerToken token({"", file_});
    EXPECT_EQ(token.get(now_), "good");
    std::filesystem::remove(file_);
    EXPECT_EQ(token.get(now_), "good");
    std::ofstream(file_) << "bad\r\nX-Injected: 1";
    EXPECT_EQ(token.get(now_ + seconds(100)), "good");
}

TEST_F(BearerTokenTest, TakesATokenInPlace) {
    EXPECT_EQ(BearerToken({" abc \n", ""}).get(now_), "abc");
    EXPECT_EQ(BearerToken({"a b", ""}).get(now_), "");
    EXPECT_EQ(BearerToken({}).get(now_), "");
}

}  // namespace
}  // namespace evergate::controller::kubernetes
