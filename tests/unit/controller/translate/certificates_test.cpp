// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/certificates.hpp"

#include <gmock/gmock.h>

#include <chrono>

#include "common/model/validation.hpp"
#include "tests/support/self_signed.hpp"
#include "tests/unit/controller/translate/cluster.hpp"

namespace evergate::controller {
namespace {

using test::SelfSigned;
using test::selfSigned;
using testing::Cluster;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::problemsOf;
using ::testing::SizeIs;

std::int64_t secondsNow() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// A cluster with an https listener, a Service "web" and short ways to add Secrets.
class TlsCluster : public Cluster {
public:
    TlsCluster() {
        options.https = HttpsOptions{"0.0.0.0", 8443, 443, std::nullopt};
        addService("web");
    }

    SelfSigned addSecret(const std::string& name, std::vector<std::string> names,
                         const std::string& ns = "shop") {
        auto made = selfSigned({.names = std::move(names)});
        putSecret(name, made, ns);
        return made;
    }

    void putSecret(const std::string& name, const SelfSigned& made,
                   const std::string& ns = "shop") {
        store.upsert(
            Secret{named(ns, name), std::make_shared<const TlsKeyPair>(made.chain, made.key)});
    }

    void addIngress(const std::string& name, const std::string& host, std::vector<IngressTls> tls,
                    std::int64_t createdAt = 0) {
        auto object = ingress(name, host, {{"/", "Prefix", "web"}}, createdAt);
        object.tls = std::move(tls);
        store.upsert(std::move(object));
    }

    Desired at(std::int64_t now) {
        CertificateCache cache;
        return translate(store, options, cache, now);
    }
};

// "name: host host" lines.
std::vector<std::string> certificatesOf(const Desired& desired) {
    std::vector<std::string> lines;
    for (const auto& [key, entry] : desired.config.entries()) {
        if (const auto* certificate = std::get_if<model::Certificate>(entry.value.get())) {
            std::string line = key.name + ':';
            for (const std::string& host : certificate->hosts) {
                line += ' ' + host;
            }
            lines.push_back(std::move(line));
        }
    }
    return lines;
}

const model::Route& routeOf(const Desired& desired, const std::string& name) {
    return *desired.config.find<model::Route>({model::Kind::route, name});
}

std::string defaultOf(const Desired& desired) {
    return desired.config.find<model::Settings>({model::Kind::settings, "global"})
        ->defaultCertificate;
}

TEST(Certificates, ComeFromTheSecretsOurIngressesName) {
    TlsCluster cluster;
    const auto made = cluster.addSecret("tls", {"a.test"});
    cluster.addSecret("unused", {"b.test"});
    cluster.addIngress("a", "a.test", {{{"A.test"}, "tls"}});
    const auto desired = cluster.translated();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_THAT(certificatesOf(desired), ElementsAre("shop/tls: a.test"));
    const auto* value =
        desired.config.find<model::Certificate>({model::Kind::certificate, "shop/tls"});
    EXPECT_EQ(value->chain, made.chain);
    EXPECT_EQ(value->key, made.key);
    EXPECT_EQ(value->origin, "Secret shop/tls");
    const auto* listener = desired.config.find<model::Listener>({model::Kind::listener, "https"});
    ASSERT_NE(listener, nullptr);
    EXPECT_EQ(*listener, (model::Listener{"0.0.0.0", 8443, model::ListenerProtocol::https}));
    EXPECT_THAT(routeOf(desired, "shop/a/0/0").listeners, ElementsAre("http", "https"));
    EXPECT_THAT(model::crossCheck(desired.config), IsEmpty());
}

TEST(Certificates, NeedAnHttpsListener) {
    TlsCluster cluster;
    cluster.options.https.reset();
    cluster.addIngress("a", "a.test", {{{"a.test"}, "absent"}});
    const auto desired = cluster.translated();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_EQ(desired.config.count(model::Kind::listener), 1U);
    EXPECT_THAT(routeOf(desired, "shop/a/0/0").listeners, ElementsAre("http"));
    EXPECT_FALSE(routeOf(desired, "shop/a/0/0").redirectToHttps);
}

TEST(Certificates, OfIngressesThatAreNotOursAreNotRead) {
    TlsCluster cluster;
    cluster.addSecret("tls", {"a.test"});
    auto foreign = Cluster::ingress("a", "a.test", {{"/", "Prefix", "web"}});
    foreign.ingressClassName = "other";
    foreign.tls = {{{"a.test"}, "tls"}};
    cluster.store.upsert(foreign);
    EXPECT_THAT(certificatesOf(cluster.translated()), IsEmpty());
}

TEST(Certificates, WithoutHostsAreForThoseOfTheRules) {
    TlsCluster cluster;
    cluster.addSecret("tls", {"a.test", "*.b.test"});
    cluster.addIngress("a", "a.test", {{{}, "tls"}});
    cluster.addIngress("b", "*.b.test", {{{}, "tls"}});
    EXPECT_THAT(certificatesOf(cluster.translated()), ElementsAre("shop/tls: *.b.test a.test"));
}

TEST(Certificates, OfARuleWithoutAHostAreAProblem) {
    TlsCluster cluster;
    cluster.addSecret("tls", {"a.test"});
    cluster.addIngress("a", "", {{{}, "tls"}});
    const auto desired = cluster.translated();
    EXPECT_THAT(certificatesOf(desired), IsEmpty());
    ASSERT_THAT(problemsOf(desired), SizeIs(1));
    EXPECT_THAT(problemsOf(desired)[0],
                HasSubstr("spec.tls[0]: has no host to show Secret shop/tls for"));
    EXPECT_TRUE(routeOf(desired, "shop/a/0/0").redirectToHttps);
}

TEST(Certificates, ThatAreMissingOrNoGoodCostTheirHostsOnly) {
    TlsCluster cluster;
    cluster.addSecret("good", {"good.test"});
    cluster.putSecret("broken", {"nonsense", "secret-text"});
    cluster.addSecret("elsewhere", {"foreign.test"}, "other");
    cluster.addIngress("a", "good.test", {{{"good.test"}, "good"}});
    cluster.addIngress("b", "broken.test", {{{"broken.test"}, "broken"}});
    cluster.addIngress("c", "absent.test", {{{"absent.test"}, "absent"}});
    cluster.addIngress("d", "foreign.test", {{{"foreign.test"}, "elsewhere"}});
    cluster.addIngress("e", "slash.test", {{{"slash.test"}, "other/elsewhere"}});
    const auto desired = cluster.translated();
    EXPECT_THAT(certificatesOf(desired), ElementsAre("shop/good: good.test"));
    EXPECT_THAT(
        problemsOf(desired),
        ElementsAre(
            "Ingress shop/b spec.tls[0].secretName: Secret shop/broken cannot be used: "
            "data[\"tls.crt\"] has no PEM block CERTIFICATE; the default certificate is shown",
            "Ingress shop/c spec.tls[0].secretName: no Secret shop/absent of type "
            "kubernetes.io/tls is known; the default certificate is shown",
            "Ingress shop/d spec.tls[0].secretName: no Secret shop/elsewhere of type "
            "kubernetes.io/tls is known; the default certificate is shown",
            "Ingress shop/e spec.tls[0].secretName: \"other/elsewhere\" is not the name of a "
            "Secret in the namespace of the Ingress; the default certificate is shown",
            "Secret shop/broken data[\"tls.crt\"]: has no PEM block CERTIFICATE"));
    // TLS is asked for all the same.
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        EXPECT_TRUE(routeOf(desired, "shop/" + std::string(name) + "/0/0").redirectToHttps);
    }
}

TEST(Certificates, OfAHostBelongToTheOldestIngressEvenWhenBroken) {
    TlsCluster cluster;
    cluster.addSecret("mine", {"a.test", "b.test"});
    cluster.putSecret("broken", {"x", "y"});
    cluster.addSecret("later", {"a.test", "b.test"});
    cluster.addIngress("old", "a.test", {{{"a.test"}, "mine"}, {{"b.test"}, "broken"}}, 1);
    cluster.addIngress("same", "a.test", {{{"a.test"}, "mine"}}, 2);
    cluster.addIngress("new", "a.test", {{{"a.test", "b.test"}, "later"}}, 3);
    const auto desired = cluster.translated();
    EXPECT_THAT(certificatesOf(desired), ElementsAre("shop/mine: a.test"));
    std::vector<std::string> of;
    for (const ObjectProblem& problem : desired.problems) {
        if (problem.object == "Ingress shop/new" && problem.where == "spec.tls[0]") {
            of.push_back(problem.what);
        }
    }
    EXPECT_THAT(of, ElementsAre("host a.test is already shown Secret shop/mine by Ingress shop/old "
                                "(spec.tls[0]), which comes first; ignored",
                                "host b.test is already shown Secret shop/broken by Ingress "
                                "shop/old (spec.tls[1]), which comes first; ignored"));
}

TEST(Certificates, OfOneIngressMayBeSeveralForAHost) {
    TlsCluster cluster;
    cluster.addSecret("ec", {"a.test"});
    cluster.putSecret("rsa", selfSigned({.names = {"a.test"}, .key = "RSA-2048"}));
    cluster.addIngress("a", "a.test", {{{"a.test"}, "ec"}, {{"a.test"}, "rsa"}}, 1);
    cluster.addIngress("b", "a.test", {{{"a.test"}, "ec"}}, 2);
    const auto desired = cluster.translated();
    EXPECT_THAT(certificatesOf(desired), ElementsAre("shop/ec: a.test", "shop/rsa: a.test"));
    EXPECT_THAT(problemsOf(desired), SizeIs(1)) << "of the path that both have";
    cluster.putSecret("ec", {"x", "y"});
    EXPECT_THAT(certificatesOf(cluster.translated()), ElementsAre("shop/rsa: a.test"));
}

TEST(Certificates, ThatDoNotCoverAHostAreShownWithAProblem) {
    TlsCluster cluster;
    cluster.addSecret("tls", {"*.b.test"});
    cluster.addIngress("a", "a.test", {{{"a.test", "x.b.test"}, "tls"}});
    const auto desired = cluster.translated();
    EXPECT_THAT(certificatesOf(desired), ElementsAre("shop/tls: a.test x.b.test"));
    EXPECT_THAT(problemsOf(desired),
                ElementsAre("Ingress shop/a spec.tls[0].secretName: the certificate of Secret "
                            "shop/tls is not valid for a.test; shown all the same"));
}

TEST(Certificates, OutOfTheirTimeAreShownWithAProblem) {
    TlsCluster cluster;
    cluster.putSecret("old",
                      selfSigned({.names = {"a.test"}, .notBefore = -7200, .notAfter = -60}));
    cluster.putSecret("new",
                      selfSigned({.names = {"b.test"}, .notBefore = 3600, .notAfter = 7200}));
    cluster.addIngress("a", "a.test", {{{"a.test"}, "old"}, {{"b.test"}, "new"}});
    const auto desired = cluster.at(secondsNow());
    EXPECT_THAT(certificatesOf(desired), ElementsAre("shop/new: b.test", "shop/old: a.test"));
    ASSERT_THAT(problemsOf(desired), SizeIs(2));
    EXPECT_THAT(problemsOf(desired)[0],
                HasSubstr("Secret shop/new data[\"tls.crt\"]: is not valid before 20"));
    EXPECT_THAT(problemsOf(desired)[1],
                HasSubstr("Secret shop/old data[\"tls.crt\"]: expired at 20"));
    EXPECT_THAT(problemsOf(cluster.at(secondsNow() - 1800)), SizeIs(1));
}

TEST(Certificates, WithWrongHostsLoseThoseOnly) {
    TlsCluster cluster;
    cluster.addSecret("tls", {"a.test"});
    cluster.addIngress("a", "a.test", {{{"a.test", "10.0.0.1", "", "x y", "a.test"}, "tls"}});
    const auto desired = cluster.translated();
    EXPECT_THAT(certificatesOf(desired), ElementsAre("shop/tls: a.test"));
    ASSERT_THAT(problemsOf(desired), SizeIs(3));
    EXPECT_THAT(problemsOf(desired)[0], HasSubstr("Ingress shop/a spec.tls[0].hosts[1]: "));
}

TEST(DefaultCertificate, IsNamedInTheSettings) {
    TlsCluster cluster;
    cluster.addSecret("fallback", {"any.test"}, "edge");
    cluster.options.https->defaultCertificate = ObjectName{"edge", "fallback"};
    const auto desired = cluster.translated();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_EQ(defaultOf(desired), "edge/fallback");
    EXPECT_THAT(certificatesOf(desired), ElementsAre("edge/fallback:"));
}

TEST(DefaultCertificate, TakesHostsThatNameNoSecretFromSomebodysStar) {
    TlsCluster cluster;
    cluster.addSecret("fallback", {"any.test"}, "edge");
    cluster.options.https->defaultCertificate = ObjectName{"edge", "fallback"};
    cluster.addSecret("star", {"*.a.test"});
    cluster.addIngress("a", "*.a.test", {{{"*.a.test"}, "star"}}, 1);
    cluster.addIngress("b", "b.a.test", {{{"b.a.test"}, ""}, {{"c.a.test"}, "absent"}}, 2);
    const auto desired = cluster.translated();
    EXPECT_THAT(certificatesOf(desired),
                ElementsAre("edge/fallback: b.a.test c.a.test", "shop/star: *.a.test"));
    EXPECT_TRUE(routeOf(desired, "shop/b/0/0").redirectToHttps);
}

TEST(DefaultCertificate, ThatIsMissingLeavesTheSelfSignedOne) {
    TlsCluster cluster;
    cluster.options.https->defaultCertificate = ObjectName{"edge", "fallback"};
    cluster.addIngress("b", "b.test", {{{"b.test"}, ""}});
    const auto desired = cluster.translated();
    EXPECT_EQ(defaultOf(desired), "");
    EXPECT_THAT(certificatesOf(desired), IsEmpty());
    ASSERT_THAT(problemsOf(desired), SizeIs(1));
    EXPECT_THAT(problemsOf(desired)[0], HasSubstr("Secret edge/fallback : no Secret"));
    EXPECT_THAT(problemsOf(desired)[0], HasSubstr("--default-certificate"));
}

TEST(Redirect, IsForHostsWithTls) {
    TlsCluster cluster;
    cluster.options.https->redirectPort = 8443;
    cluster.addSecret("tls", {"a.test", "*.b.test"});
    cluster.addIngress("a", "a.test", {{{"a.test", "*.b.test"}, "tls"}}, 1);
    cluster.addIngress("plain", "plain.test", {}, 2);
    // The host of somebody else's tls: it is one host for clients.
    auto other = Cluster::ingress("other", "a.test", {{"/other", "Prefix", "web"}}, 3);
    cluster.store.upsert(other);
    // Somebody else's star asks for nothing here.
    cluster.addIngress("starred", "x.b.test", {}, 4);
    const auto desired = cluster.translated();
    EXPECT_TRUE(routeOf(desired, "shop/a/0/0").redirectToHttps);
    EXPECT_EQ(routeOf(desired, "shop/a/0/0").redirectPort, 8443);
    EXPECT_FALSE(routeOf(desired, "shop/plain/0/0").redirectToHttps);
    EXPECT_TRUE(routeOf(desired, "shop/other/0/0").redirectToHttps);
    EXPECT_FALSE(routeOf(desired, "shop/starred/0/0").redirectToHttps);
}

TEST(Redirect, FollowsTheStarOfTheSameIngress) {
    TlsCluster cluster;
    cluster.addSecret("tls", {"*.b.test"});
    cluster.addIngress("a", "x.b.test", {{{"*.b.test"}, "tls"}});
    EXPECT_TRUE(routeOf(cluster.translated(), "shop/a/0/0").redirectToHttps);
    cluster.addIngress("a", "x.y.b.test", {{{"*.b.test"}, "tls"}});
    EXPECT_FALSE(routeOf(cluster.translated(), "shop/a/0/0").redirectToHttps);
}

TEST(Redirect, DoesWhatTheAnnotationSays) {
    TlsCluster cluster;
    cluster.addSecret("tls", {"a.test"});
    for (const bool wanted : {true, false}) {
        for (const bool tls : {true, false}) {
            auto object = Cluster::ingress("a", "a.test", {{"/", "Prefix", "web"}});
            object.metadata.annotations = {{"evergate.io/ssl-redirect", wanted ? "true" : "false"}};
            if (tls) {
                object.tls = {{{"a.test"}, "tls"}};
            }
            cluster.store.upsert(object);
            EXPECT_EQ(routeOf(cluster.translated(), "shop/a/0/0").redirectToHttps, wanted);
        }
    }
}

TEST(Redirect, LetsAcmeChallengesThrough) {
    TlsCluster cluster;
    cluster.addSecret("tls", {"a.test"});
    cluster.addIngress("a", "a.test", {{{"a.test"}, "tls"}});
    auto solver = Cluster::ingress("solver", "a.test",
                                   {{"/.well-known/acme-challenge/token", "Exact", "web"},
                                    {"/.well-known/acme-challenge", "Prefix", "web"},
                                    {"/.well-known/acme-challenge-foo", "Exact", "web"},
                                    {"/.well-known/acme-challenges/", "Prefix", "web"}});
    cluster.store.upsert(solver);
    const auto desired = cluster.translated();
    EXPECT_TRUE(routeOf(desired, "shop/a/0/0").redirectToHttps);
    EXPECT_FALSE(routeOf(desired, "shop/solver/0/0").redirectToHttps);
    EXPECT_FALSE(routeOf(desired, "shop/solver/0/1").redirectToHttps);
    EXPECT_TRUE(routeOf(desired, "shop/solver/0/2").redirectToHttps);
    EXPECT_TRUE(routeOf(desired, "shop/solver/0/3").redirectToHttps);
}

TEST(HttpsListener, ReservesItsPort) {
    TlsCluster cluster;
    cluster.addService("db", {{"pg", 5432, true}}, {{"evergate.io/tcp-port", "8443"}});
    const auto desired = cluster.translated();
    EXPECT_EQ(desired.config.count(model::Kind::listener), 2U);
    ASSERT_THAT(problemsOf(desired), SizeIs(1));
    EXPECT_THAT(problemsOf(desired)[0],
                HasSubstr("port 8443 already belongs to the https listener"));
}

TEST(Certificates, ForManyHostsBecomeSeveralValues) {
    TlsCluster cluster;
    cluster.addSecret("star", {"*.a.test"});
    IngressTls tls{{}, "star"};
    for (int i = 0; i < 600; ++i) {
        tls.hosts.push_back("h" + std::to_string(i) + ".a.test");
    }
    cluster.addIngress("a", "h0.a.test", {tls});
    const auto desired = cluster.translated();
    EXPECT_EQ(desired.config.count(model::Kind::certificate), 3U);
    std::size_t hosts = 0;
    for (const auto& [key, entry] : desired.config.entries()) {
        EXPECT_THAT(model::validate(key, *entry.value), IsEmpty());
        if (const auto* certificate = std::get_if<model::Certificate>(entry.value.get())) {
            hosts += certificate->hosts.size();
            EXPECT_TRUE(key.name.starts_with("shop/star")) << key.name;
        }
    }
    EXPECT_EQ(hosts, 600U);
}

TEST(Certificates, AreTheSameBytesWithAndWithoutACache) {
    TlsCluster cluster;
    CertificateCache cache;
    cluster.addSecret("tls", {"a.test"});
    cluster.addIngress("a", "a.test", {{{"a.test"}, "tls"}});
    const auto root = [](const Desired& desired) {
        return desired.config.root(model::Lane::config);
    };
    const auto first = translate(cluster.store, cluster.options, cache, 0);
    EXPECT_EQ(root(first), root(translate(cluster.store, cluster.options, cache, 0)));
    EXPECT_EQ(root(first), root(cluster.translated()));
    // Rotation: the same name, another value.
    cluster.addSecret("tls", {"a.test"});
    const auto rotated = translate(cluster.store, cluster.options, cache, 0);
    EXPECT_NE(root(first), root(rotated));
    EXPECT_EQ(root(rotated), root(cluster.translated()));
    const auto delta = model::diff(first.config, rotated.config, model::Lane::config);
    EXPECT_THAT(delta.upserts, SizeIs(1));
    EXPECT_THAT(delta.deletes, IsEmpty());
}

}  // namespace
}  // namespace evergate::controller
