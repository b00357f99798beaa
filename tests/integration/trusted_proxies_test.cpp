// SPDX-License-Identifier: Apache-2.0
// Proxies in front of us: whose word on the client is believed, and what follows from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/access_log_file.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class TrustedProxies : public testing::Test {
protected:
    static model::Settings settings() {
        model::Settings settings;
        settings.trustedProxies = {"127.0.0.1", "10.0.0.0/8"};
        return settings;
    }

    TrustedProxies() { proxy.serve({endpoint.port()}); }

    RawConnection::Response ask(const std::string& lines) {
        RawConnection client = proxy.client();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
        return client.readResponse();
    }

    AccessLogFile log{"trusted_proxies"};
    ScriptedEndpoint endpoint{tellHead()};
    ProxyFixture proxy{settings(), log.options()};
};

TEST_F(TrustedProxies, NameTheClient) {
    const auto response = ask("X-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.0.0.1\r\n");
    EXPECT_THAT(response.body,
                AllOf(HasSubstr("X-Real-IP: 192.0.2.7\r\n"),
                      HasSubstr("X-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.0.0.1, 127.0.0.1\r\n")));
    ASSERT_TRUE(proxy.eventually([&] { return log.lines().size() == 1; }));
    EXPECT_EQ(log.lines().front()["client"], "192.0.2.7");
}

TEST_F(TrustedProxies, SpeakForTheClientsConnection) {
    const auto response =
        ask("X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n"
            "X-Forwarded-Port: 443\r\n");
    EXPECT_THAT(response.body, AllOf(HasSubstr("X-Forwarded-Proto: https\r\n"),
                                     HasSubstr("X-Forwarded-Host: shop.example\r\n"),
                                     HasSubstr("X-Forwarded-Port: 443\r\n"),
                                     Not(HasSubstr("X-Forwarded-Proto: http\r\n"))));
}

TEST_F(TrustedProxies, OthersDoNot) {
    proxy.settings().trustedProxies = {"10.0.0.0/8"};
    proxy.publish();
    const auto response = ask("X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n");
    EXPECT_THAT(response.body, AllOf(HasSubstr("X-Real-IP: 127.0.0.1\r\n"),
                                     HasSubstr("X-Forwarded-Proto: http\r\n"),
                                     Not(HasSubstr("X-Forwarded-Proto: https"))));
}

TEST_F(TrustedProxies, DecideWhoIsServed) {
    proxy.route().restrictSources = true;
    proxy.route().allowSources = {"192.0.2.0/24"};
    proxy.publish();
    EXPECT_EQ(ask("X-Forwarded-For: 192.0.2.7\r\n").status, 200);
    EXPECT_EQ(ask("X-Forwarded-For: 192.0.2.7, 203.0.113.1\r\n").status, 403);
    EXPECT_EQ(ask("").status, 403);
}

TEST_F(TrustedProxies, SayWhetherTheClientUsedTls) {
    proxy.route().redirectToHttps = true;
    proxy.publish();
    EXPECT_EQ(ask("X-Forwarded-Proto: https\r\n").status, 200);
    EXPECT_EQ(ask("X-Forwarded-Proto: http\r\n").status, 308);
    EXPECT_EQ(ask("").status, 308);
}

TEST_F(TrustedProxies, AreNotLimitedAsOneClient) {
    proxy.settings().maxConnectionsPerClient = 1;
    proxy.publish();
    RawConnection one = proxy.client();
    one.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(one.readResponse().status, 200);
    EXPECT_EQ(ask("").status, 200);
}

TEST_F(TrustedProxies, MayUseForwarded) {
    proxy.settings().clientAddressHeader = model::ClientAddressHeader::forwarded;
    proxy.route().redirectToHttps = true;
    proxy.publish();
    const auto response =
        ask("Forwarded: for=\"[2001:db8::7]:4711\";proto=https, for=10.0.0.1\r\n"
            "X-Forwarded-For: 6.6.6.6\r\n");
    EXPECT_THAT(response.body, HasSubstr("X-Real-IP: 2001:db8::7\r\n"));
}

TEST_F(TrustedProxies, AreBelievedBehindAProxyHeader) {
    proxy.listener("http").proxyProtocolFrom = {"127.0.0.1"};
    proxy.publish();
    RawConnection client = proxy.client();
    client.send("PROXY TCP4 10.0.0.5 198.51.100.1 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n" +
                std::string("X-Forwarded-For: 192.0.2.7\r\n\r\n"));
    EXPECT_THAT(client.readResponse().body,
                AllOf(HasSubstr("X-Real-IP: 192.0.2.7\r\n"),
                      HasSubstr("X-Forwarded-For: 192.0.2.7, 10.0.0.5\r\n")));
}

}  // namespace
}  // namespace evergate::test
