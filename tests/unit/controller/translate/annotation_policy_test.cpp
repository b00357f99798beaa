// SPDX-License-Identifier: Apache-2.0
// What annotations become in a whole translation: whose word counts, and what a wrong one costs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/model/validation.hpp"
#include "controller/translate/annotation_table.hpp"
#include "tests/support/self_signed.hpp"
#include "tests/unit/controller/translate/cluster.hpp"

namespace evergate::controller {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using testing::Cluster;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::problemsOf;

const std::vector<ServicePort> kPorts{{"http", 80, true}};

class AnnotationPolicy : public ::testing::Test {
protected:
    void addIngress(const std::string& name, const std::string& host, Annotations notes,
                    std::int64_t createdAt = 0, const std::string& service = "web") {
        Ingress ingress =
            Cluster::ingress(name, host, {{"/", "Prefix", service, {"", 80}}}, createdAt);
        ingress.metadata.annotations = std::move(notes);
        cluster.store.upsert(std::move(ingress));
    }

    void translate() { desired = cluster.translated(); }

    const model::Backend& backend(const std::string& service = "web") {
        const auto* found =
            desired.config.find<model::Backend>({model::Kind::backend, "shop/" + service + "/80"});
        return found == nullptr ? fallback_ : *found;
    }

    const model::Route& route(const std::string& ingress) {
        const auto* found =
            desired.config.find<model::Route>({model::Kind::route, "shop/" + ingress + "/0/0"});
        return found == nullptr ? none_ : *found;
    }

    Cluster cluster;
    Desired desired;

private:
    model::Backend fallback_;
    model::Route none_;
};

TEST_F(AnnotationPolicy, OfTheServiceCountsForABackend) {
    cluster.addService("web", kPorts, {{"evergate.io/retries", "3"}});
    addIngress("a", "a.test",
               {{"evergate.io/retries", "5"}, {"evergate.io/timeout-connect", "250ms"}});
    translate();
    EXPECT_EQ(backend().retries, 3u);
    EXPECT_EQ(backend().connectTimeout, milliseconds(250));
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST_F(AnnotationPolicy, OfTheOldestIngressCountsForABackend) {
    cluster.addService("web");
    addIngress("young", "a.test",
               {{"evergate.io/retries", "5"}, {"evergate.io/timeout-connect", "5000ms"}}, 20);
    addIngress("old", "b.test",
               {{"evergate.io/retries", "2"}, {"evergate.io/timeout-connect", "5s"}}, 10);
    translate();
    EXPECT_EQ(backend().retries, 2u);
    EXPECT_THAT(problemsOf(desired),
                ElementsAre("Ingress shop/young metadata.annotations[\"evergate.io/retries\"]: "
                            "differs from that of Ingress shop/old for backend shop/web/80; "
                            "ignored there"));
}

TEST_F(AnnotationPolicy, OfTheServiceSettlesAQuarrelOfIngresses) {
    cluster.addService("web", kPorts, {{"evergate.io/retries", "3"}});
    addIngress("a", "a.test", {{"evergate.io/retries", "0"}}, 10);
    addIngress("b", "b.test", {{"evergate.io/retries", "5"}}, 20);
    translate();
    EXPECT_EQ(backend().retries, 3u);
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST_F(AnnotationPolicy, OfTheIngressCountsForARoute) {
    cluster.addService("web", kPorts,
                       {{"evergate.io/body-size", "1k"}, {"evergate.io/rewrite-prefix", "/s"}});
    addIngress("a", "a.test", {{"evergate.io/body-size", "2k"}});
    addIngress("b", "b.test", {});
    translate();
    EXPECT_EQ(route("a").maxBodyBytes, 2048u);
    EXPECT_EQ(route("a").rewritePrefix, "/s");
    EXPECT_EQ(route("b").maxBodyBytes, 1024u);
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST_F(AnnotationPolicy, OfAnIngressHoldsForItsOwnRoutesOnly) {
    cluster.addService("web");
    addIngress("a", "a.test", {{"evergate.io/response-headers-set", "X-A: 1"}});
    addIngress("b", "b.test", {});
    translate();
    EXPECT_EQ(route("a").responseHeadersSet.size(), 1u);
    EXPECT_THAT(route("b").responseHeadersSet, IsEmpty());
}

TEST_F(AnnotationPolicy, ReachesDefaultBackendsToo) {
    cluster.addService("web");
    Ingress ingress = Cluster::ingress("d", "d.test", {});
    ingress.defaultBackend = IngressBackend{"web", {"", 80}, false};
    ingress.metadata.annotations = {{"evergate.io/body-size", "1k"}, {"evergate.io/retries", "4"}};
    cluster.store.upsert(std::move(ingress));
    translate();
    const auto* found = desired.config.find<model::Route>({model::Kind::route, "shop/d/0/default"});
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->maxBodyBytes, 1024u);
    EXPECT_EQ(backend().retries, 4u);
}

TEST_F(AnnotationPolicy, LosesOnlyWhatIsWrong) {
    cluster.addService("web", kPorts,
                       {{"evergate.io/max-pending", "5"}, {"evergate.io/retries", "many"}});
    addIngress("a", "a.test", {{"evergate.io/body-size", "big"}, {"evergate.io/retries", "2"}});
    translate();
    EXPECT_EQ(backend().maxPending, 5u);
    // The Service's word is none: that of the Ingress counts.
    EXPECT_EQ(backend().retries, 2u);
    EXPECT_EQ(route("a").maxBodyBytes, 0u);
    EXPECT_THAT(
        problemsOf(desired),
        ElementsAre(
            AllOf(HasSubstr("Ingress shop/a metadata.annotations[\"evergate.io/body-size\"]: "),
                  HasSubstr("; ignored")),
            "Service shop/web metadata.annotations[\"evergate.io/retries\"]: must be a whole "
            "number, not \"many\"; ignored"));
}

TEST_F(AnnotationPolicy, ShowsWrongWordsAndNothingThatMayBeSecret) {
    cluster.addService("web", kPorts, {{"evergate.io/request-headers-set", "X-Token= hidden"}});
    addIngress("a", "a.test",
               {{"evergate.io/body-size", "1 hidden"},
                {"evergate.io/compress", "gzip,gzip"},
                {"evergate.io/timeout-request", std::string(33, '1')}});
    translate();
    EXPECT_THAT(problemsOf(desired),
                ElementsAre(AllOf(HasSubstr("body-size"), Not(HasSubstr("hidden"))),
                            HasSubstr("must be one or more of gzip, br, zstd, none twice, not "
                                      "\"gzip,gzip\"; ignored"),
                            AllOf(HasSubstr("timeout-request"), Not(HasSubstr("111"))),
                            HasSubstr("request-headers-set")));
}

TEST_F(AnnotationPolicy, KeepsAccessClosedWhenAListIsWrong) {
    cluster.addService("web", kPorts, {{"evergate.io/allow-source-ranges", "0.0.0.0/0"}});
    addIngress("some", "a.test",
               {{"evergate.io/allow-source-ranges", "10.0.0.0/8, 10.0.0.0/99, 192.0.2.1"}});
    addIngress("none", "b.test", {{"evergate.io/allow-source-ranges", "everybody"}});
    addIngress("empty", "c.test", {{"evergate.io/allow-source-ranges", ""}});
    translate();
    EXPECT_TRUE(route("some").restrictSources);
    EXPECT_THAT(route("some").allowSources, ElementsAre("10.0.0.0/8", "192.0.2.1"));
    for (const char* name : {"none", "empty"}) {
        EXPECT_TRUE(route(name).restrictSources) << name;
        EXPECT_THAT(route(name).allowSources, IsEmpty()) << name;
    }
    EXPECT_EQ(desired.problems.size(), 3u);
}

TEST_F(AnnotationPolicy, TellsWhatIsUnknownOrInTheWrongPlace) {
    cluster.addService("web", kPorts, {{"evergate.io/retrys", "3"}});
    addIngress("a", "a.test", {{"evergate.io/tcp-port", "81"}});
    translate();
    EXPECT_THAT(problemsOf(desired),
                ElementsAre("Ingress shop/a metadata.annotations[\"evergate.io/tcp-port\"]: "
                            "belongs on a Service; ignored",
                            "Service shop/web metadata.annotations[\"evergate.io/retrys\"]: is "
                            "not an annotation of Evergate; ignored"));
}

TEST_F(AnnotationPolicy, IsReadOfServicesNobodyUses) {
    cluster.addService("lonely", kPorts, {{"evergate.io/retries", "x"}});
    translate();
    EXPECT_EQ(desired.problems.size(), 1u);
}

TEST_F(AnnotationPolicy, TakesACheckForWantedWhenItIsDescribed) {
    cluster.addService("web", kPorts, {{"evergate.io/health-check-path", "/up"}});
    addIngress("a", "a.test", {{"evergate.io/health-check-interval", "1s"}});
    translate();
    EXPECT_EQ(backend().healthCheck.type, model::HealthCheckType::http);
    EXPECT_EQ(backend().healthCheck.path, "/up");
    EXPECT_EQ(backend().healthCheck.interval, milliseconds(1000));
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST_F(AnnotationPolicy, TakesAGrpcCheckForWantedWhenItIsDescribed) {
    cluster.addService("web", kPorts, {{"evergate.io/health-check-grpc-service", "a.B"}});
    addIngress("a", "a.test", {});
    translate();
    EXPECT_EQ(backend().healthCheck.type, model::HealthCheckType::grpc);
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST_F(AnnotationPolicy, TakesAHostForEveryCheckThatSaysOne) {
    const auto with = [&](const char* check, const char* protocol) {
        cluster.addService("web", kPorts,
                           {{"evergate.io/health-check", check},
                            {"evergate.io/health-check-host", "web.test"},
                            {"evergate.io/protocol", protocol}});
        addIngress("a", "a.test", {});
        translate();
        return desired.problems.size();
    };
    for (const char* check : {"http", "tls", "grpc"}) {
        EXPECT_EQ(with(check, "http"), 0u) << check;
    }
    EXPECT_EQ(with("tcp", "https"), 0u);
    EXPECT_EQ(with("tcp", "grpcs"), 0u);
    EXPECT_EQ(with("tcp", "http"), 1u);
    EXPECT_EQ(with("tcp", "grpc"), 1u);
    EXPECT_EQ(with("none", "http"), 1u);
    cluster.addService("web", kPorts, {{"evergate.io/health-check-host", "web.test"}});
    translate();
    EXPECT_EQ(backend().healthCheck.type, model::HealthCheckType::http);
}

TEST_F(AnnotationPolicy, TakesAPortsWordOnHttp2UnlessThereIsAnother) {
    const std::vector<ServicePort> ports{{"http", 80, true, true}};
    cluster.addService("web", ports);
    addIngress("a", "a.test", {});
    translate();
    EXPECT_EQ(backend().protocol, model::BackendProtocol::h2c);
    cluster.addService("web", ports, {{"evergate.io/protocol", "https"}});
    translate();
    EXPECT_EQ(backend().protocol, model::BackendProtocol::https);
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST_F(AnnotationPolicy, TellsWhatNeedsAnotherAnnotation) {
    cluster.addService("web", kPorts,
                       {{"evergate.io/hash-load-bound", "125"},
                        {"evergate.io/health-check", "tcp"},
                        {"evergate.io/health-check-grpc-service", "a.B"},
                        {"evergate.io/outlier-interval", "1s"},
                        {"evergate.io/retries", "0"},
                        {"evergate.io/retry-on", "503"}});
    addIngress("a", "a.test", {});
    translate();
    EXPECT_THAT(problemsOf(desired),
                ElementsAre(HasSubstr("hash-load-bound\"]: has no effect"),
                            HasSubstr("health-check-grpc-service\"]: has no effect"),
                            HasSubstr("outlier-interval\"]: has no effect"),
                            HasSubstr("retry-on\"]: has no effect")));
    cluster.addService("web", kPorts,
                       {{"evergate.io/hash-load-bound", "125"},
                        {"evergate.io/health-check-grpc-service", "a.B"},
                        {"evergate.io/load-balance", "hash:path"},
                        {"evergate.io/outlier-consecutive-failures", "4294967295"},
                        {"evergate.io/outlier-failure-percent", "1"},
                        {"evergate.io/outlier-interval", "1s"},
                        {"evergate.io/retry-on", "503"}});
    translate();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST_F(AnnotationPolicy, TellsWhatHasNoEffect) {
    cluster.addService(
        "web", kPorts,
        {{"evergate.io/backend-tls-verify", "true"}, {"evergate.io/health-check-interval", "1s"}});
    cluster.addService("db", kPorts,
                       {{"evergate.io/health-check", "tcp"},
                        {"evergate.io/health-check-path", "/up"},
                        {"evergate.io/health-check-port", "81"}});
    addIngress("a", "a.test", {});
    addIngress("b", "b.test", {}, 0, "db");
    translate();
    EXPECT_EQ(backend("db").healthCheck.type, model::HealthCheckType::tcp);
    EXPECT_EQ(backend("db").healthCheck.port, 81);
    EXPECT_EQ(backend().healthCheck.type, model::HealthCheckType::none);
    EXPECT_THAT(problemsOf(desired),
                ElementsAre(HasSubstr("Service shop/db metadata.annotations[\"evergate.io/"
                                      "health-check-path\"]: has no effect"),
                            HasSubstr("Service shop/web metadata.annotations[\"evergate.io/"
                                      "backend-tls-verify\"]: has no effect"),
                            HasSubstr("Service shop/web metadata.annotations[\"evergate.io/"
                                      "health-check-interval\"]: has no effect")));
}

TEST_F(AnnotationPolicy, RedirectsWhereThereIsAnHttpsListener) {
    cluster.addService("web", kPorts, {{"evergate.io/ssl-redirect", "true"}});
    addIngress("a", "a.test", {{"evergate.io/ssl-redirect", "true"}});
    addIngress("b", "b.test", {{"evergate.io/ssl-redirect", "false"}});
    addIngress("c", "c.test", {});
    translate();
    EXPECT_FALSE(route("a").redirectToHttps);
    EXPECT_THAT(problemsOf(desired),
                ElementsAre(HasSubstr("Ingress shop/a metadata.annotations[\"evergate.io/"
                                      "ssl-redirect\"]: has no effect"),
                            HasSubstr("Service shop/web metadata.annotations[\"evergate.io/"
                                      "ssl-redirect\"]: has no effect")));
    cluster.options.https.emplace();
    cluster.options.https->redirectPort = 8443;
    translate();
    EXPECT_TRUE(route("a").redirectToHttps);
    EXPECT_EQ(route("a").redirectPort, 8443);
    EXPECT_FALSE(route("b").redirectToHttps);
    EXPECT_TRUE(route("c").redirectToHttps);  // the Service's word
    EXPECT_THAT(problemsOf(desired),
                ElementsAre(AllOf(HasSubstr("Ingress shop/a "), HasSubstr("redirects a.test to")),
                            AllOf(HasSubstr("Service shop/web "), HasSubstr("redirects c.test"))));
}

TEST_F(AnnotationPolicy, RedirectsInSilenceWhereThereIsACertificate) {
    cluster.options.https.emplace();
    cluster.addService("web");
    const auto made = test::selfSigned({.names = {"*.test", "b.example"}});
    cluster.store.upsert(Secret{Cluster::named("shop", "tls"),
                                std::make_shared<const TlsKeyPair>(made.chain, made.key)});
    Ingress owner = Cluster::ingress("owner", "b.example", {{"/", "Prefix", "web", {"", 80}}});
    owner.tls = {{{"*.test", "b.example"}, "tls"}};
    cluster.store.upsert(std::move(owner));
    addIngress("a", "a.test", {{"evergate.io/ssl-redirect", "true"}});
    addIngress("any", "", {{"evergate.io/ssl-redirect", "true"}});
    translate();
    EXPECT_TRUE(route("a").redirectToHttps);
    EXPECT_THAT(problemsOf(desired), ElementsAre(AllOf(HasSubstr("Ingress shop/any "),
                                                       HasSubstr("redirects any host to"))));
    cluster.options.https->defaultCertificate = ObjectName{"shop", "tls"};
    translate();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
}

TEST_F(AnnotationPolicy, TellsOnceWhichHostsRedirectToNoCertificate) {
    cluster.options.https.emplace();
    cluster.addService("web", kPorts, {{"evergate.io/ssl-redirect", "true"}});
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) {
        addIngress(name, std::string(name) + ".t", {});
    }
    translate();
    EXPECT_THAT(problemsOf(desired),
                ElementsAre(HasSubstr("redirects a.t, b.t, c.t, d.t, e.t and 2 more to https")));
}

TEST_F(AnnotationPolicy, TellsThatListenersOfServicesDoNotRedirect) {
    cluster.addService("web", kPorts,
                       {{"evergate.io/http-port", "8081"}, {"evergate.io/ssl-redirect", "true"}});
    cluster.options.https.emplace();
    translate();
    EXPECT_THAT(problemsOf(desired),
                ElementsAre(HasSubstr("Service shop/web metadata.annotations[\"evergate.io/"
                                      "ssl-redirect\"]: has no effect: no Ingress leads here")));
}

TEST_F(AnnotationPolicy, PassesThroughByHost) {
    cluster.options.https.emplace();
    cluster.options.https->redirectPort = 8443;
    cluster.addService("web", kPorts, {{"evergate.io/request-headers-set", "X-A: b"}});
    addIngress("a", "a.test",
               {{"evergate.io/ssl-passthrough", "true"},
                {"evergate.io/body-size", "1k"},
                {"evergate.io/allow-source-ranges", "10.0.0.0/8"}});
    translate();
    model::Route expected;
    expected.listeners = {"https"};
    expected.host = "a.test";
    expected.backend = "shop/web/80";
    expected.origin = "Ingress shop/a";
    expected.restrictSources = true;
    expected.allowSources = {"10.0.0.0/8"};
    expected.passthrough = true;
    EXPECT_EQ(route("a"), expected) << "nothing about requests";
    expected.passthrough = false;
    expected.listeners = {"http"};
    expected.redirectToHttps = true;
    expected.redirectPort = 8443;
    const auto* plain = desired.config.find<model::Route>({model::Kind::route, "shop/a/0/0/http"});
    ASSERT_NE(plain, nullptr);
    EXPECT_EQ(*plain, expected);
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_THAT(model::crossCheck(desired.config), IsEmpty());
    addIngress("a", "a.test",
               {{"evergate.io/ssl-passthrough", "true"}, {"evergate.io/ssl-redirect", "false"}});
    translate();
    EXPECT_EQ(desired.config.count(model::Kind::route), 1u);
}

TEST_F(AnnotationPolicy, PassesThroughWholeHostsOnly) {
    cluster.options.https.emplace();
    cluster.addService("web");
    const Annotations on{{"evergate.io/ssl-passthrough", "true"}};
    Ingress ingress = Cluster::ingress(
        "a", "a.test", {{"/", "Prefix", "web", {"", 80}}, {"/shop", "Prefix", "web", {"", 80}}});
    ingress.rules.push_back({"", {{"/", "Prefix", {"web", {"", 80}, false}}}});
    ingress.metadata.annotations = on;
    // Neither sent nor missed: the endpoints have certificates of their own.
    ingress.tls = {{{"a.test"}, "absent"}};
    cluster.store.upsert(std::move(ingress));
    addIngress("younger", "a.test", {}, 10);
    translate();
    EXPECT_TRUE(route("a").passthrough);
    EXPECT_THAT(problemsOf(desired),
                ElementsAre(HasSubstr("Ingress shop/a spec.rules[0].http.paths[1]: has a path "
                                      "other than /"),
                            HasSubstr("Ingress shop/a spec.rules[1].http.paths[0]: has no host"),
                            HasSubstr("already belong to Ingress shop/a")));
    EXPECT_EQ(desired.config.count(model::Kind::route), 2u);
    EXPECT_THAT(model::crossCheck(desired.config), IsEmpty());
}

TEST_F(AnnotationPolicy, PassesNothingThroughWithoutAnHttpsListener) {
    cluster.addService("web", kPorts, {{"evergate.io/ssl-passthrough", "true"}});
    addIngress("a", "a.test", {{"evergate.io/ssl-passthrough", "true"}});
    translate();
    EXPECT_EQ(desired.config.count(model::Kind::route), 0u);
    EXPECT_THAT(problemsOf(desired),
                ElementsAre(HasSubstr("has no effect: there is no https listener; its hosts are "
                                      "not served"),
                            HasSubstr("belongs on an Ingress; ignored")));
}

TEST_F(AnnotationPolicy, GoesWithTheListenersOfAService) {
    cluster.addService("db", kPorts,
                       {{"evergate.io/allow-source-ranges", "10.0.0.0/8"},
                        {"evergate.io/body-size", "1k"},
                        {"evergate.io/http-port", "8081"},
                        {"evergate.io/tcp-port", "5432"},
                        {"evergate.io/timeout-connect", "1s"}});
    translate();
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    const auto* listener =
        desired.config.find<model::Listener>({model::Kind::listener, "tcp/shop/db/5432"});
    ASSERT_NE(listener, nullptr);
    EXPECT_TRUE(listener->restrictSources);
    EXPECT_THAT(listener->allowSources, ElementsAre("10.0.0.0/8"));
    const auto* all = desired.config.find<model::Route>({model::Kind::route, "http/shop/db/all"});
    ASSERT_NE(all, nullptr);
    EXPECT_TRUE(all->restrictSources);
    EXPECT_EQ(all->maxBodyBytes, 1024u);
    EXPECT_FALSE(all->redirectToHttps);
    const auto* target =
        desired.config.find<model::Backend>({model::Kind::backend, "shop/db/http"});
    ASSERT_NE(target, nullptr);
    EXPECT_EQ(target->connectTimeout, milliseconds(1000));
}

TEST_F(AnnotationPolicy, KeepsATcpListenerClosedWhenItsListIsWrong) {
    cluster.addService(
        "db", kPorts, {{"evergate.io/allow-source-ranges", "x"}, {"evergate.io/tcp-port", "5432"}});
    translate();
    const auto* listener =
        desired.config.find<model::Listener>({model::Kind::listener, "tcp/shop/db/5432"});
    ASSERT_NE(listener, nullptr);
    EXPECT_TRUE(listener->restrictSources);
    EXPECT_THAT(listener->allowSources, IsEmpty());
}

TEST_F(AnnotationPolicy, AlwaysMakesValuesThatTheDataPlaneTakes) {
    const std::string noise[] = {
        "",        "0", "-1",   "1",    "true",    "http", "cookie:a", "/",    "/a",           "5s",
        "999999h", "x", "a: b", "::/0", "200-299", "8m",   "\n",       "\xff", "hash:header:x"};
    Annotations notes;
    for (const auto rows : annotationGroups()) {
        for (const AnnotationRow& row : rows) {
            notes.emplace_back(row.name, "");
        }
    }
    std::sort(notes.begin(), notes.end());
    cluster.options.https.emplace();
    for (std::size_t round = 0; round < std::size(noise); ++round) {
        for (std::size_t i = 0; i < notes.size(); ++i) {
            notes[i].second = noise[(round + i * 7) % std::size(noise)];
        }
        cluster.addService("web", kPorts, notes);
        addIngress("a", "a.test", notes);
        translate();
        for (const auto& [key, entry] : desired.config.entries()) {
            EXPECT_THAT(model::validate(key, *entry.value), IsEmpty()) << model::toText(key);
        }
        EXPECT_THAT(model::crossCheck(desired.config), IsEmpty());
    }
}

}  // namespace
}  // namespace evergate::controller
