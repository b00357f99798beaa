// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/lease_record.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace evergate::controller::writeback {
namespace {

using nlohmann::json;

const std::string kLease = R"({"kind":"Lease","apiVersion":"coordination.k8s.io/v1",
    "metadata":{"name":"evergate-leader","namespace":"edge","uid":"u1","resourceVersion":"7",
        "labels":{"team":"x"}},
    "spec":{"holderIdentity":"pod_1","leaseDurationSeconds":15,
        "acquireTime":"2026-01-01T00:00:00.000000Z","renewTime":"2026-01-01T00:00:02.000000Z",
        "leaseTransitions":4,"strategy":"kept"}})";

TEST(LeaseRecord, IsReadFromALease) {
    const auto stored = parseLease(kLease);
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->record, (LeaseRecord{"pod_1", 15, "2026-01-01T00:00:00.000000Z",
                                           "2026-01-01T00:00:02.000000Z", 4}));
}

TEST(LeaseRecord, ChangesOnlyItsOwnFields) {
    const LeaseRecord record{"me", 1, "t0", "t1", 5};
    const auto tree = json::parse(changedLeaseJson(*parseLease(kLease), record));
    EXPECT_EQ(tree["metadata"], json::parse(kLease)["metadata"]);
    EXPECT_EQ(tree["spec"]["strategy"], "kept");
    EXPECT_EQ(parseLease(tree.dump())->record, record);
}

TEST(LeaseRecord, IsWrittenAsANewLease) {
    const LeaseRecord record{"me", 15, "t0", "t1", 0};
    const auto text = newLeaseJson("edge", "evergate-leader", record);
    EXPECT_EQ(parseLease(text)->record, record);
    EXPECT_EQ(json::parse(text)["metadata"],
              json::parse(R"({"name":"evergate-leader","namespace":"edge"})"));
}

TEST(LeaseRecord, IsEmptyWhereTheLeaseSaysNothingSensible) {
    for (const auto* text :
         {R"({"kind":"Lease"})", R"({"kind":"Lease","spec":null})", R"({"kind":"Lease","spec":[]})",
          R"({"kind":"Lease","spec":{"holderIdentity":7,"leaseDurationSeconds":"x",
              "renewTime":{},"leaseTransitions":1.5}})"}) {
        const auto stored = parseLease(text);
        ASSERT_TRUE(stored) << text;
        EXPECT_EQ(stored->record, LeaseRecord{}) << text;
        EXPECT_EQ(parseLease(changedLeaseJson(*stored, {"me", 1, "a", "b", 2}))->record.holder,
                  "me");
    }
}

TEST(LeaseRecord, RefusesWhatIsNoLease) {
    for (const auto* text :
         {"", "null", "[]", "{}", "{\"kind\":\"Status\"}", "{\"kind\":\"Lease\""}) {
        EXPECT_FALSE(parseLease(text)) << text;
    }
}

}  // namespace
}  // namespace evergate::controller::writeback
