// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/service_listeners.hpp"

#include <gmock/gmock.h>

#include "common/model/validation.hpp"
#include "tests/unit/controller/translate/cluster.hpp"

namespace evergate::controller {
namespace {

using testing::Cluster;
using ::testing::ElementsAre;
using testing::endpointsOf;
using ::testing::IsEmpty;
using testing::problemsOf;

const model::Listener* listener(const Desired& desired, const std::string& name) {
    return desired.config.find<model::Listener>({model::Kind::listener, name});
}

TEST(ServiceListeners, OpensATcpListenerToTheFirstTcpPort) {
    Cluster cluster;
    cluster.options.listenAddress = "127.0.0.1";
    cluster.addService("db", {{"dns", 53, false}, {"sql", 5432, true}, {"x", 1, true}},
                       {{"evergate.io/tcp-port", "15432"}});
    cluster.store.upsert(
        Cluster::slice("db-1", "db", {{"10.0.0.1", true, false}}, {{"sql", 5433, true}}));
    const Desired desired = cluster.translated();
    const auto* tcp = listener(desired, "tcp/shop/db/15432");
    ASSERT_NE(tcp, nullptr);
    EXPECT_EQ(*tcp,
              (model::Listener{"127.0.0.1", 15432, model::ListenerProtocol::tcp, "shop/db/sql"}));
    EXPECT_THAT(endpointsOf(desired, "shop/db/sql"), ElementsAre("10.0.0.1 5433"));
    EXPECT_THAT(affectedBackends(cluster.store, cluster.options, {"shop", "db"}),
                ElementsAre("shop/db/sql"));
    EXPECT_THAT(model::crossCheck(desired.config), IsEmpty());
}

TEST(ServiceListeners, EndsTlsWhenAsked) {
    Cluster cluster;
    cluster.options.https.emplace();
    const auto add = [&](const std::string& tls) {
        cluster.addService("db", {{"sql", 5432, true}},
                           {{"evergate.io/tcp-port", "15432"}, {"evergate.io/tcp-tls", tls}});
    };
    const auto protocol = [&](const Desired& desired) {
        const auto* found = listener(desired, "tcp/shop/db/15432");
        return found == nullptr ? model::ListenerProtocol::http : found->protocol;
    };
    add("true");
    const Desired desired = cluster.translated();
    EXPECT_EQ(protocol(desired), model::ListenerProtocol::tls);
    EXPECT_EQ(listener(desired, "tcp/shop/db/15432")->backend, "shop/db/sql");
    EXPECT_THAT(problemsOf(desired), IsEmpty());
    EXPECT_THAT(model::crossCheck(desired.config), IsEmpty());
    add("false");
    EXPECT_EQ(protocol(cluster.translated()), model::ListenerProtocol::tcp);
    add("yes");
    const Desired wrong = cluster.translated();
    EXPECT_EQ(protocol(wrong), model::ListenerProtocol::http) << "closed";
    EXPECT_EQ(wrong.problems.size(), 1u);
}

TEST(ServiceListeners, TellsWhatIsMissingForTls) {
    Cluster cluster;
    cluster.addService("db", {{"sql", 5432, true}},
                       {{"evergate.io/tcp-port", "15432"}, {"evergate.io/tcp-tls", "true"}});
    cluster.addService("web", {{"", 80, true}}, {{"evergate.io/tcp-tls", "true"}});
    EXPECT_THAT(
        problemsOf(cluster.translated()),
        ElementsAre("Service shop/db metadata.annotations[\"evergate.io/tcp-tls\"]: shows a "
                    "self-signed certificate: without an https listener no Secrets are read",
                    "Service shop/web metadata.annotations[\"evergate.io/tcp-tls\"]: has no "
                    "effect without tcp-port"));
}

TEST(ServiceListeners, SendsToThePortThatIsNamed) {
    Cluster cluster;
    cluster.addService("db", {{"a", 1, true}, {"b", 2, true}},
                       {{"evergate.io/tcp-port", "100"}, {"evergate.io/tcp-service-port", "2"}});
    EXPECT_EQ(listener(cluster.translated(), "tcp/shop/db/100")->backend, "shop/db/2");
    cluster.addService("db", {{"a", 1, true}, {"b", 2, true}},
                       {{"evergate.io/tcp-port", "100"}, {"evergate.io/tcp-service-port", "c"}});
    const Desired desired = cluster.translated();
    EXPECT_EQ(listener(desired, "tcp/shop/db/100"), nullptr);
    EXPECT_EQ(desired.problems.size(), 2u);
}

TEST(ServiceListeners, OpensAnHttpListenerForOneService) {
    Cluster cluster;
    cluster.addService("web", {{"", 80, true}}, {{"evergate.io/http-port", "8081"}});
    const Desired desired = cluster.translated();
    const auto* http = listener(desired, "http/shop/web");
    ASSERT_NE(http, nullptr);
    EXPECT_EQ(http->port, 8081);
    const auto* route =
        desired.config.find<model::Route>({model::Kind::route, "http/shop/web/all"});
    ASSERT_NE(route, nullptr);
    EXPECT_EQ(*route, (model::Route{{"http/shop/web"},
                                    "",
                                    model::PathType::prefix,
                                    "/",
                                    "shop/web/80",
                                    "Service shop/web"}));
    EXPECT_THAT(model::crossCheck(desired.config), IsEmpty());
}

TEST(ServiceListeners, LetsTheOldestServiceHaveThePort) {
    Cluster cluster;
    cluster.options.reservedPorts = {443};
    cluster.addService("a", {{"", 1, true}}, {{"evergate.io/tcp-port", "100"}}, 20);
    cluster.addService("b", {{"", 1, true}}, {{"evergate.io/http-port", "100"}}, 10);
    cluster.addService("c", {{"", 1, true}}, {{"evergate.io/tcp-port", "80"}}, 10);
    cluster.addService("d", {{"", 1, true}}, {{"evergate.io/tcp-port", "443"}}, 10);
    const Desired desired = cluster.translated();
    EXPECT_NE(listener(desired, "http/shop/b"), nullptr);
    EXPECT_EQ(desired.config.count(model::Kind::listener), 2u);
    EXPECT_THAT(
        problemsOf(desired),
        ElementsAre(
            "Service shop/a metadata.annotations[\"evergate.io/tcp-port\"]: port 100 already "
            "belongs to Service shop/b; ignored",
            "Service shop/c metadata.annotations[\"evergate.io/tcp-port\"]: port 80 already "
            "belongs to the http listener; ignored",
            "Service shop/d metadata.annotations[\"evergate.io/tcp-port\"]: port 443 already "
            "belongs to Evergate itself; ignored"));
}

TEST(ServiceListeners, RefusesWhatIsNotAPort) {
    for (const char* value : {"", "0", "65536", "80,81", "db"}) {
        Cluster cluster;
        cluster.addService("db", {{"", 1, true}}, {{"evergate.io/tcp-port", value}});
        const Desired desired = cluster.translated();
        EXPECT_EQ(desired.config.count(model::Kind::listener), 1u) << value;
        EXPECT_EQ(desired.problems.size(), 1u) << value;
    }
}

TEST(ServiceListeners, NeedsATcpPortToSendTo) {
    Cluster cluster;
    cluster.addService("db", {{"dns", 53, false}}, {{"evergate.io/tcp-port", "53"}});
    EXPECT_THAT(
        problemsOf(cluster.translated()),
        ElementsAre("Service shop/db metadata.annotations[\"evergate.io/tcp-port\"]: there is no "
                    "TCP port to send to; ignored"));
}

}  // namespace
}  // namespace evergate::controller
