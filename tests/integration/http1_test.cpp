// SPDX-License-Identifier: Apache-2.0
// Every case of tests/integration/http1, as one piece and in drips: how bytes are cut on their way
// must not matter to what is read from them.
#include <gtest/gtest.h>

#include <set>

#include "tests/integration/http1/player.hpp"

namespace evergate::test {
namespace {

const std::filesystem::path kFolder = EVERGATE_SOURCE_DIR "/tests/integration/http1";

class Http1 : public testing::TestWithParam<Case> {};

TEST_P(Http1, InOnePiece) {
    Player(GetParam(), false).play();
}

TEST_P(Http1, InDrips) {
    Player(GetParam(), true).play();
}

INSTANTIATE_TEST_SUITE_P(Cases, Http1, testing::ValuesIn(readCases(kFolder)),
                         [](const auto& tested) { return tested.param.name; });

// README.md says which case stands for which rule.
TEST(Http1Cases, AreListed) {
    std::stringstream readme;
    readme << std::ifstream(kFolder / "README.md").rdbuf();
    std::set<std::string> names;
    for (const Case& one : readCases(kFolder)) {
        EXPECT_TRUE(names.insert(one.name).second) << one.name << " twice";
        EXPECT_FALSE(one.sources.empty()) << one.name << " does not say why";
        EXPECT_NE(readme.str().find('`' + one.name + '`'), std::string::npos) << one.name;
    }
}

}  // namespace
}  // namespace evergate::test
