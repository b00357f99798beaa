// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/app_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/marathon/samples.hpp"

namespace evergate::controller::marathon {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const AppStore::Time kStart{1000s};

AppStore::Now at(std::chrono::seconds after = 0s) {
    return {kStart + after, 1'700'000'000 + after.count()};
}

App app(const std::string& id, const std::vector<std::string>& tasks) {
    auto made = appWith(id, {10000});
    for (const auto& task : tasks) {
        made.tasks.push_back(taskAt(task, "10.0.0.1", {31000}));
    }
    return made;
}

AppList list(std::vector<App> apps) {
    return {std::move(apps), {}};
}

std::vector<std::string> tasksOf(const AppStore& store, const std::string& id) {
    std::vector<std::string> ids;
    const auto found = store.apps().find(id);
    if (found != store.apps().end()) {
        for (const auto& task : found->second.tasks) {
            ids.push_back(task.id);
        }
    }
    return ids;
}

TEST(AppStore, TellsShapesFromTasks) {
    AppStore store;
    EXPECT_TRUE(store.applyList(list({app("/a", {"1"}), app("/b", {"2"})}), at()).shape);
    auto change = store.applyList(list({app("/a", {"1"}), app("/b", {"2"})}), at());
    EXPECT_FALSE(change.any());
    change = store.applyList(list({app("/a", {"1", "3"}), app("/b", {"2"})}), at());
    EXPECT_FALSE(change.shape);
    EXPECT_THAT(change.tasksOf, ElementsAre("/a"));
    EXPECT_TRUE(store.applyList(list({app("/a", {"1", "3"})}), at()).shape);
    EXPECT_EQ(store.apps().size(), 1U);
}

TEST(AppStore, KeepsAnEndedTaskEnded) {
    AppStore store;
    store.applyList(list({app("/a", {"1", "2"})}), at());
    EXPECT_EQ(store.taskEnding("/a", "1", kStart + 1s), "/a");
    EXPECT_EQ(store.taskEnding("/a", "1", kStart + 1s), "") << "it has gone already";
    EXPECT_THAT(tasksOf(store, "/a"), ElementsAre("2"));
    // An answer that was under way, and one that lags.
    store.applyList(list({app("/a", {"1", "2"})}), at(0s));
    EXPECT_THAT(tasksOf(store, "/a"), ElementsAre("2"));
    AppStore::Change change;
    store.applyOne("/a", list({app("/a", {"1", "2"})}), at(5s), change);
    EXPECT_THAT(tasksOf(store, "/a"), ElementsAre("2"));
    EXPECT_FALSE(change.any());
    // Much later Marathon is right.
    store.applyList(list({app("/a", {"1", "2"})}), at(60s));
    EXPECT_THAT(tasksOf(store, "/a"), ElementsAre("1", "2"));
    store.applyList(list({app("/a", {"1", "2"})}), at(61s));
    EXPECT_EQ(store.endedTasks(), 0U);
}

TEST(AppStore, TakesATaskBackThatRuns) {
    AppStore store;
    store.applyList(list({app("/a", {"1", "2"})}), at());
    store.taskEnding("/a", "1", kStart);
    store.taskAlive("1");
    store.applyList(list({app("/a", {"1", "2"})}), at(1s));
    EXPECT_THAT(tasksOf(store, "/a"), ElementsAre("1", "2"));
}

TEST(AppStore, KeepsTheLastGoodApp) {
    AppStore store;
    store.applyList(list({app("/a", {"1"}), app("/b", {"2"})}), at());
    auto next = list({app("/b", {"2"})});
    next.malformed.push_back({"/a", "ports", "must be a list"});
    EXPECT_EQ(store.compare(next).appsLost, 0U);
    EXPECT_TRUE(store.applyList(std::move(next), at(1s)).shape) << "there is a problem to report";
    EXPECT_THAT(tasksOf(store, "/a"), ElementsAre("1"));
    ASSERT_EQ(store.malformed().size(), 1U);

    AppStore::Change change;
    store.applyOne("/a", list({app("/a", {"1", "9"})}), at(2s), change);
    EXPECT_TRUE(change.shape);
    EXPECT_THAT(store.malformed(), IsEmpty());
    EXPECT_THAT(tasksOf(store, "/a"), ElementsAre("1", "9"));
}

TEST(AppStore, KeepsTasksThatAnAnswerDoesNotMention) {
    AppStore store;
    store.applyList(list({app("/a", {"1"})}), at());
    auto silent = app("/a", {});
    silent.tasksKnown = false;
    EXPECT_EQ(store.compare(list({silent})).tasksNow, 1U);
    store.applyList(list({silent}), at(1s));
    EXPECT_THAT(tasksOf(store, "/a"), ElementsAre("1"));
    EXPECT_EQ(store.malformed().size(), 1U);
}

TEST(AppStore, DoubtsAnAppThatLostAllTasks) {
    AppStore store;
    store.applyList(list({app("/a", {"1"})}), at());
    AppStore::Change change;
    EXPECT_EQ(store.applyOne("/a", list({app("/a", {})}), at(1s), change), AppStore::One::doubtful);
    EXPECT_EQ(store.applyOne("/a", list({app("/b", {})}), at(1s), change), AppStore::One::doubtful);
    EXPECT_THAT(tasksOf(store, "/a"), ElementsAre("1"));
    store.taskEnding("/a", "1", kStart + 1s);
    EXPECT_EQ(store.applyOne("/a", list({app("/a", {})}), at(1s), change), AppStore::One::taken);
}

TEST(AppStore, CountsWhatAListLost) {
    AppStore store;
    store.applyList(list({app("/a", {"1"}), app("/b", {"2"}), app("/c", {"3"})}), at());
    auto change = store.compare(list({app("/a", {})}));
    EXPECT_EQ(change.appsBefore, 3U);
    EXPECT_EQ(change.appsLost, 2U);
    EXPECT_EQ(change.tasksBefore, 3U);
    EXPECT_EQ(change.tasksNow, 0U);
    store.expectGone("/b");
    store.expectGone("/c");
    change = store.compare(list({app("/a", {"1"})}));
    EXPECT_EQ(change.appsBefore, 1U);
    EXPECT_EQ(change.appsLost, 0U);
}

TEST(AppStore, RemembersHealthOverAChangeOfLeader) {
    AppStore store;
    const auto withHealth = [](std::optional<bool> first, std::optional<bool> second) {
        auto made = app("/a", {"1", "2"});
        made.shape.checks = {{"HTTP", 0, false, std::nullopt}};
        made.tasks[0].alive = first;
        made.tasks[1].alive = second;
        return list({made});
    };
    store.applyList(withHealth(std::nullopt, std::nullopt), at());
    EXPECT_THAT(tasksOf(store, "/a"), IsEmpty()) << "not known to be good yet";
    store.applyList(withHealth(true, false), at(1s));
    EXPECT_THAT(tasksOf(store, "/a"), ElementsAre("1"));
    store.applyList(withHealth(std::nullopt, std::nullopt), at(2s));
    EXPECT_THAT(tasksOf(store, "/a"), ElementsAre("1"));
    store.applyList(withHealth(false, true), at(3s));
    EXPECT_THAT(tasksOf(store, "/a"), ElementsAre("2"));
}

TEST(HealthMemory, TakesATaskThatOutlivedItsChecks) {
    HealthMemory memory;
    auto old = app("/a", {"old", "young", "unknown"});
    old.shape.checks = {{"HTTP", 0, false, 60}};
    old.tasks[0].startedAt = 1'000;
    old.tasks[1].startedAt = 1'950;
    memory.admit(old, 2'000);
    ASSERT_EQ(old.tasks.size(), 1U);
    EXPECT_EQ(old.tasks[0].id, "old");
    auto unkillable = app("/a", {"x"});
    unkillable.shape.checks = {{"HTTP", 0, false, std::nullopt}};
    unkillable.tasks[0].startedAt = 1'000;
    memory.admit(unkillable, 1'000'000);
    EXPECT_THAT(unkillable.tasks, IsEmpty());
}

TEST(ListGuard, BelievesWhatIsLikely) {
    ListGuard guard(30s);
    EXPECT_EQ(guard.judge({0, 0, 0, 0}, kStart), ListGuard::Verdict::believe);
    EXPECT_EQ(guard.judge({4, 2, 8, 4}, kStart), ListGuard::Verdict::believe);
    EXPECT_EQ(guard.judge({4, 0, 0, 0}, kStart), ListGuard::Verdict::believe);
    EXPECT_FALSE(guard.doubting());
}

TEST(ListGuard, HoldsWhatIsNotUntilItsPatienceEnds) {
    for (const auto& change : {ListGuard::Change{4, 3, 8, 2}, ListGuard::Change{1, 1, 0, 0},
                               ListGuard::Change{4, 0, 8, 0}}) {
        ListGuard guard(30s);
        EXPECT_EQ(guard.judge(change, kStart), ListGuard::Verdict::hold);
        EXPECT_EQ(guard.judge(change, kStart + 29s), ListGuard::Verdict::hold);
        EXPECT_EQ(guard.judge(change, kStart + 30s), ListGuard::Verdict::confirm);
        guard.believed();
        EXPECT_EQ(guard.judge(change, kStart + 31s), ListGuard::Verdict::hold);
    }
}

}  // namespace
}  // namespace evergate::controller::marathon
