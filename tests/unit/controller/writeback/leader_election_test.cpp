// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/leader_election.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::writeback {
namespace {

using namespace std::chrono_literals;
using Action = LeaderElection::Action;
using Time = LeaderElection::Time;

// A Lease in a server, and candidates with clocks of their own.
class LeaderElectionTest : public ::testing::Test {
protected:
    static LeaseRecord heldBy(const std::string& holder, const std::string& renewed = "t1") {
        return {holder, 15, "t0", renewed, 3};
    }

    LeaderElection::Step next() { return a.next(now, wall); }

    void become() {
        ASSERT_EQ(next().action, Action::read);
        a.onMissing(now);
        ASSERT_EQ(next().action, Action::create);
        a.onWritten(now);
        ASSERT_TRUE(a.leading(now));
    }

    // Lets time pass until the next step that is no wait.
    LeaderElection::Step skipWait() {
        auto step = next();
        if (step.action == Action::wait) {
            now = step.until;
            step = next();
        }
        return step;
    }

    Time now{1000s};
    WallTime wall{};
    LeaderElection a{{}, "a", 1};
};

TEST_F(LeaderElectionTest, CreatesAMissingLease) {
    EXPECT_FALSE(a.leading(now));
    EXPECT_EQ(next().action, Action::read);
    a.onMissing(now);
    const auto step = next();
    EXPECT_EQ(step.action, Action::create);
    EXPECT_EQ(step.record.holder, "a");
    EXPECT_EQ(step.record.durationSeconds, 15);
    EXPECT_EQ(step.record.transitions, 0);
    EXPECT_EQ(step.record.acquireTime, step.record.renewTime);
    EXPECT_FALSE(a.leading(now));
    a.onWritten(now);
    EXPECT_TRUE(a.leading(now));
    EXPECT_EQ(a.holder(), "a");
}

TEST_F(LeaderElectionTest, RenewsWithoutReadingAndKeepsTheTimeItAcquired) {
    become();
    const auto first = next();
    ASSERT_EQ(first.action, Action::wait);
    EXPECT_GE(first.until, now + 2s);
    EXPECT_LE(first.until, now + 2400ms);
    now = first.until;
    wall += 2s;
    const auto renewal = next();
    EXPECT_EQ(renewal.action, Action::replace);
    EXPECT_EQ(renewal.record.acquireTime, microTime({}));
    EXPECT_EQ(renewal.record.renewTime, microTime(wall));
    EXPECT_EQ(renewal.record.transitions, 0);
}

TEST_F(LeaderElectionTest, StopsLeadingAtTheRenewDeadlineByTimeAlone) {
    become();
    EXPECT_TRUE(a.leading(now + 9999ms));
    EXPECT_FALSE(a.leading(now + 10s));
    EXPECT_EQ(a.leadsUntil(), now + 10s);
}

TEST_F(LeaderElectionTest, CountsItsTimeFromBeforeTheRenewalWasSent) {
    become();
    now = next().until;
    ASSERT_EQ(next().action, Action::replace);
    const auto sent = now;
    now += 4s;  // the answer was slow
    a.onWritten(now);
    EXPECT_EQ(a.leadsUntil(), sent + 10s);
}

TEST_F(LeaderElectionTest, ARenewalAnsweredAfterTheDeadlineDoesNotLead) {
    become();
    now = next().until;
    ASSERT_EQ(next().action, Action::replace);
    now += 10s;
    a.onWritten(now);
    EXPECT_FALSE(a.leading(now));
    // leading => again: the lease still names us
    now += 1ms;
    ASSERT_EQ(next().action, Action::replace);
    a.onWritten(now);
    EXPECT_TRUE(a.leading(now));
}

TEST_F(LeaderElectionTest, OnlyLooksOnWhileNotFit) {
    ASSERT_EQ(a.next(now, wall, false).action, Action::read);
    a.onMissing(now);
    auto step = a.next(now, wall, false);
    ASSERT_EQ(step.action, Action::wait);
    EXPECT_GE(step.until, now + 2s);
    now = step.until;
    ASSERT_EQ(a.next(now, wall, false).action, Action::read);
    a.onRead(heldBy(""), now);
    EXPECT_EQ(a.next(now, wall, false).action, Action::wait);
    // fit => it does not wait for its turn
    ASSERT_EQ(next().action, Action::read);
    a.onRead(heldBy(""), now);
    EXPECT_EQ(next().action, Action::replace);
    a.onWritten(now);
    EXPECT_TRUE(a.leading(now));
}

TEST_F(LeaderElectionTest, LeadsOnWhileNotFitForAMoment) {
    become();
    for (int i = 0; i < 6; ++i) {
        now += 2400ms;  // 14.4 s
        ASSERT_EQ(a.next(now, wall, false).action, Action::replace);
        a.onWritten(now);
        EXPECT_TRUE(a.leading(now));
    }
    now += 2400ms;
    ASSERT_EQ(next().action, Action::replace);  // fit again: patience begins anew
    a.onWritten(now);
    now += 2400ms;
    ASSERT_EQ(a.next(now, wall, false).record.holder, "a");
}

TEST_F(LeaderElectionTest, GivesTheLeaseAwayWhenNotFitForLong) {
    become();
    EXPECT_EQ(a.next(now, wall, false).action, Action::wait);
    const auto since = now;
    Time last = now;
    while (a.leading(now)) {
        now += 2400ms;
        const auto step = a.next(now, wall, false);
        ASSERT_EQ(step.action, Action::replace);
        ASSERT_LT(now - since, 60s);
        if (!step.record.holder.empty()) {
            a.onWritten(now);
            last = now;
        } else {
            EXPECT_EQ(step.record.durationSeconds, 1);
        }
    }
    EXPECT_GE(now - since, 15s);
    EXPECT_LT(last - since, 15s);
    // An answer that was lost: it looks, and gives away what still names it.
    a.onFailed(now);
    now += 3s;
    ASSERT_EQ(a.next(now, wall, false).action, Action::read);
    a.onRead(heldBy("a"), now);
    EXPECT_FALSE(a.leading(now));
    const auto again = a.next(now, wall, false);
    EXPECT_EQ(again.action, Action::replace);
    EXPECT_EQ(again.record.holder, "");
    a.onWritten(now);
    EXPECT_FALSE(a.leading(now));
    EXPECT_EQ(a.holder(), "");
    now += 3s;
    ASSERT_EQ(a.next(now, wall, false).action, Action::read);
    a.onRead(heldBy("b"), now);
    EXPECT_EQ(a.next(now, wall, false).action, Action::wait);
}

TEST_F(LeaderElectionTest, WaitsWhileAnotherRenews) {
    ASSERT_EQ(next().action, Action::read);
    for (int i = 0; i < 20; ++i) {
        a.onRead(heldBy("b", "t" + std::to_string(i)), now);
        const auto step = next();
        ASSERT_EQ(step.action, Action::wait);
        EXPECT_LE(step.until, now + 2400ms);
        EXPECT_FALSE(a.leading(now));
        now = step.until;
        ASSERT_EQ(next().action, Action::read);
    }
    EXPECT_EQ(a.holder(), "b");
}

TEST_F(LeaderElectionTest, TakesOverOnceTheLeaseHasNotChangedForItsDuration) {
    ASSERT_EQ(next().action, Action::read);
    const auto seen = now;
    while (now < seen + 15s) {
        a.onRead(heldBy("b"), now);
        const auto step = next();
        if (step.action == Action::replace) {
            break;
        }
        ASSERT_EQ(step.action, Action::wait);
        now = step.until;
        ASSERT_EQ(next().action, Action::read);
    }
    EXPECT_GE(now, seen + 15s);
    EXPECT_LE(now, seen + 15400ms);  // not a whole retry period later
    a.onRead(heldBy("b"), now);
    const auto step = next();
    ASSERT_EQ(step.action, Action::replace);
    EXPECT_EQ(step.record.holder, "a");
    EXPECT_EQ(step.record.transitions, 4);
    a.onWritten(now);
    EXPECT_TRUE(a.leading(now));
}

TEST_F(LeaderElectionTest, BelievesNoOtherClock) {
    // Renewed in a far past or future by the other's clock: only our own clock counts.
    for (const auto* time : {"1970-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z"}) {
        LeaderElection candidate({}, "c", 2);
        ASSERT_EQ(candidate.next(now, wall).action, Action::read);
        candidate.onRead(heldBy("b", time), now);
        EXPECT_EQ(candidate.next(now, wall).action, Action::wait);
        EXPECT_EQ(candidate.next(now + 20s, wall).action, Action::read);
        candidate.onRead(heldBy("b", time), now + 20s);
        EXPECT_EQ(candidate.next(now + 20s, wall).action, Action::replace);
    }
}

TEST_F(LeaderElectionTest, RespectsTheDurationTheHolderWrote) {
    ASSERT_EQ(next().action, Action::read);
    auto record = heldBy("b");
    record.durationSeconds = 60;
    a.onRead(record, now);
    EXPECT_EQ(next().action, Action::wait);
    now += 30s;
    ASSERT_EQ(next().action, Action::read);
    a.onRead(record, now);
    EXPECT_EQ(next().action, Action::wait);
    // Nonsense in the record never blocks for ever.
    record.durationSeconds = std::numeric_limits<std::int64_t>::max();
    now += 30s;
    ASSERT_EQ(next().action, Action::read);
    a.onRead(record, now);
    now += 3600s;
    ASSERT_EQ(next().action, Action::read);
    a.onRead(record, now);
    EXPECT_EQ(next().action, Action::replace);
}

TEST_F(LeaderElectionTest, TakesAReleasedLeaseAtOnce) {
    ASSERT_EQ(next().action, Action::read);
    a.onRead(heldBy("b"), now);
    now = next().until;
    ASSERT_EQ(next().action, Action::read);
    a.onRead(heldBy("", "t2"), now);
    EXPECT_EQ(next().action, Action::replace);
}

TEST_F(LeaderElectionTest, LosesTheRaceForALease) {
    ASSERT_EQ(next().action, Action::read);
    a.onMissing(now);
    ASSERT_EQ(next().action, Action::create);
    a.onConflict(now);
    EXPECT_FALSE(a.leading(now));
    EXPECT_EQ(skipWait().action, Action::read);
    a.onRead(heldBy("b"), now);
    EXPECT_EQ(next().action, Action::wait);
    EXPECT_FALSE(a.leading(now));
}

TEST_F(LeaderElectionTest, StopsAtOnceWhenAnotherHasIt) {
    become();
    now = next().until;
    ASSERT_EQ(next().action, Action::replace);
    a.onConflict(now);
    EXPECT_TRUE(a.leading(now));  // the deadline still runs
    ASSERT_EQ(skipWait().action, Action::read);
    a.onRead(heldBy("b"), now);
    EXPECT_FALSE(a.leading(now));
    EXPECT_EQ(next().action, Action::wait);
}

TEST_F(LeaderElectionTest, AConflictThatWasSomebodyElsesEditCostsNothing) {
    become();
    now = next().until;
    ASSERT_EQ(next().action, Action::replace);
    a.onConflict(now);
    ASSERT_EQ(skipWait().action, Action::read);
    a.onRead({"a", 15, microTime({}), microTime({}), 0}, now);  // a label was added, say
    const auto step = next();
    EXPECT_EQ(step.action, Action::replace);
    a.onWritten(now);
    EXPECT_TRUE(a.leading(now + 9s));
}

TEST_F(LeaderElectionTest, ReadsAgainAfterAFailedRenewal) {
    become();
    const auto until = a.leadsUntil();
    now = next().until;
    ASSERT_EQ(next().action, Action::replace);
    a.onFailed(now);
    EXPECT_EQ(a.leadsUntil(), until);
    const auto step = next();
    ASSERT_EQ(step.action, Action::wait);
    EXPECT_LE(step.until, now + 1200ms);  // sooner than an ordinary renewal
    now = step.until;
    // The write may have arrived: what is there is looked at first.
    ASSERT_EQ(next().action, Action::read);
    a.onRead({"a", 15, microTime({}), "t9", 0}, now);
    EXPECT_EQ(next().action, Action::replace);
}

TEST_F(LeaderElectionTest, AnOutageEndsLeadingAndItsEndBeginsItAgain) {
    become();
    const auto until = a.leadsUntil();
    while (now < until + 60s) {
        const auto step = skipWait();
        ASSERT_NE(step.action, Action::wait);
        EXPECT_EQ(a.leading(now), now < until);
        now += 500ms;
        a.onFailed(now);
    }
    ASSERT_EQ(skipWait().action, Action::read);
    a.onRead({"a", 15, microTime({}), microTime({}), 0}, now);
    ASSERT_EQ(next().action, Action::replace);
    a.onWritten(now);
    EXPECT_TRUE(a.leading(now));
}

TEST_F(LeaderElectionTest, ADeletedLeaseIsMadeAgainWhileLeading) {
    become();
    now = next().until;
    ASSERT_EQ(next().action, Action::replace);
    a.onMissing(now);
    EXPECT_TRUE(a.leading(now));
    ASSERT_EQ(next().action, Action::create);
    a.onWritten(now);
    EXPECT_EQ(a.leadsUntil(), now + 10s);
}

TEST_F(LeaderElectionTest, AsksRarelyWhileForbidden) {
    ASSERT_EQ(next().action, Action::read);
    a.onFailed(now, true);
    const auto step = next();
    ASSERT_EQ(step.action, Action::wait);
    EXPECT_GE(step.until, now + 10s);
    EXPECT_FALSE(a.leading(now));
    now = step.until;
    EXPECT_EQ(next().action, Action::read);
}

TEST_F(LeaderElectionTest, ReleaseGivesTheLeaseAway) {
    become();
    const auto record = a.release(wall);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->holder, "");
    EXPECT_EQ(record->durationSeconds, 1);
    EXPECT_EQ(record->transitions, 0);
    EXPECT_FALSE(a.leading(now));
    EXPECT_EQ(next().action, Action::wait);
    a.onWritten(now);  // of a renewal that was under way
    EXPECT_FALSE(a.leading(now));
}

TEST_F(LeaderElectionTest, ReleaseOfWhatIsNotOursWritesNothing) {
    ASSERT_EQ(next().action, Action::read);
    a.onRead(heldBy("b"), now);
    EXPECT_FALSE(a.release(wall));
}

// Two candidates and one lease under random failures: never two leaders at once.
TEST(LeaderElection, NeverHasTwoLeaders) {
    struct Server {
        std::optional<LeaseRecord> lease;
        int version = 0;
    };

    struct Candidate {
        LeaderElection election;
        int version = 0;
        std::chrono::milliseconds skew;  // of its steady clock against the other's
        int led = 0;
    };

    std::minstd_rand random(7);
    const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
    Server server;
    std::vector<Candidate> all;
    all.push_back({LeaderElection({}, "a", 1), 0, 0ms, 0});
    all.push_back({LeaderElection({}, "b", 2), 0, 500s, 0});
    for (Time t{1000s}; t < Time{3000s}; t += 100ms) {
        const bool outage = (t.time_since_epoch() / 1s) % 100 > 70;
        for (auto& each : all) {
            const auto now = t + each.skew;
            auto& election = each.election;
            const auto step = election.next(now, WallTime(t.time_since_epoch()));
            if (step.action == Action::wait) {
                continue;
            }
            if (outage && chance(90)) {
                election.onFailed(now);
                continue;
            }
            if (step.action == Action::read) {
                each.version = server.version;
                server.lease ? election.onRead(*server.lease, now) : election.onMissing(now);
                continue;
            }
            const bool may =
                step.action == Action::create ? !server.lease : server.version == each.version;
            if (!may) {
                election.onConflict(now);
                continue;
            }
            server.lease = step.record;
            each.version = ++server.version;
            if (chance(10)) {
                election.onFailed(now);  // written, but the answer was lost
            } else {
                election.onWritten(now);
            }
        }
        const bool first = all[0].election.leading(t + all[0].skew);
        const bool second = all[1].election.leading(t + all[1].skew);
        ASSERT_FALSE(first && second);
        all[0].led += first ? 1 : 0;
        all[1].led += second ? 1 : 0;
    }
    EXPECT_GT(all[0].led + all[1].led, 10'000);  // of 20,000
}

}  // namespace
}  // namespace evergate::controller::writeback
