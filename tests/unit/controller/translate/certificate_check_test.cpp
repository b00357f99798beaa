// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/certificate_check.hpp"

#include <gmock/gmock.h>

#include "controller/translate/certificate_cache.hpp"
#include "tests/support/self_signed.hpp"

namespace evergate::controller {
namespace {

using test::selfSigned;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

CheckedCertificate check(const std::string& chain, const std::string& key) {
    CertificateCheck checker;
    return checker.check(TlsKeyPair(chain, key));
}

// "data[...] what", or "good".
std::string verdict(const std::string& chain, const std::string& key) {
    const auto checked = check(chain, key);
    const auto* fault = std::get_if<CertificateFault>(&checked);
    return fault == nullptr ? "good" : fault->where + ' ' + fault->what;
}

TEST(CertificateCheck, TakesEveryKindOfKeyThatIsServed) {
    CertificateCheck checker;
    for (const char* kind : {"P-256", "P-384", "P-521", "RSA-2048", "ED25519"}) {
        const auto pair = selfSigned({.names = {"a.example"}, .key = kind});
        const auto checked = checker.check(TlsKeyPair(pair.chain, pair.key));
        ASSERT_TRUE(std::holds_alternative<model::CertificateInfo>(checked))
            << kind << ' ' << std::get<CertificateFault>(checked).what;
        EXPECT_THAT(std::get<model::CertificateInfo>(checked).names, ElementsAre("a.example"));
    }
}

TEST(CertificateCheck, RefusesKeysThatAreTooWeakOrOdd) {
    for (const auto& [kind, why] : std::initializer_list<std::pair<const char*, const char*>>{
             {"RSA-1024", "RSA key of 1024 bits"}, {"P-224", "curve"}, {"secp256k1", "curve"}}) {
        const auto pair = selfSigned({.key = kind});
        const auto said = verdict(pair.chain, pair.key);
        EXPECT_THAT(said, HasSubstr("data[\"tls.key\"]")) << kind;
        EXPECT_THAT(said, HasSubstr(why));
    }
}

TEST(CertificateCheck, TakesAChainAndTextAroundIt) {
    const auto leaf = selfSigned({});
    const auto issuer = selfSigned({.key = "RSA-2048"});
    EXPECT_EQ(verdict("subject=x\n" + leaf.chain + "\nissuer=y\n" + issuer.chain, leaf.key),
              "good");
    EXPECT_THAT(verdict(issuer.chain + leaf.chain, leaf.key),
                HasSubstr("does not belong to the first certificate"));
}

TEST(CertificateCheck, RefusesWhatOpenSslRefuses) {
    const auto good = selfSigned({.issued = true});
    EXPECT_EQ(verdict(good.chain, good.key), "good");
    const auto weak = selfSigned({.digest = EVP_sha1(), .issued = true});
    EXPECT_EQ(verdict(weak.chain, weak.key),
              "data[\"tls.crt\"] is refused by OpenSSL: ca md too weak");
}

TEST(CertificateCheck, TakesExpiredCertificates) {
    const auto old = selfSigned({.notBefore = -7200, .notAfter = -3600});
    EXPECT_EQ(verdict(old.chain, old.key), "good");
}

TEST(CertificateCheck, SaysWhatIsWrongAndQuotesNothing) {
    const auto good = selfSigned({});
    const auto other = selfSigned({});
    const auto locked = selfSigned({.passphrase = "secret"});
    const std::string half = good.chain.substr(0, good.chain.size() / 2);
    const std::string junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const std::string crt = "data[\"tls.crt\"] ";
    const std::string key = "data[\"tls.key\"] ";
    std::string many;
    for (int i = 0; i < 17; ++i) {
        many += good.chain;
    }

    struct Case {
        std::string chain, key, said;
    };

    for (const Case& each : {
             Case{"", good.key, crt + "is missing or empty"},
             Case{good.chain, "", key + "is missing or empty"},
             Case{good.key, good.key, crt + "has no PEM block CERTIFICATE"},
             Case{"text", good.key, crt + "has no PEM block CERTIFICATE"},
             Case{half, good.key, crt + "certificate 1 of it cannot be read"},
             Case{good.chain + junk, good.key, crt + "certificate 2 of it cannot be read"},
             Case{many, good.key, crt + "has more than 16 certificates"},
             Case{good.chain, other.key, key + "does not belong to the first certificate"},
             Case{good.chain, locked.key, key + "is encrypted"},
             Case{good.chain, "text", key + "has no private key"},
             Case{good.chain, good.chain, key + "has no private key"},
             Case{good.chain, good.key.substr(0, 100), key + "has no private key"},
         }) {
        const std::string said = verdict(each.chain, each.key);
        EXPECT_THAT(said, HasSubstr(each.said));
        EXPECT_LT(said.size(), 160U) << said;
    }
}

TEST(CertificateCheck, IsNotConfusedByTheFaultBefore) {
    CertificateCheck checker;
    const auto good = selfSigned({});
    EXPECT_TRUE(std::holds_alternative<CertificateFault>(checker.check(TlsKeyPair("x", "y"))));
    EXPECT_TRUE(std::holds_alternative<model::CertificateInfo>(
        checker.check(TlsKeyPair(good.chain, good.key))));
}

TEST(CertificateCache, MakesAValueOnceUntilItsHostsChange) {
    CertificateCache cache;
    const auto made = selfSigned({});
    const auto pair = std::make_shared<const TlsKeyPair>(made.chain, made.key);
    const auto first = cache.entry("shop/tls", pair, {"a.example"}, "Secret shop/tls");
    cache.endRun();
    EXPECT_EQ(cache.entry("shop/tls", pair, {"a.example"}, "Secret shop/tls").value, first.value);
    const auto more = cache.entry("shop/tls", pair, {"a.example", "b.example"}, "Secret shop/tls");
    EXPECT_NE(more.hash, first.hash);
    EXPECT_EQ(std::get<model::Certificate>(*more.value).key, made.key);
}

TEST(CertificateCache, ForgetsWhatARunHadNoUseFor) {
    CertificateCache cache;
    auto pair = std::make_shared<const TlsKeyPair>("x", "y");
    const std::weak_ptr<const TlsKeyPair> seen = pair;
    EXPECT_TRUE(std::holds_alternative<CertificateFault>(cache.check(pair)));
    pair.reset();
    cache.endRun();
    EXPECT_FALSE(seen.expired());
    cache.endRun();
    EXPECT_TRUE(seen.expired());
}

}  // namespace
}  // namespace evergate::controller
