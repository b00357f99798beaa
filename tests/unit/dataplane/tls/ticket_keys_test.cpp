// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/ticket_keys.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>

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
        EXPECT_LE(keys->keys().size(), TicketKeys::kKept);
    }
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
