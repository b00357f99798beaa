// SPDX-License-Identifier: Apache-2.0
#include "common/model/certificate_info.hpp"

#include <gmock/gmock.h>

#include "tests/support/self_signed.hpp"

namespace evergate::model {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(DescribeChain, TellsNamesTimesAndFingerprintOfTheFirst) {
    const auto first = test::selfSigned({.names = {"Shop.Example", "*.shop.example", "x_y!"}});
    const auto second = test::selfSigned({.names = {"other.example"}});
    const auto info = describeChain("Bag Attributes\n" + first.chain + second.chain);
    ASSERT_TRUE(info);
    EXPECT_THAT(info->names, ElementsAre("shop.example", "*.shop.example"));
    EXPECT_EQ(info->notAfter - info->notBefore, 7200);
    EXPECT_EQ(info->fingerprint.size(), 64U);
    EXPECT_EQ(describeChain(first.chain), info);
    EXPECT_NE(describeChain(second.chain)->fingerprint, info->fingerprint);
    EXPECT_THAT(describeChain(test::selfSigned({}).chain)->names, IsEmpty());
}

TEST(DescribeChain, GivesNothingForOtherText) {
    const auto good = test::selfSigned({});
    for (const std::string& text :
         {std::string(), std::string("x"), good.key, good.chain.substr(0, good.chain.size() / 2),
          std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
          // Would have OpenSSL ask for a passphrase at the terminal.
          std::string("-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
                      "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
                      "AAAAAAAAAAAAAAAAAAAAAA==\n-----END CERTIFICATE-----\n")}) {
        EXPECT_FALSE(describeChain(text)) << text;
    }
}

TEST(Covers, TakesAStarForOneLabel) {
    const std::vector<std::string> names{"a.example", "*.b.example"};
    for (const char* host : {"a.example", "x.b.example", "*.b.example"}) {
        EXPECT_TRUE(covers(names, host)) << host;
    }
    for (const char* host : {"b.example", "x.y.b.example", "*.a.example", "xa.example", "",
                             "example", ".b.example.x", "*.x.b.example"}) {
        EXPECT_FALSE(covers(names, host)) << host;
    }
}

}  // namespace
}  // namespace evergate::model
