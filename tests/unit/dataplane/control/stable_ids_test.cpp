// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/stable_ids.hpp"

#include <gtest/gtest.h>

namespace evergate::dataplane {
namespace {

using Owner = std::shared_ptr<const int>;
using Ids = std::vector<StableIds::Id>;

Owner makeOwner() {
    return std::make_shared<const int>(0);
}

TEST(StableIds, GivesDenseIdsAndKeepsThemForKnownNames) {
    StableIds ids;
    EXPECT_EQ(ids.reserve("a"), 0U);
    EXPECT_EQ(ids.reserve("b"), 1U);
    EXPECT_EQ(ids.reserve("a"), 0U);
    EXPECT_EQ(ids.nameOf(1), "b");
    EXPECT_EQ(ids.nameOf(7), "");
}

TEST(StableIds, FindsOnlyWhatWasPublished) {
    StableIds ids;
    const auto a = ids.reserve("a");
    EXPECT_FALSE(ids.find("a"));
    const Owner owner = makeOwner();
    ids.commit(owner, {a});
    EXPECT_EQ(ids.find("a"), a);
}

TEST(StableIds, RollbackFreesReservationsOnly) {
    StableIds ids;
    const Owner owner = makeOwner();
    ids.commit(owner, {ids.reserve("kept")});
    const auto refused = ids.reserve("refused");
    ids.rollback();
    EXPECT_EQ(ids.nameOf(refused), "");
    EXPECT_TRUE(ids.find("kept"));
    EXPECT_EQ(ids.reserve("other"), refused);
}

TEST(StableIds, KeepsARetiredIdWhileASnapshotWithItLives) {
    StableIds ids;
    const auto a = ids.reserve("a");
    const auto b = ids.reserve("b");
    Owner first = makeOwner();
    ids.commit(first, {a, b});
    const Owner second = makeOwner();
    ids.commit(second, {b});
    EXPECT_TRUE(ids.collect().empty());
    EXPECT_EQ(ids.find("a"), a);
    EXPECT_NE(ids.reserve("c"), a);

    first.reset();
    EXPECT_EQ(ids.collect(), Ids{a});
    EXPECT_FALSE(ids.find("a"));
    EXPECT_TRUE(ids.collect().empty());
    EXPECT_NE(ids.reserve("d"), a);
    ids.rollback();
    EXPECT_EQ(ids.evict(), Ids{a});
    EXPECT_TRUE(ids.evict().empty());
    EXPECT_EQ(ids.nameOf(a), "");
    EXPECT_EQ(ids.reserve("d"), a);
}

TEST(StableIds, ANameThatComesBackKeepsItsId) {
    StableIds ids;
    const auto a = ids.reserve("a");
    const Owner first = makeOwner();
    ids.commit(first, {a});
    Owner second = makeOwner();
    ids.commit(second, {});
    EXPECT_EQ(ids.reserve("a"), a);
    const Owner third = makeOwner();
    ids.commit(third, {a});
    second.reset();
    EXPECT_TRUE(ids.collect().empty());
    EXPECT_EQ(ids.find("a"), a);
}

// Publishes exactly these names; nothing older lives.
Ids publish(StableIds& ids, Owner& owner, const std::vector<std::string>& names) {
    Ids wanted;
    for (const std::string& name : names)
        wanted.push_back(ids.reserve(name));
    owner = makeOwner();
    ids.commit(owner, wanted);
    ids.collect();
    return ids.evict();
}

TEST(StableIds, RemembersNamesThatComeBack) {
    StableIds ids(2);
    Owner owner;
    publish(ids, owner, {"a", "b", "c"});
    const auto a = *ids.find("a");
    const auto b = *ids.find("b");
    EXPECT_TRUE(publish(ids, owner, {"c"}).empty());
    EXPECT_FALSE(ids.find("a"));
    publish(ids, owner, {"a", "c"});
    EXPECT_EQ(ids.find("a"), a);
    // "b" is the oldest of three that are gone.
    EXPECT_EQ(publish(ids, owner, {}), Ids{b});
    EXPECT_EQ(ids.reserve("new"), b);
}

TEST(StableIds, ARefusedComebackStaysRemembered) {
    StableIds ids(1);
    Owner owner;
    publish(ids, owner, {"a"});
    const auto a = *ids.find("a");
    publish(ids, owner, {});
    EXPECT_EQ(ids.reserve("a"), a);
    ids.rollback();
    EXPECT_FALSE(ids.find("a"));
    EXPECT_NE(ids.reserve("b"), a);
    ids.rollback();
    EXPECT_EQ(ids.reserve("a"), a);
}

TEST(StableIds, AnOlderSnapshotWithoutTheNameDoesNotHoldIt) {
    StableIds ids;
    const Owner old = makeOwner();
    ids.commit(old, {});
    const auto a = ids.reserve("a");
    Owner middle = makeOwner();
    ids.commit(middle, {a});
    const Owner newest = makeOwner();
    ids.commit(newest, {});
    middle.reset();
    EXPECT_EQ(ids.collect(), Ids{a});
}

TEST(StableIds, StaysDenseOverManyRevisions) {
    StableIds ids;
    Owner previous;
    for (int revision = 0; revision < 100; ++revision) {
        const auto id = ids.reserve("app-" + std::to_string(revision));
        EXPECT_LE(id, 3U);
        Owner next = makeOwner();
        ids.commit(next, {id});
        ids.collect();
        ids.evict();
        previous = std::move(next);
    }
    EXPECT_LE(ids.size(), 3U);
}

}  // namespace
}  // namespace evergate::dataplane
