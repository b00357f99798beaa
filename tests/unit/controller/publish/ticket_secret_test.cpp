// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/ticket_secret.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "common/rpc/limits.hpp"

namespace evergate::controller {
namespace {

TEST(TicketSecret, GivesEveryPeriodItsKey) {
    const TicketSecret secret(std::string(32, 's'));
    const auto keys = secret.keysOf(1000);
    ASSERT_EQ(keys.size(), rpc::kMaxTicketKeys);
    for (const std::string& key : keys)
        EXPECT_EQ(key.size(), rpc::kTicketKeyBytes);
    EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), keys.size());
    // A period later the next key seals, and those that sealed before still open.
    const auto later = secret.keysOf(1001);
    EXPECT_EQ(later[0], keys[1]);
    EXPECT_EQ(later[2], keys[0]);
    EXPECT_EQ(later[3], keys[2]);
}

TEST(TicketSecret, IsAllThatControllersMustShare) {
    EXPECT_EQ(TicketSecret(std::string(40, 's')).keysOf(7),
              TicketSecret(std::string(40, 's')).keysOf(7));
    EXPECT_NE(TicketSecret(std::string(40, 's')).keysOf(7),
              TicketSecret(std::string(40, 't')).keysOf(7));
    const auto one = TicketSecret::random();
    const auto two = TicketSecret::random();
    ASSERT_TRUE(one && two);
    EXPECT_NE(one->keysOf(7), two->keysOf(7));
}

TEST(TicketSecret, KnowsThePeriod) {
    using std::chrono::system_clock;
    const system_clock::time_point begin(TicketSecret::kPeriod * 5);
    EXPECT_EQ(TicketSecret::periodOf(begin), 5);
    EXPECT_EQ(TicketSecret::periodOf(begin + TicketSecret::kPeriod - std::chrono::seconds(1)), 5);
    EXPECT_EQ(TicketSecret::periodOf(begin + TicketSecret::kPeriod), 6);
}

TEST(TicketSecret, IsReadFromAFile) {
    namespace fs = std::filesystem;
    std::string name = (fs::temp_directory_path() / "evergate-secret-XXXXXX").string();
    const fs::path folder = mkdtemp(name.data());
    const std::string path = folder / "secret";
    std::string error;
    EXPECT_FALSE(TicketSecret::fromFile(path, error));
    EXPECT_NE(error.find("No such file"), std::string::npos) << error;
    std::ofstream(path) << std::string(31, 'x');
    EXPECT_FALSE(TicketSecret::fromFile(path, error));
    EXPECT_NE(error.find("at least 32"), std::string::npos) << error;
    EXPECT_EQ(error.find("xx"), std::string::npos);
    std::ofstream(path) << std::string(32, 'x');
    const auto secret = TicketSecret::fromFile(path, error);
    ASSERT_TRUE(secret);
    EXPECT_EQ(secret->keysOf(3), TicketSecret(std::string(32, 'x')).keysOf(3));
    fs::remove_all(folder);
}

}  // namespace
}  // namespace evergate::controller
