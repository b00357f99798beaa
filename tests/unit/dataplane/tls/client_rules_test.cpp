// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/client_rules.hpp"

#include <gtest/gtest.h>

#include <ctime>

#include "tests/support/temporary_certificate.hpp"

namespace evergate::tls {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kHour = 3'600;
constexpr std::int64_t kCentury = 100 * 365 * 24 * kHour;

std::shared_ptr<const ClientRules> rulesWith(const std::string& authorities,
                                             const std::string& revocations) {
    model::ClientVerification value;
    value.mode = model::ClientCertificates::required;
    value.authorities = authorities;
    value.revocations = revocations;
    auto loaded = ClientRules::load(value);
    const auto* const rules = std::get_if<0>(&loaded);
    return rules == nullptr ? nullptr : *rules;
}

TEST(ClientRules, HoldUntilTheFirstOfWhatTheyHaveEnds) {
    const test::TemporaryAuthority one("one");
    const test::TemporaryAuthority two("two");
    const std::int64_t now = std::time(nullptr);
    const auto plain = rulesWith(one.certificatePem(), "");
    ASSERT_TRUE(plain);
    EXPECT_TRUE(plain->heldSince(now, now + kHour));
    EXPECT_FALSE(plain->heldSince(now, now + kCentury)) << "the authority's end";
    const auto lists = rulesWith(one.certificatePem() + two.certificatePem(),
                                 one.revoke({}, 3h) + two.revoke({}, 1h));
    ASSERT_TRUE(lists);
    EXPECT_TRUE(lists->heldSince(now, now + kHour - 60));
    EXPECT_FALSE(lists->heldSince(now, now + kHour + 60));
    EXPECT_TRUE(lists->heldSince(now + kHour + 60, now + 3 * kHour - 60)) << "it took no part";
    EXPECT_FALSE(lists->heldSince(now + kHour + 60, now + 3 * kHour + 60));
}

TEST(ClientRules, WithNothingThatEndsHoldOn) {
    const auto nobody = ClientRules::nobody();
    ASSERT_TRUE(nobody);
    EXPECT_TRUE(nobody->heldSince(0, kCentury));
}

}  // namespace
}  // namespace evergate::tls
