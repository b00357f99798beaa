// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_certificate.hpp"

namespace evergate::tls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class CertificateTest : public testing::Test {
protected:
    static model::Certificate valueOf(const test::CertificateAndKey& pair) {
        return {{}, pair.certificatePem, pair.keyPem, ""};
    }

    std::string problem(const model::Certificate& value) {
        const auto result = Certificate::load(value);
        const auto* found = std::get_if<model::Problem>(&result);
        if (found == nullptr)
            return "";
        // Nothing of a key may ever get into a problem.
        for (std::size_t at = 0; at + 16 <= value.key.size(); at += 16)
            EXPECT_THAT(found->what, Not(HasSubstr(value.key.substr(at, 16))));
        return found->where + ": " + found->what;
    }

    test::TemporaryAuthority authority;
    test::CertificateAndKey pair = authority.issue({"a", {"A.test", "b.test"}, {"10.0.0.1"}, {}});
};

TEST_F(CertificateTest, ReadsAChainAndItsKey) {
    model::Certificate value = valueOf(pair);
    value.chain = "Some text of an authority\n" + value.chain + authority.certificatePem();
    const auto result = Certificate::load(value);
    const auto& certificate = std::get<0>(result);
    EXPECT_EQ(certificate->issuers().size(), 1u);
    EXPECT_EQ(certificate->keyType(), "EC");
    EXPECT_GT(certificate->notAfter(), 1'700'000'000);
    EXPECT_THAT(certificate->hosts(), ElementsAre("a.test", "b.test"));
    value.hosts = {"c.test"};
    const auto named = Certificate::load(value);
    EXPECT_THAT(std::get<0>(named)->hosts(), ElementsAre("c.test"));
}

TEST_F(CertificateTest, SaysWhatIsWrong) {
    model::Certificate value = valueOf(pair);
    value.chain = "nothing";
    EXPECT_THAT(problem(value), HasSubstr("chain: has no certificate"));
    value.chain = pair.certificatePem.substr(0, 200) + "\n-----END CERTIFICATE-----\n";
    EXPECT_THAT(problem(value), HasSubstr("chain: certificate 1 is not readable"));
    value.chain =
        pair.certificatePem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    EXPECT_THAT(problem(value), HasSubstr("chain: certificate 2 is not readable"));
    std::string many;
    for (int i = 0; i < 18; ++i)
        many += pair.certificatePem;
    value.chain = many;
    EXPECT_THAT(problem(value), HasSubstr("more than 17"));
    value = valueOf(pair);
    value.key = "nothing";
    EXPECT_THAT(problem(value), HasSubstr("key: is not a readable private key"));
    value.key = pair.keyPem.substr(0, pair.keyPem.size() / 2);
    EXPECT_THAT(problem(value), HasSubstr("key: is not a readable private key"));
    value.key = pair.certificatePem;
    EXPECT_THAT(problem(value), HasSubstr("key: is not a readable private key"));
    value.key = authority.issue({}).keyPem;
    EXPECT_THAT(problem(value), HasSubstr("key: does not belong"));
}

TEST_F(CertificateTest, NeverAsksForAPassphrase) {
    model::Certificate value = valueOf(pair);
    value.key =
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
        "DEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n"
        "-----END EC PRIVATE KEY-----\n";
    EXPECT_THAT(problem(value), HasSubstr("without passphrase"));
}

TEST_F(CertificateTest, SignsOneForItself) {
    const auto certificate = Certificate::selfSigned();
    ASSERT_TRUE(certificate);
    EXPECT_EQ(X509_verify(certificate->leaf(), certificate->key()), 1);
    EXPECT_EQ(certificate->keyType(), "EC");
    EXPECT_TRUE(certificate->hosts().empty());
}

}  // namespace
}  // namespace evergate::tls
