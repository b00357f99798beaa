// SPDX-License-Identifier: Apache-2.0
// evergate.io/client-...: what handshakes ask of clients, that whatever is wrong or cannot be had
// lets nobody in, and what becomes of Ingresses that disagree.
#include "controller/translate/client_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/model/validation.hpp"
#include "tests/support/self_signed.hpp"
#include "tests/support/temporary_certificate.hpp"
#include "tests/unit/controller/translate/cluster.hpp"

namespace evergate::controller {
namespace {

using model::ClientCertificates;
using model::ClientVerification;
using test::selfSigned;
using testing::Cluster;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::problemsOf;
using ::testing::SizeIs;

class ClientTableTest : public ::testing::Test {
protected:
    ClientTableTest() {
        cluster.options.https.emplace();
        cluster.addService("web");
        server = selfSigned({.names = {"a.test", "*.b.test"}});
        putServer("server");
        putAuthority("ca", authority.certificatePem());
    }

    void putServer(const std::string& name) {
        cluster.store.upsert(Secret{Cluster::named("shop", name),
                                    std::make_shared<const TlsKeyPair>(server.chain, server.key)});
    }

    void putAuthority(const std::string& name, const std::string& pem,
                      std::optional<std::string> revocations = std::nullopt,
                      const std::string& ns = "shop") {
        cluster.store.upsert(Secret{Cluster::named(ns, name),
                                    std::make_shared<const TlsKeyPair>("", ""), pem, revocations});
    }

    void addIngress(const std::string& name, const std::string& host, Annotations notes,
                    std::int64_t createdAt = 0, const std::string& path = "/") {
        Ingress ingress =
            Cluster::ingress(name, host, {{path, "Prefix", "web", {"", 80}}}, createdAt);
        ingress.metadata.annotations = std::move(notes);
        ingress.tls = {{{host}, "server"}};
        cluster.store.upsert(std::move(ingress));
    }

    static Annotations notes(const std::string& mode, const std::string& ca = "ca") {
        return {{"evergate.io/client-ca", ca}, {"evergate.io/client-certificates", mode}};
    }

    void translate() {
        desired = cluster.translated();
        for (const auto& [key, entry] : desired.config.entries()) {
            EXPECT_THAT(model::validate(key, *entry.value), IsEmpty());
        }
        EXPECT_THAT(model::crossCheck(desired.config), IsEmpty());
    }

    // What clients that ask for the host are asked for.
    ClientVerification asked(const std::string& host) {
        std::vector<ClientVerification> found;
        for (const auto& [key, entry] : desired.config.entries()) {
            const auto* certificate = std::get_if<model::Certificate>(entry.value.get());
            if (certificate != nullptr &&
                std::count(certificate->hosts.begin(), certificate->hosts.end(), host) != 0) {
                found.push_back(certificate->clients);
            }
        }
        EXPECT_THAT(found, SizeIs(1)) << host;
        return found.empty() ? ClientVerification{} : found.front();
    }

    void expectNobody(const std::string& host) {
        EXPECT_EQ(asked(host).mode, ClientCertificates::required);
        EXPECT_EQ(asked(host).authorities, "");
    }

    const model::Route& route(const std::string& ingress) {
        static const model::Route kNone;
        const auto* found =
            desired.config.find<model::Route>({model::Kind::route, "shop/" + ingress + "/0/0"});
        EXPECT_NE(found, nullptr) << ingress;
        return found == nullptr ? kNone : *found;
    }

    test::TemporaryAuthority authority;
    test::TemporaryAuthority foreign{"foreign"};
    test::SelfSigned server;
    Cluster cluster;
    Desired desired;
};

TEST_F(ClientTableTest, AskTheHostsOfTheirIngress) {
    auto wanted = notes("optional");
    wanted.emplace_back("evergate.io/client-verify-depth", "1");
    wanted.insert(wanted.begin(), {"evergate.io/client-certificate-headers", "true"});
    addIngress("a", "a.test", wanted);
    addIngress("b", "*.b.test", {});
    translate();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_EQ(asked("a.test"), (ClientVerification{ClientCertificates::optional,
                                                   authority.certificatePem(), 1, ""}));
    EXPECT_EQ(asked("*.b.test"), ClientVerification{});
    EXPECT_EQ(route("a").clientCertificates, ClientCertificates::optional);
    EXPECT_TRUE(route("a").clientCertificateHeaders);
    EXPECT_EQ(route("b").clientCertificates, ClientCertificates::off);
    EXPECT_FALSE(route("b").clientCertificateHeaders);
}

TEST_F(ClientTableTest, AskWhenOnlyAuthoritiesAreNamed) {
    putAuthority("ca", foreign.certificatePem(), std::nullopt, "other");
    addIngress("a", "a.test", {{"evergate.io/client-ca", "other/ca"}});
    translate();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_EQ(asked("a.test").mode, ClientCertificates::required);
    EXPECT_EQ(asked("a.test").authorities, foreign.certificatePem());
    EXPECT_EQ(route("a").clientCertificates, ClientCertificates::required);
}

TEST_F(ClientTableTest, TakeRevocationsFromTheSecret) {
    const std::string list = authority.revoke({});
    putAuthority("ca", authority.certificatePem(), "for people\n" + list);
    addIngress("a", "a.test", notes("required"));
    translate();
    EXPECT_EQ(asked("a.test").revocations, list);
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST_F(ClientTableTest, TakeLongListsOfRevocations) {
    const std::vector<std::string> many(5'000, authority.issue({"revoked"}).certificatePem);
    const std::string list = authority.revoke(many);
    ASSERT_GT(list.size(), 150'000u);
    putAuthority("ca", authority.certificatePem(), list);
    addIngress("a", "a.test", notes("required"));
    translate();
    EXPECT_EQ(asked("a.test").revocations, list);
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST_F(ClientTableTest, WhatIsWrongLetsNobodyIn) {
    const std::string pem = authority.certificatePem();
    putAuthority("empty", "");
    putAuthority("nonsense", "nonsense");
    putAuthority("badlist", pem, "nonsense");
    putAuthority("unreadable", pem, "");
    int number = 0;
    for (const Annotations& wrong :
         {notes("required", "absent"), notes("optional", "absent"), notes("required", "empty"),
          notes("optional", "nonsense"), notes("optional", "badlist"),
          notes("required", "unreadable"), notes("optional", "x/y/z"),
          notes("optional", "Bad Name"), notes("yes", "absent"),
          Annotations{{"evergate.io/client-certificates", "required"}},
          Annotations{{"evergate.io/client-certificates", "yes"}}}) {
        addIngress("a", "a.test", wrong);
        translate();
        expectNobody("a.test");
        EXPECT_THAT(problemsOf(desired), Contains(HasSubstr("nobody is let in"))) << number;
        EXPECT_NE(route("a").clientCertificates, ClientCertificates::off) << number;
        ++number;
    }
    addIngress("a", "a.test", notes("maybe"));
    translate();
    EXPECT_EQ(asked("a.test").mode, ClientCertificates::required);
    EXPECT_THAT(problemsOf(desired), ElementsAre(HasSubstr("taken as required")));
    auto deep = notes("required");
    deep.emplace_back("evergate.io/client-verify-depth", "11");
    deep.insert(deep.begin(), {"evergate.io/client-certificate-headers", "yes"});
    addIngress("a", "a.test", deep);
    translate();
    EXPECT_EQ(asked("a.test").depth, 0u);
    EXPECT_TRUE(route("a").clientCertificateHeaders);
    EXPECT_THAT(problemsOf(desired), SizeIs(2));
}

TEST_F(ClientTableTest, OfTwoModesTheStricterHolds) {
    addIngress("old", "a.test", notes("optional"), 1);
    addIngress("new", "a.test", notes("required"), 2, "/new");
    addIngress("silent", "a.test", {}, 3, "/silent");
    translate();
    EXPECT_EQ(asked("a.test").mode, ClientCertificates::required);
    EXPECT_THAT(problemsOf(desired),
                ElementsAre(HasSubstr("host a.test is asked by Ingress shop/old for other "
                                      "certificates (optional by Secret shop/ca, depth 3); the "
                                      "stricter holds")));
    EXPECT_FALSE(route("new").restrictSources);
    addIngress("old", "a.test", notes("off"), 1);
    translate();
    EXPECT_EQ(asked("a.test").mode, ClientCertificates::required);
    EXPECT_THAT(problemsOf(desired), ElementsAre(HasSubstr("Ingress shop/old")));
    EXPECT_EQ(route("old").clientCertificates, ClientCertificates::off);
}

TEST_F(ClientTableTest, OfTwoAuthoritiesTheOldestHoldAndTheOtherIngressServesNobody) {
    putAuthority("other", foreign.certificatePem());
    addIngress("old", "a.test", notes("required"), 1);
    addIngress("new", "a.test", notes("optional", "other"), 2, "/new");
    translate();
    EXPECT_EQ(asked("a.test").authorities, authority.certificatePem());
    EXPECT_EQ(asked("a.test").mode, ClientCertificates::required);
    EXPECT_FALSE(route("old").restrictSources);
    EXPECT_TRUE(route("new").restrictSources);
    EXPECT_THAT(route("new").allowSources, IsEmpty());
    EXPECT_THAT(problemsOf(desired), SizeIs(2));
    // One that cannot be had is another, too.
    addIngress("new", "a.test", notes("required", "absent"), 2, "/new");
    translate();
    EXPECT_EQ(asked("a.test").authorities, authority.certificatePem());
    EXPECT_TRUE(route("new").restrictSources);
}

TEST_F(ClientTableTest, AskOneHostOfAStarOnly) {
    Ingress ingress = Cluster::ingress("a", "x.b.test", {{"/", "Prefix", "web", {"", 80}}});
    ingress.metadata.annotations = notes("required");
    ingress.tls = {{{"*.b.test"}, "server"}};
    cluster.store.upsert(std::move(ingress));
    translate();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_EQ(asked("x.b.test").mode, ClientCertificates::required);
    EXPECT_EQ(asked("*.b.test").mode, ClientCertificates::off);
}

TEST_F(ClientTableTest, AskOverTheDefaultCertificateButNotEverybody) {
    cluster.options.https->defaultCertificate = ObjectName{"shop", "server"};
    Ingress ingress = Cluster::ingress("a", "c.test", {{"/", "Prefix", "web", {"", 80}}});
    ingress.metadata.annotations = notes("required");
    cluster.store.upsert(std::move(ingress));
    translate();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_EQ(asked("c.test").mode, ClientCertificates::required);
    const auto* byDefault =
        desired.config.find<model::Certificate>({model::Kind::certificate, "shop/server"});
    ASSERT_NE(byDefault, nullptr);
    EXPECT_EQ(byDefault->clients, ClientVerification{});
    EXPECT_THAT(byDefault->hosts, IsEmpty());
    cluster.options.https->defaultCertificate.reset();
    translate();
    EXPECT_THAT(problemsOf(desired),
                ElementsAre(HasSubstr("there is no certificate to show for host c.test")));
    EXPECT_EQ(route("a").clientCertificates, ClientCertificates::required);
}

TEST_F(ClientTableTest, CannotBeAskedEverywhere) {
    addIngress("a", "", notes("required"));
    translate();
    EXPECT_THAT(problemsOf(desired), Contains(HasSubstr("rules without one let nobody in")));
    auto passing = notes("required");
    passing.emplace_back("evergate.io/ssl-passthrough", "true");
    addIngress("a", "a.test", passing);
    translate();
    EXPECT_THAT(problemsOf(desired), ElementsAre(HasSubstr("connections that pass through")));
    EXPECT_TRUE(route("a").restrictSources);
    EXPECT_THAT(route("a").allowSources, IsEmpty());
    cluster.options.https.reset();
    addIngress("a", "a.test", notes("required"));
    translate();
    EXPECT_THAT(problemsOf(desired), ElementsAre(HasSubstr("there is no https listener")));
    EXPECT_EQ(route("a").clientCertificates, ClientCertificates::required);
}

TEST_F(ClientTableTest, EndpointsAreShownACertificate) {
    const model::Key backend{model::Kind::backend, "shop/web/80"};
    cluster.addService(
        "web", {{"http", 80, true}},
        {{"evergate.io/backend-tls-secret", "server"}, {"evergate.io/protocol", "https"}});
    addIngress("a", "a.test", {});
    translate();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_EQ(desired.config.find<model::Backend>(backend)->tlsCertificate,
              "shop/server/endpoints");
    const auto* shown = desired.config.find<model::Certificate>(
        {model::Kind::certificate, "shop/server/endpoints"});
    ASSERT_NE(shown, nullptr);
    EXPECT_EQ(shown->chain, server.chain);
    EXPECT_THAT(shown->hosts, IsEmpty());
    cluster.store.erase({ResourceKind::secret, {"shop", "server"}});
    translate();
    EXPECT_EQ(desired.config.find<model::Backend>(backend)->tlsCertificate, "");
    EXPECT_THAT(problemsOf(desired), Contains(HasSubstr("endpoints are shown no certificate")));
}

// --https-client-...: what holds where no Ingress says anything.
class UsualClientsTest : public ClientTableTest {
protected:
    UsualClientsTest() {
        server =
            selfSigned({.names = {"a.test", "off.test", "mode.test", "own.test", "deep.test"}});
        putServer("server");
        putServer("default");
        cluster.options.https->defaultCertificate = ObjectName{"shop", "default"};
        usual() = {ClientCertificates::required, ObjectName{"shop", "ca"}, 1};
    }

    ClientDefaults& usual() { return cluster.options.https->clients; }

    ClientVerification usualRules() const {
        return {usual_.mode, authority.certificatePem(), usual_.depth, ""};
    }

    const model::Certificate& byDefault() {
        static const model::Certificate kNone;
        const auto* settings =
            desired.config.find<model::Settings>({model::Kind::settings, "global"});
        const auto* found = desired.config.find<model::Certificate>(
            {model::Kind::certificate, settings->defaultCertificate});
        EXPECT_NE(found, nullptr);
        return found == nullptr ? kNone : *found;
    }

    const ClientDefaults usual_{ClientCertificates::required, ObjectName{"shop", "ca"}, 1};
};

TEST_F(UsualClientsTest, HoldForEveryHostAndForClientsThatNameNone) {
    addIngress("a", "a.test", {});
    cluster.store.upsert(Cluster::ingress("any", "", {{"/", "Prefix", "web", {"", 80}}}));
    translate();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_EQ(asked("a.test"), usualRules());
    EXPECT_EQ(byDefault().clients, usualRules());
    EXPECT_EQ(route("a").clientCertificates, ClientCertificates::required);
    EXPECT_EQ(route("any").clientCertificates, ClientCertificates::required);
    usual().mode = ClientCertificates::optional;
    translate();
    EXPECT_EQ(asked("a.test").mode, ClientCertificates::optional);
    EXPECT_EQ(route("a").clientCertificates, ClientCertificates::optional);
}

TEST_F(UsualClientsTest, AnIngressHasTheLastWordForItsHosts) {
    putAuthority("other", foreign.certificatePem());
    addIngress("off", "off.test", {{"evergate.io/client-certificates", "off"}}, 1);
    addIngress("beside", "off.test", {}, 2, "/beside");
    addIngress("mode", "mode.test", {{"evergate.io/client-certificates", "optional"}}, 3);
    addIngress("own", "own.test", notes("optional", "other"), 4);
    addIngress("deep", "deep.test", {{"evergate.io/client-verify-depth", "5"}}, 5);
    translate();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_EQ(asked("off.test"), ClientVerification{});
    EXPECT_EQ(route("off").clientCertificates, ClientCertificates::off);
    EXPECT_EQ(route("beside").clientCertificates, ClientCertificates::off);
    EXPECT_EQ(asked("mode.test"), (ClientVerification{ClientCertificates::optional,
                                                      authority.certificatePem(), 1, ""}));
    EXPECT_EQ(asked("own.test"),
              (ClientVerification{ClientCertificates::optional, foreign.certificatePem(), 1, ""}));
    EXPECT_EQ(asked("deep.test"), (ClientVerification{ClientCertificates::required,
                                                      authority.certificatePem(), 5, ""}));
    EXPECT_EQ(route("deep").clientCertificates, ClientCertificates::required);
}

TEST_F(UsualClientsTest, WithoutTheirSecretNobodyIsLetIn) {
    cluster.store.erase({ResourceKind::secret, {"shop", "ca"}});
    usual().mode = ClientCertificates::optional;
    addIngress("a", "a.test", {});
    addIngress("off", "off.test", {{"evergate.io/client-certificates", "off"}});
    translate();
    EXPECT_THAT(problemsOf(desired), ElementsAre(HasSubstr("wanted by --https-client-ca")));
    expectNobody("a.test");
    EXPECT_EQ(byDefault().clients.mode, ClientCertificates::required);
    EXPECT_EQ(byDefault().clients.authorities, "");
    EXPECT_EQ(route("a").clientCertificates, ClientCertificates::required);
    EXPECT_EQ(asked("off.test"), ClientVerification{});
}

TEST_F(UsualClientsTest, WithoutTheDefaultCertificateRoutesStayClosed) {
    cluster.store.erase({ResourceKind::secret, {"shop", "default"}});
    addIngress("any", "", {});
    translate();
    EXPECT_THAT(problemsOf(desired), Contains(HasSubstr("a self-signed certificate is shown")));
    EXPECT_EQ(route("any").clientCertificates, ClientCertificates::required);
}

TEST_F(UsualClientsTest, LeaveChallengesAndPassthroughAlone) {
    addIngress("solver", "a.test", {}, 0, "/.well-known/acme-challenge/token");
    addIngress("through", "b.test", {{"evergate.io/ssl-passthrough", "true"}});
    translate();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_EQ(route("solver").clientCertificates, ClientCertificates::off);
    EXPECT_EQ(asked("a.test").mode, ClientCertificates::required);
    EXPECT_EQ(route("through").clientCertificates, ClientCertificates::off);
    EXPECT_FALSE(route("through").restrictSources);
}

}  // namespace
}  // namespace evergate::controller
