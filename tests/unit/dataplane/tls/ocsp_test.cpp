// SPDX-License-Identifier: Apache-2.0
// Questions about certificates, and which answers count: those of the issuer, or of whom it named.
#include "dataplane/tls/ocsp.hpp"

#include <gtest/gtest.h>

#include <ctime>

#include "dataplane/tls/staples.hpp"
#include "tests/support/temporary_certificate.hpp"

namespace evergate::tls {
namespace {

class OcspTest : public testing::Test {
protected:
    static std::shared_ptr<const Certificate> load(const std::string& chain,
                                                   const std::string& key) {
        auto loaded = Certificate::load({{"a.test"}, chain, key, ""});
        return std::get<std::shared_ptr<const Certificate>>(std::move(loaded));
    }

    static std::shared_ptr<const Certificate> issuedBy(const test::TemporaryAuthority& authority,
                                                       const std::string& responder) {
        test::CertificateRequest request;
        request.responder = responder;
        const auto pair = authority.issue(request);
        return load(pair.certificatePem + authority.certificatePem(), pair.keyPem);
    }

    test::TemporaryAuthority authority;
    const std::int64_t now = std::time(nullptr);
};

TEST_F(OcspTest, AsksWhomTheCertificateNames) {
    EXPECT_FALSE(OcspQuestion::about(issuedBy(authority, "")));
    EXPECT_FALSE(OcspQuestion::about(issuedBy(authority, "https://a.test/")));
    EXPECT_FALSE(OcspQuestion::about(Certificate::selfSigned()));
    const auto several =
        OcspQuestion::about(issuedBy(authority, "ldap://a.test/,OCSP;URI:http://b.test/x"));
    ASSERT_TRUE(several);
    EXPECT_EQ(several->responder(), "http://b.test/x");
    EXPECT_NE(several->request(), "");
}

TEST_F(OcspTest, CannotAskWithoutTheIssuer) {
    const test::TemporaryAuthority other("other");
    test::CertificateRequest request;
    request.responder = "http://a.test/";
    const auto pair = authority.issue(request);
    for (const std::string& more : {std::string(), other.certificatePem()}) {
        const auto question = OcspQuestion::about(load(pair.certificatePem + more, pair.keyPem));
        ASSERT_TRUE(question);
        EXPECT_EQ(question->request(), "");
    }
    // Wherever in the chain it is.
    EXPECT_NE(OcspQuestion::about(
                  load(pair.certificatePem + other.certificatePem() + authority.certificatePem(),
                       pair.keyPem))
                  ->request(),
              "");
}

TEST_F(OcspTest, BelievesTheIssuerWithinItsTime) {
    const auto question = OcspQuestion::about(issuedBy(authority, "http://a.test/"));
    const std::string answer = authority.answer(question->request());
    const OcspVerdict verdict = question->judge(answer, now);
    EXPECT_EQ(verdict.outcome, OcspOutcome::good) << verdict.detail;
    EXPECT_NEAR(static_cast<double>(verdict.thisUpdate), static_cast<double>(now - 3'600), 60);
    EXPECT_EQ(verdict.nextUpdate - verdict.thisUpdate, 7'200);
    EXPECT_EQ(question->judge(answer, verdict.nextUpdate - 1).outcome, OcspOutcome::good);
    EXPECT_EQ(question->judge(answer, verdict.nextUpdate).outcome, OcspOutcome::invalid);
    EXPECT_EQ(question->judge(answer, verdict.thisUpdate - 300).outcome, OcspOutcome::good);
    EXPECT_EQ(question->judge(answer, verdict.thisUpdate - 301).outcome, OcspOutcome::invalid);
}

TEST_F(OcspTest, BelievesAnIntermediateIssuer) {
    const test::TemporaryAuthority middle("middle", &authority);
    const auto question = OcspQuestion::about(issuedBy(middle, "http://a.test/"));
    EXPECT_EQ(question->judge(middle.answer(question->request()), now).outcome, OcspOutcome::good);
    // Not the one above it.
    EXPECT_EQ(question->judge(authority.answer(question->request()), now).outcome,
              OcspOutcome::invalid);
}

TEST_F(OcspTest, BelievesWhomTheIssuerNamedAndNobodyElse) {
    const auto question = OcspQuestion::about(issuedBy(authority, "http://a.test/"));
    test::CertificateRequest request;
    request.commonName = "responder";
    const auto usual = authority.issue(request);
    request.signsAnswers = true;
    const auto named = authority.issue(request);
    const test::TemporaryAuthority stranger("stranger");
    const auto foreign = stranger.issue(request);
    const auto outcome = [&](const test::CertificateAndKey& signer) {
        test::OcspSaid said;
        said.signer = &signer;
        return question->judge(authority.answer(question->request(), said), now).outcome;
    };
    EXPECT_EQ(outcome(named), OcspOutcome::good);
    EXPECT_EQ(outcome(usual), OcspOutcome::invalid);
    EXPECT_EQ(outcome(foreign), OcspOutcome::invalid);
}

TEST_F(OcspTest, AnAnswerIsAboutOneCertificate) {
    const auto one = OcspQuestion::about(issuedBy(authority, "http://a.test/"));
    const auto two = OcspQuestion::about(issuedBy(authority, "http://a.test/"));
    EXPECT_EQ(one->judge(authority.answer(two->request()), now).outcome, OcspOutcome::invalid);
}

TEST_F(OcspTest, AnyBytesAreNoAnswer) {
    const auto question = OcspQuestion::about(issuedBy(authority, "http://a.test/"));
    const std::string answer = authority.answer(question->request());
    EXPECT_EQ(question->judge("", now).outcome, OcspOutcome::invalid);
    EXPECT_EQ(question->judge(answer + "x", now).outcome, OcspOutcome::invalid);
    for (std::size_t i = 0; i < answer.size(); ++i) {
        std::string changed = answer;
        changed[i] = static_cast<char>(changed[i] ^ 0x55);
        EXPECT_NE(question->judge(changed, now).outcome, OcspOutcome::good) << i;
        EXPECT_NE(question->judge(answer.substr(0, i), now).outcome, OcspOutcome::good) << i;
    }
}

TEST_F(OcspTest, StaplesAreFoundWhileTheyHold) {
    const auto one = issuedBy(authority, "");
    const auto two = issuedBy(authority, "");
    Staples staples;
    staples.add(one, std::make_shared<const Staple>(Staple{"answer", 100}));
    ASSERT_NE(staples.find(one->leaf(), 99), nullptr);
    EXPECT_EQ(staples.find(one->leaf(), 99)->response, "answer");
    EXPECT_EQ(staples.find(one->leaf(), 100), nullptr);
    EXPECT_EQ(staples.find(two->leaf(), 99), nullptr);
    EXPECT_EQ(staples.find(nullptr, 99), nullptr);
}

}  // namespace
}  // namespace evergate::tls
