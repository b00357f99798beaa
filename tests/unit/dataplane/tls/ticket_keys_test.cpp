// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/ticket_keys.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "dataplane/tls/openssl_ptr.hpp"

namespace evergate::tls {
namespace {

struct Crypto {
    OpensslPtr<EVP_CIPHER_CTX> cipher{EVP_CIPHER_CTX_new()};
    OpensslPtr<EVP_MAC> kind{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
    OpensslPtr<EVP_MAC_CTX> mac{EVP_MAC_CTX_new(kind.get())};
};

TEST(TicketKeys, OpenWhatTheyOnceSealed) {
    auto keys = TicketKeys::next(nullptr);
    ASSERT_TRUE(keys);
    unsigned char name[16];
    unsigned char iv[16];
    Crypto sealing;
    ASSERT_EQ(keys->seal(name, iv, sealing.cipher.get(), sealing.mac.get()), 1);
    const int expected[] = {1, 2, 2, 0};
    for (const int result : expected) {
        Crypto opening;
        EXPECT_EQ(keys->open(name, iv, opening.cipher.get(), opening.mac.get()), result);
        keys = TicketKeys::next(keys.get());
        EXPECT_LE(keys->keys().size(), TicketKeys::kOwn);
    }
}

TEST(TicketKeys, OfTheControllerSealAndOurOwnStillOpen) {
    const auto own = TicketKeys::next(nullptr);
    const std::vector<std::string> given{std::string(80, 'a'), std::string(80, 'b')};
    const auto keys = TicketKeys::of(given, own.get());
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->keys().size(), 3u);
    EXPECT_EQ(keys->keys()[0].name[0], 'a');
    EXPECT_EQ(keys->keys()[1].mac[31], 'b');
    EXPECT_EQ(keys->keys()[2].cipher, own->keys()[0].cipher);
    // The same again adds nothing, and there is an end to it.
    EXPECT_EQ(TicketKeys::of(given, keys.get())->keys().size(), 3u);
    auto many = keys;
    for (char c = 'c'; c < 'z'; ++c) {
        const std::vector<std::string> next{std::string(80, c)};
        many = TicketKeys::of(next, many.get());
        ASSERT_TRUE(many);
        EXPECT_LE(many->keys().size(), TicketKeys::kMost);
        EXPECT_EQ(many->keys()[0].name[0], static_cast<unsigned char>(c));
    }
    const std::vector<std::string> bad{std::string(79, 'a')};
    EXPECT_FALSE(TicketKeys::of(bad, nullptr));
    EXPECT_FALSE(TicketKeys::of({}, own.get()));
}

class GivenKeys : public testing::Test {
protected:
    // A key of a secret (a letter) and a period.
    static std::string key(char secret, int period) {
        std::string bytes(80, secret);
        bytes[0] = static_cast<char>(period);
        return bytes;
    }

    // What a controller gives in that period.
    void give(char secret, int period) {
        const std::vector<std::string> given{key(secret, period), key(secret, period + 1),
                                             key(secret, period - 1), key(secret, period - 2)};
        keys = TicketKeys::of(given, keys.get(), now);
        ASSERT_TRUE(keys);
    }

    bool opens(char secret, int period) const {
        for (const TicketKeys::Key& each : keys->keys()) {
            if (std::memcmp(&each, key(secret, period).data(), sizeof each) == 0)
                return true;
        }
        return false;
    }

    std::shared_ptr<const TicketKeys> keys;
    TicketKeys::Clock::time_point now{std::chrono::hours(1'000)};
};

TEST_F(GivenKeys, GoWhenTheyAreNotGivenAnyMore) {
    for (int period = 10; period < 20; ++period) {
        give('a', period);
        give('a', period);  // as after another connection
        EXPECT_EQ(keys->keys().size(), 4u) << period;
        EXPECT_TRUE(opens('a', period - 2));
        EXPECT_FALSE(opens('a', period - 3)) << period;
        // Not to the second.
        now += TicketKeys::kPeriod - std::chrono::seconds(period % 3);
    }
}

TEST_F(GivenKeys, OfAnotherSecretGoAfterTwoPeriods) {
    give('a', 9);
    now += TicketKeys::kPeriod;
    give('a', 10);
    now += std::chrono::hours(1);
    give('b', 10);
    EXPECT_TRUE(opens('a', 10));
    EXPECT_TRUE(opens('a', 9));
    now += std::chrono::hours(5);
    give('b', 11);
    EXPECT_TRUE(opens('a', 10));
    now += TicketKeys::kPeriod;
    give('b', 12);
    EXPECT_FALSE(opens('a', 9)) << "12 h after the last that it sealed";
    now += TicketKeys::kPeriod;
    give('b', 13);
    EXPECT_FALSE(opens('a', 10));
    EXPECT_EQ(keys->keys().size(), 4u);
}

TEST_F(GivenKeys, LetOurOwnOpenForAsLong) {
    keys = TicketKeys::next(nullptr, now);
    const auto own = keys->keys()[0].name;
    const auto held = [&] {
        const auto all = keys->keys();
        return std::any_of(all.begin(), all.end(),
                           [&](const TicketKeys::Key& each) { return each.name == own; });
    };
    give('a', 10);
    now += TicketKeys::kPeriod;
    give('a', 11);
    EXPECT_TRUE(held());
    now += TicketKeys::kPeriod;
    give('a', 12);
    EXPECT_FALSE(held());
}

TEST(TicketKeys, AreDifferentEachTime) {
    const auto one = TicketKeys::next(nullptr);
    const auto two = TicketKeys::next(one.get());
    EXPECT_NE(two->keys()[0].name, two->keys()[1].name);
    EXPECT_NE(two->keys()[0].cipher, two->keys()[1].cipher);
    EXPECT_NE(two->keys()[0].mac, two->keys()[1].mac);
    EXPECT_NE(two->keys()[0].cipher, two->keys()[0].mac);
    EXPECT_EQ(two->keys()[1].cipher, one->keys()[0].cipher);
}

}  // namespace
}  // namespace evergate::tls
