// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/server_certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_certificate.hpp"

namespace evergate::tls {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;

class ServerCertificatesTest : public testing::Test {
protected:
    model::Certificate issue(std::vector<std::string> hosts) const {
        const auto pair = authority.issue({});
        return {std::move(hosts), pair.certificatePem, pair.keyPem, ""};
    }

    void put(const std::string& name, const model::Certificate& value) {
        config.put({model::Kind::certificate, name}, value);
    }

    std::shared_ptr<const ServerCertificates> compile(const ServerCertificates* before = nullptr) {
        problems.clear();
        return ServerCertificates::compile(config, fallback, before, problems);
    }

    test::TemporaryAuthority authority;
    std::shared_ptr<const Certificate> fallback = Certificate::selfSigned();
    model::Config config;
    std::vector<model::KeyedProblem> problems;
};

TEST_F(ServerCertificatesTest, FindsByHost) {
    put("a", issue({"a.test", "b.test"}));
    put("w", issue({"*.test"}));
    const auto all = compile();
    ASSERT_TRUE(all);
    EXPECT_EQ(all->find("a.test"), all->find("B.TEST"));
    EXPECT_NE(all->find("a.test"), all->find("c.test"));
    EXPECT_NE(all->find("c.test"), nullptr);
    for (const std::string_view none : {"", ".", ".test", "test", "a.b.test", "a.test.", "*"})
        EXPECT_EQ(all->find(none), nullptr) << none;
    EXPECT_EQ(all->find(std::string(10'000, 'x') + ".test"), nullptr);
}

TEST_F(ServerCertificatesTest, TakesOverWhatDidNotChange) {
    put("a", issue({"a.test"}));
    put("b", issue({"b.test"}));
    const auto before = compile();
    put("b", issue({"b.test"}));
    const auto after = compile(before.get());
    EXPECT_EQ(before->find("a.test"), after->find("a.test"));
    EXPECT_NE(before->find("b.test"), after->find("b.test"));
    EXPECT_EQ(&before->byDefault(), &after->byDefault());
}

TEST_F(ServerCertificatesTest, NamesEveryBadCertificate) {
    put("good", issue({"a.test"}));
    model::Certificate bad = issue({"b.test"});
    bad.key = issue({}).key;
    put("bad1", bad);
    put("bad2", {{"c.test"}, "nothing", "nothing", ""});
    EXPECT_FALSE(compile());
    ASSERT_THAT(problems, SizeIs(2));
    EXPECT_EQ(problems[0].key.name, "bad1");
    EXPECT_EQ(problems[0].problem.where, "certificate/bad1.key");
    EXPECT_EQ(problems[1].problem.where, "certificate/bad2.chain");
}

TEST_F(ServerCertificatesTest, TellsWhenEachEnds) {
    put("a", issue({"a.test"}));
    EXPECT_THAT(compile()->expiries(), ElementsAre(Pair("a", testing::Gt(1'700'000'000))));
}

// What holds for the names in the default certificate gives way to what is said for a host, even
// when that is that clients are not asked.
TEST_F(ServerCertificatesTest, WhatIsSaidForAHostComesBeforeWhatItsCertificateImplies) {
    test::CertificateRequest request;
    request.dnsNames = {"a.test", "b.test", "*.c.test"};
    const auto pair = authority.issue(request);
    model::ClientVerification asked;
    asked.mode = model::ClientCertificates::required;
    asked.authorities = authority.certificatePem();
    put("default", {{}, pair.certificatePem, pair.keyPem, "", asked});
    put("a", {{"a.test"}, pair.certificatePem, pair.keyPem, ""});
    put("z", {{"x.c.test"}, pair.certificatePem, pair.keyPem, ""});
    model::Settings settings;
    settings.defaultCertificate = "default";
    config.put({model::Kind::settings, "global"}, settings);
    const auto all = compile();
    ASSERT_TRUE(all);
    EXPECT_EQ(all->clientsOf("a.test"), nullptr);
    EXPECT_EQ(all->clientsOf("x.c.test"), nullptr);
    for (const char* host : {"b.test", "y.c.test", "elsewhere.test", ""})
        EXPECT_NE(all->clientsOf(host), nullptr) << host;
}

TEST_F(ServerCertificatesTest, TellsWhatIsShownToClients) {
    EXPECT_THAT(compile()->shown(), SizeIs(0));
    put("a", issue({"a.test"}));
    put("b", issue({"b.test", "c.test"}));
    put("upstream", issue({}));  // for no name and nobody
    const auto all = compile();
    EXPECT_THAT(all->shown(), ElementsAre(NamedCertificate{"a", all->named("a")},
                                          NamedCertificate{"b", all->named("b")}));
}

}  // namespace
}  // namespace evergate::tls
