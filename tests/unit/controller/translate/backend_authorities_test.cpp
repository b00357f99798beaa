// SPDX-License-Identifier: Apache-2.0
// evergate.io/backend-tls-ca: whose certificates endpoints may show, and that nobody is trusted
// while that is not known.
#include "controller/translate/backend_authorities.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/model/validation.hpp"
#include "tests/support/self_signed.hpp"
#include "tests/unit/controller/translate/cluster.hpp"

namespace evergate::controller {
namespace {

using testing::Cluster;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::problemsOf;

const std::vector<ServicePort> kPorts{{"http", 80, true}};

class BackendAuthoritiesTest : public ::testing::Test {
protected:
    BackendAuthoritiesTest() {
        cluster.options.https.emplace();
        made = test::selfSigned({.names = {"ca.test"}});
        service({{"evergate.io/backend-tls-ca", "ca"}, {"evergate.io/protocol", "https"}});
        cluster.store.upsert(Cluster::ingress("a", "a.test", {{"/", "Prefix", "web", {"", 80}}}));
    }

    void service(Annotations notes) { cluster.addService("web", kPorts, std::move(notes)); }

    void secret(const std::string& authorities, const std::string& ns = "shop") {
        Secret object{Cluster::named(ns, "ca"), std::make_shared<const TlsKeyPair>("", "")};
        object.authorities = authorities;
        cluster.store.upsert(std::move(object));
    }

    model::Backend backend() {
        desired = cluster.translated();
        const model::Key key{model::Kind::backend, "shop/web/80"};
        const auto* found = desired.config.find<model::Backend>(key);
        EXPECT_NE(found, nullptr);
        const model::Backend value = found == nullptr ? model::Backend{} : *found;
        EXPECT_THAT(model::validate(key, value), IsEmpty());
        return value;
    }

    void expectClosed(const std::string& why) {
        const auto value = backend();
        EXPECT_TRUE(value.tlsVerify);
        EXPECT_EQ(value.tlsServerName, "no-authority.invalid");
        EXPECT_THAT(value.tlsAuthorities, IsEmpty());
        EXPECT_THAT(problemsOf(desired), ElementsAre(HasSubstr(why)));
    }

    Cluster cluster;
    Desired desired;
    test::SelfSigned made;
};

TEST_F(BackendAuthoritiesTest, AreTheCertificatesOfTheSecretAndNothingElse) {
    secret("for people\n" + made.chain + made.key + made.chain);
    const auto value = backend();
    EXPECT_TRUE(value.tlsVerify);
    EXPECT_EQ(value.tlsAuthorities, made.chain + made.chain);
    EXPECT_THAT(value.tlsServerName, IsEmpty());
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST_F(BackendAuthoritiesTest, TrustNobodyWithoutTheSecret) {
    expectClosed("no Secret shop/ca of type kubernetes.io/tls is known; no endpoint is trusted");
    secret(made.chain, "other");  // never that of another namespace
    expectClosed("no Secret shop/ca of type kubernetes.io/tls is known");
}

TEST_F(BackendAuthoritiesTest, TrustNobodyWhenTheSecretIsNoGood) {
    secret("");
    expectClosed("Secret shop/ca has no data[\"ca.crt\"] that can be read");
    secret(made.key);
    expectClosed("data[\"ca.crt\"] of Secret shop/ca is not 1 to 64 certificates in PEM");
    secret(made.chain + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    expectClosed("is not 1 to 64 certificates");
    std::string many;
    for (int i = 0; i < 65; ++i) {
        many += made.chain;
    }
    secret(many);
    expectClosed("is not 1 to 64 certificates");
}

TEST_F(BackendAuthoritiesTest, TrustNobodyWhenSecretsAreNotRead) {
    cluster.options.https.reset();
    expectClosed("Secrets are not read without an https listener");
}

TEST_F(BackendAuthoritiesTest, TrustNobodyByAWrongName) {
    secret(made.chain);
    service({{"evergate.io/backend-tls-ca", "other/ca"}, {"evergate.io/protocol", "https"}});
    expectClosed("must be the name of a Secret, not \"other/ca\"; no endpoint is trusted");
}

TEST_F(BackendAuthoritiesTest, CannotBeSwitchedOff) {
    secret(made.chain);
    Ingress ingress = Cluster::ingress("a", "a.test", {{"/", "Prefix", "web", {"", 80}}});
    ingress.metadata.annotations = {{"evergate.io/backend-tls-verify", "false"}};
    cluster.store.upsert(std::move(ingress));
    EXPECT_TRUE(backend().tlsVerify);
    EXPECT_THAT(problemsOf(desired),
                ElementsAre(HasSubstr("Ingress shop/a metadata.annotations[\"evergate.io/"
                                      "backend-tls-verify\"]: has no effect")));
}

TEST_F(BackendAuthoritiesTest, HaveNoEffectWithoutTls) {
    secret(made.chain);
    service({{"evergate.io/backend-tls-ca", "ca"}});
    backend();
    EXPECT_THAT(problemsOf(desired), ElementsAre(HasSubstr("evergate.io/protocol is not https")));
}

}  // namespace
}  // namespace evergate::controller
