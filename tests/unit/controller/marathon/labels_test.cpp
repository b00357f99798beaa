// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/labels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/marathon/samples.hpp"

namespace evergate::controller::marathon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Wished {
    std::vector<PortWish> wishes;
    std::vector<std::string> problems;
};

Wished wished(const App& app, std::vector<std::string> groups = {"external"}) {
    ProblemList problems;
    Wished result;
    result.wishes = wishesOf(app, GroupFilter(std::move(groups)), &problems);
    result.problems = textsOf(problems.take());
    return result;
}

// The one wish of an app with these labels.
PortWish one(std::map<std::string, std::string> labels, std::string* problem = nullptr) {
    auto all = wished(appWith("/a", {10000}, std::move(labels)));
    EXPECT_EQ(all.wishes.size(), 1U);
    EXPECT_EQ(all.problems.size(), problem != nullptr ? 1U : 0U)
        << testing::PrintToString(all.problems);
    if (problem != nullptr && !all.problems.empty()) {
        *problem = all.problems[0];
    }
    return all.wishes.empty() ? PortWish{} : all.wishes[0];
}

std::vector<std::size_t> exposed(std::map<std::string, std::string> labels,
                                 std::vector<std::string> groups = {"external"}) {
    std::vector<std::size_t> indices;
    App app = appWith("/a", {10000, 10001});
    app.shape.labels = std::move(labels);
    for (const auto& wish : wished(app, std::move(groups)).wishes) {
        indices.push_back(wish.index);
    }
    return indices;
}

TEST(Labels, DecideByGroup) {
    EXPECT_THAT(exposed({}), IsEmpty());
    EXPECT_THAT(exposed({}, {"*"}), ElementsAre(0, 1));
    EXPECT_THAT(exposed({{"HAPROXY_GROUP", "internal"}}), IsEmpty());
    EXPECT_THAT(exposed({{"HAPROXY_GROUP", "internal, external"}}), ElementsAre(0, 1));
    EXPECT_THAT(exposed({{"HAPROXY_GROUP", "external"}, {"HAPROXY_1_GROUP", "internal"}}),
                ElementsAre(0));
    EXPECT_THAT(exposed({{"HAPROXY_1_GROUP", "external"}}), ElementsAre(1));
    EXPECT_THAT(exposed({{"HAPROXY_GROUP", "external"}, {"HAPROXY_0_GROUP", ""}}), ElementsAre(1));
    EXPECT_THAT(exposed({{"HAPROXY_GROUP", "external"}, {"HAPROXY_0_ENABLED", "false"}}),
                ElementsAre(1));
    EXPECT_THAT(exposed({{"HAPROXY_GROUP", "external"}, {"HAPROXY_0_ENABLED", "1"}}),
                ElementsAre(1))
        << "as in marathon-lb, 1 is not true";
    EXPECT_THAT(exposed({{"HAPROXY_GROUP", "external"}, {"HAPROXY_0_ENABLED", "Yes"}}),
                ElementsAre(0, 1));
}

TEST(Labels, SayNothingAboutAppsOfOthers) {
    EXPECT_THAT(
        wished(appWith("/a", {1}, {{"HAPROXY_GROUP", "x"}, {"HAPROXY_0_PORT", "y"}})).problems,
        IsEmpty());
}

TEST(Labels, ChooseTheMode) {
    EXPECT_FALSE(one({}).http);
    EXPECT_TRUE(one({{"HAPROXY_0_VHOST", "a.test"}}).http);
    EXPECT_TRUE(one({{"HAPROXY_0_MODE", "HTTP"}}).http);
    const auto split = one({{"HAPROXY_0_MODE", "tcp"}, {"HAPROXY_0_VHOST", "a.test"}});
    EXPECT_FALSE(split.http);
    EXPECT_THAT(split.hosts, ElementsAre("a.test"));
    App app = appWith("/a", {10000, 10001});
    app.shape.checks = {{"MESOS_HTTP", 0, false, {}}, {"HTTP", 1, false, {}}};
    const auto wishes = wished(app).wishes;
    EXPECT_FALSE(wishes[0].http) << "only the check of Marathon itself, as in marathon-lb";
    EXPECT_TRUE(wishes[1].http);
    app.shape.checks = {{"HTTP", std::nullopt, true, {}}};
    EXPECT_TRUE(wished(app).wishes[0].http);
    std::string problem;
    EXPECT_FALSE(one({{"HAPROXY_0_MODE", "udp"}}, &problem).http);
    EXPECT_EQ(problem, "App /a HAPROXY_0_MODE: must be http or tcp, not \"udp\"; ignored");
}

TEST(Labels, ReadHostsAndPaths) {
    const auto wish =
        one({{"HAPROXY_0_VHOST", "A.test, b.test,,*.c.test,a.test"}, {"HAPROXY_0_PATH", "/x  /y"}});
    EXPECT_THAT(wish.hosts, ElementsAre("a.test", "b.test", "*.c.test"));
    EXPECT_THAT(wish.paths, ElementsAre("/x", "/y"));
    EXPECT_EQ(wish.weight, 1);
    EXPECT_EQ(one({{"HAPROXY_0_VHOST", "a.test"},
                   {"HAPROXY_0_PATH", "/x"},
                   {"HAPROXY_0_BACKEND_WEIGHT", "0"}})
                  .weight,
              1);
    EXPECT_EQ(one({{"HAPROXY_0_VHOST", "a.test"}, {"HAPROXY_0_BACKEND_WEIGHT", "-3"}}).weight, -3);
    std::string problem;
    EXPECT_THAT(one({{"HAPROXY_0_VHOST", "good.test,ba d.test"}}, &problem).hosts,
                ElementsAre("good.test"));
    EXPECT_THAT(problem, HasSubstr("App /a HAPROXY_0_VHOST: \"ba d.test\""));
    one({{"HAPROXY_0_PATH", "/x"}}, &problem);
    EXPECT_EQ(problem, "App /a HAPROXY_0_PATH: needs a VHOST; ignored");
    EXPECT_THAT(one({{"HAPROXY_0_VHOST", "a.test"}, {"HAPROXY_0_PATH", "-i /x"}}, &problem).paths,
                ElementsAre("/x"));
}

TEST(Labels, NeverWidenAPathThatIsWrong) {
    const auto all = wished(
        appWith("/a", {10000}, {{"HAPROXY_0_VHOST", "a.test"}, {"HAPROXY_0_PATH", "nonsense"}}));
    EXPECT_FALSE(all.wishes.at(0).vhosts);
    EXPECT_EQ(all.problems.size(), 2U);
}

TEST(Labels, ReadPortAndAddress) {
    EXPECT_EQ(one({{"HAPROXY_0_PORT", "8080"}}).port, 8080);
    EXPECT_EQ(one({{"HAPROXY_0_BIND_ADDR", "*"}}).bindAddress, "");
    EXPECT_EQ(one({{"HAPROXY_0_BIND_ADDR", " 10.0.0.1 "}}).bindAddress, "10.0.0.1");
    std::string problem;
    for (const auto* text : {"0", "65536", "http", "80a", "8.0"}) {
        EXPECT_EQ(one({{"HAPROXY_0_PORT", text}}, &problem).port, 10000) << text;
    }
    EXPECT_FALSE(one({{"HAPROXY_0_BIND_ADDR", "eth0"}}, &problem).listen)
        << "rather than on every address";
    EXPECT_FALSE(one({{"HAPROXY_0_SSL_CERT", "/etc/ssl/a.pem"}}, &problem).listen);
    EXPECT_FALSE(one({{"HAPROXY_0_BIND_OPTIONS", "ssl crt x"}}, &problem).listen);
    EXPECT_TRUE(one({{"HAPROXY_0_BIND_OPTIONS", "maxconn 10"}}, &problem).listen);
}

TEST(Labels, ReadBalanceAndSticky) {
    using model::BalanceAlgorithm;
    EXPECT_EQ(one({{"HAPROXY_0_BALANCE", "leastconn"}}).balance, BalanceAlgorithm::leastRequest);
    EXPECT_EQ(one({{"HAPROXY_0_BALANCE", "source"}}).balance, BalanceAlgorithm::consistentHash);
    EXPECT_EQ(one({{"HAPROXY_0_BALANCE", "uri"}}).hashOn, model::HashOn::path);
    EXPECT_EQ(one({{"HAPROXY_0_BALANCE", "hdr(X-User)"}}).hashHeader, "x-user");
    std::string problem;
    EXPECT_EQ(one({{"HAPROXY_0_BALANCE", "rdp-cookie"}}, &problem).balance,
              BalanceAlgorithm::roundRobin);
    EXPECT_EQ(one({{"HAPROXY_0_BALANCE", "hdr(@)"}}, &problem).balance,
              BalanceAlgorithm::roundRobin);
    EXPECT_TRUE(one({{"HAPROXY_0_STICKY", "true"}, {"HAPROXY_0_MODE", "http"}}).sticky);
    EXPECT_FALSE(one({{"HAPROXY_0_STICKY", "true"}}, &problem).sticky)
        << "there is no cookie in TCP";
    EXPECT_FALSE(one({{"HAPROXY_0_REDIRECT_TO_HTTPS", "true"}}, &problem).redirectToHttps);
}

TEST(Labels, CloseAnAccessListThatIsWrong) {
    const auto wish = one({{"HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL", "10.0.0.0/8 192.168.1.1"}});
    EXPECT_TRUE(wish.restrictSources);
    EXPECT_THAT(wish.allowSources, ElementsAre("10.0.0.0/8", "192.168.1.1"));
    std::string problem;
    const auto wrong = one({{"HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL", "everybody"}}, &problem);
    EXPECT_TRUE(wrong.restrictSources);
    EXPECT_THAT(wrong.allowSources, IsEmpty());
    EXPECT_FALSE(one({{"HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL", " "}}).restrictSources);
}

TEST(Labels, ServeNoHostThatWantsAPassword) {
    std::string problem;
    const auto wish =
        one({{"HAPROXY_0_VHOST", "a.test"}, {"HAPROXY_0_AUTH", "realm:user:hash"}}, &problem);
    EXPECT_FALSE(wish.vhosts);
    EXPECT_TRUE(wish.listen) << "marathon-lb asks for none on the service port";
}

TEST(Labels, ComplainAboutWhatTheyDoNotKnow) {
    const auto all = wished(appWith("/a", {10000},
                                    {{"HAPROXY_{0}_VHOST", "a"},
                                     {"HAPROXY_0_BACKEND_HEAD", "timeout server 1m"},
                                     {"HAPROXY_0_USE_HSTS", "true"},
                                     {"HAPROXY_0_VHOTS", "a"},
                                     {"HAPROXY_7_VHOST", "a"},
                                     {"HAPROXY_DEPLOYMENT_GROUP", "g"},
                                     {"HAPROXY_DEPLOYMENT_COLOUR", "blue"},
                                     {"HAPROXY_APP_ID", "a"}}));
    EXPECT_THAT(all.problems,
                ElementsAre(HasSubstr("HAPROXY_0_BACKEND_HEAD: is text for HAProxy"),
                            HasSubstr("HAPROXY_0_USE_HSTS: is not supported"),
                            HasSubstr("HAPROXY_0_VHOTS: is no label we know"),
                            HasSubstr("HAPROXY_7_VHOST: the app has 1 service ports"),
                            HasSubstr("HAPROXY_DEPLOYMENT_GROUP: apps are not merged"),
                            HasSubstr("HAPROXY_{0}_VHOST: the braces stand for a number")));
}

TEST(Labels, NameBackendsAsMarathonLbDoes) {
    EXPECT_EQ(backendName("/a/b", 10001), "a_b_10001");
}

}  // namespace
}  // namespace evergate::controller::marathon
