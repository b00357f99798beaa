// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/delete_brake.hpp"

#include <gtest/gtest.h>

#include "tests/unit/controller/publish/config_maker.hpp"

namespace evergate::controller {
namespace {

using Verdict = DeleteBrake::Verdict;

TEST(DeleteBrake, LetsHalfTheRoutesGo) {
    DeleteBrake brake;
    EXPECT_EQ(brake.judge(makeConfig(4), makeConfig(2), 1), Verdict::pass);
    EXPECT_EQ(brake.judge(model::Config{}, makeConfig(2), 1), Verdict::pass);
    EXPECT_EQ(brake.judge(makeConfig(2), makeConfig(9), 1), Verdict::pass);
}

TEST(DeleteBrake, DoesNotCountCertificates) {
    DeleteBrake brake;
    auto before = makeConfig(4);
    for (int i = 0; i < 100; ++i) {
        before.put({model::Kind::certificate, "shop/" + std::to_string(i)},
                   model::Certificate{{}, "chain", "key", ""});
    }
    EXPECT_EQ(brake.judge(before, makeConfig(4), 1), Verdict::pass);
    EXPECT_EQ(brake.judge(before, makeConfig(1), 1), Verdict::hold);
}

TEST(DeleteBrake, HoldsMoreThanHalfUntilALaterListAgrees) {
    DeleteBrake brake;
    EXPECT_EQ(brake.judge(makeConfig(4), makeConfig(1), 7), Verdict::hold);
    EXPECT_TRUE(brake.holding());
    EXPECT_EQ(brake.judge(makeConfig(4), makeConfig(0), 7), Verdict::hold);
    EXPECT_EQ(brake.judge(makeConfig(4), makeConfig(1), 8), Verdict::pass);
    EXPECT_FALSE(brake.holding());
    EXPECT_EQ(brake.judge(makeConfig(4), makeConfig(1), 9), Verdict::hold);
}

TEST(DeleteBrake, ForgetsWhenTheRoutesAreBack) {
    DeleteBrake brake;
    EXPECT_EQ(brake.judge(makeConfig(4), makeConfig(1), 7), Verdict::hold);
    EXPECT_EQ(brake.judge(makeConfig(4), makeConfig(4), 7), Verdict::pass);
    EXPECT_FALSE(brake.holding());
}

TEST(DeleteBrake, HoldsWhenEveryListenerGoes) {
    DeleteBrake brake;
    model::Config next = makeConfig(4);
    next.erase(listenerKey("http"));
    EXPECT_EQ(brake.judge(makeConfig(4), next, 1), Verdict::hold);
}

TEST(DeleteBrake, RenamedRoutesCountAsGone) {
    model::Config next = makeConfig(0);
    next.put(routeKey("other"), route("/b0", "b0"));
    EXPECT_TRUE(removesMost(makeConfig(1), next));
}

}  // namespace
}  // namespace evergate::controller
