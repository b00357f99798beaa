// SPDX-License-Identifier: Apache-2.0
// Affinity by cookie: a client stays with its endpoint as long as that is there.
#include <gtest/gtest.h>

#include <set>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

model::Backend sticky() {
    model::Backend backend;
    backend.affinityCookie = "evergate_id";
    return backend;
}

class HttpPolicyAffinity : public testing::Test {
protected:
    HttpPolicyAffinity() {
        for (int i = 0; i < 3; ++i) {
            endpoints.push_back(std::make_unique<ScriptedEndpoint>(
                answerAll(std::string(1, static_cast<char>('a' + i)))));
        }
        proxy.serve({}, sticky());
        setWeights({1, 1, 1});
    }

    void setWeights(const std::vector<std::uint32_t>& weights) {
        std::vector<model::Endpoint> all;
        for (std::size_t i = 0; i < weights.size(); ++i)
            all.push_back({"127.0.0.1", endpoints[i]->port(), weights[i]});
        std::sort(all.begin(), all.end());
        proxy.setWeighted(all);
    }

    RawConnection::Response ask(const std::string& lines = "") {
        RawConnection client = proxy.client();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
        return client.readResponse();
    }

    static std::string cookieOf(const RawConnection::Response& response) {
        const std::string start = "\r\nSet-Cookie: evergate_id=";
        const std::size_t at = response.head.find(start);
        return at == std::string::npos ? "" : response.head.substr(at + start.size(), 16);
    }

    std::vector<std::unique_ptr<ScriptedEndpoint>> endpoints;
    ProxyFixture proxy;
};

TEST_F(HttpPolicyAffinity, SetsACookieThatShowsNoAddress) {
    const auto response = ask();
    const std::string value = cookieOf(response);
    EXPECT_EQ(value.size(), 16u);
    EXPECT_EQ(value.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_NE(response.head.find("\r\nSet-Cookie: evergate_id=" + value +
                                 "; Path=/; HttpOnly; SameSite=Lax\r\n"),
              std::string::npos)
        << response.head;
}

TEST_F(HttpPolicyAffinity, KeepsTheClientOnItsEndpoint) {
    std::set<std::string> values;
    for (int i = 0; i < 9; ++i) {
        const auto first = ask();
        values.insert(cookieOf(first));
        for (int n = 0; n < 5; ++n) {
            const auto again = ask("Cookie: x=y; evergate_id=" + cookieOf(first) + "; z\r\n");
            EXPECT_EQ(again.body, first.body);
            EXPECT_EQ(cookieOf(again), "");  // it has one
        }
    }
    EXPECT_EQ(values.size(), 3u);
}

TEST_F(HttpPolicyAffinity, ValuesOutliveTheProxy) {
    const std::string before = cookieOf(ask());
    ProxyFixture other;
    other.serve({endpoints[0]->port(), endpoints[1]->port(), endpoints[2]->port()}, sticky());
    RawConnection client = other.client();
    for (int i = 0; i < 6; ++i) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: evergate_id=" + before + "\r\n\r\n");
        EXPECT_EQ(cookieOf(client.readResponse()), "");
    }
}

TEST_F(HttpPolicyAffinity, EndpointsThatDrainKeepTheirClients) {
    const auto first = ask();
    const auto mine = static_cast<std::size_t>(first.body[0] - 'a');
    std::vector<std::uint32_t> weights{1, 1, 1};
    weights[mine] = 0;
    setWeights(weights);
    for (int i = 0; i < 6; ++i) {
        EXPECT_EQ(ask("Cookie: evergate_id=" + cookieOf(first) + "\r\n").body, first.body);
        EXPECT_NE(ask().body, first.body);
    }
}

TEST_F(HttpPolicyAffinity, AGoneEndpointIsReplaced) {
    auto first = ask();
    while (first.body != "c")
        first = ask();
    setWeights({1, 1});
    const auto moved = ask("Cookie: evergate_id=" + cookieOf(first) + "\r\n");
    EXPECT_EQ(moved.status, 200);
    EXPECT_NE(moved.body, "c");
    ASSERT_NE(cookieOf(moved), "");
    EXPECT_NE(cookieOf(moved), cookieOf(first));
    const auto again = ask("Cookie: evergate_id=" + cookieOf(moved) + "\r\n");
    EXPECT_EQ(again.body, moved.body);
    EXPECT_EQ(cookieOf(again), "");
}

TEST_F(HttpPolicyAffinity, ADeadEndpointIsReplacedAtOnce) {
    auto first = ask();
    while (first.body != "b")
        first = ask();
    const std::uint16_t port = endpoints[1]->port();
    endpoints[1].reset();
    const auto moved = ask("Cookie: evergate_id=" + cookieOf(first) + "\r\n");
    EXPECT_EQ(moved.status, 200) << port;
    EXPECT_NE(cookieOf(moved), "");
}

TEST_F(HttpPolicyAffinity, OddCookiesAreNone) {
    const std::string good = cookieOf(ask());
    for (const std::string& odd :
         {std::string(), good.substr(1), good + "0", "\"" + good + "\"", std::string(16, 'F'),
          std::string(16, '0'), std::string("127.0.0.1:80")}) {
        const auto response = ask("Cookie: evergate_id=" + odd + "\r\n");
        EXPECT_EQ(response.status, 200);
        EXPECT_NE(cookieOf(response), "") << odd;
    }
    EXPECT_NE(cookieOf(ask("Cookie: xevergate_id=" + good + "\r\n")), "");
    EXPECT_NE(cookieOf(ask("Cookie: Evergate_Id=" + good + "\r\n")), "");
    // The second header counts when the first has none.
    EXPECT_EQ(cookieOf(ask("Cookie: a=b\r\nCookie: evergate_id=" + good + "\r\n")), "");
}

TEST_F(HttpPolicyAffinity, EndsWithThePolicy) {
    const auto first = ask();
    proxy.serve({endpoints[0]->port(), endpoints[1]->port(), endpoints[2]->port()});
    std::set<std::string> bodies;
    for (int i = 0; i < 6; ++i) {
        const auto response = ask("Cookie: evergate_id=" + cookieOf(first) + "\r\n");
        EXPECT_EQ(cookieOf(response), "");
        bodies.insert(response.body);
    }
    EXPECT_EQ(bodies.size(), 3u);
}

// It waits for its own endpoint, whatever is free elsewhere.
TEST_F(HttpPolicyAffinity, WaitsForABusyEndpoint) {
    RawListener one;
    RawListener two;
    model::Backend backend = sticky();
    backend.maxConnections = 1;
    proxy.serve({one.port(), two.port()}, backend);
    RawConnection first = proxy.client();
    first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(proxy.eventuallyIn("await_response"));
    RawConnection busy;
    for (RawListener* each : {&one, &two}) {
        const int fd = each->acceptNow();
        if (fd >= 0)
            busy = RawConnection(fd);
    }
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    busy.readUntil("\r\n\r\n");
    busy.send(answer);
    const std::string cookie = cookieOf(first.readResponse());
    const std::string request =
        "GET / HTTP/1.1\r\nHost: a\r\nCookie: evergate_id=" + cookie + "\r\n\r\n";
    first.send(request);
    busy.readUntil("\r\n\r\n");
    RawConnection second = proxy.client();
    second.send(request);
    ASSERT_TRUE(proxy.eventuallyIn("queued"));
    busy.send(answer);
    busy.readUntil("\r\n\r\n");
    busy.send(answer);
    EXPECT_EQ(second.readResponse().status, 200);
}

}  // namespace
}  // namespace evergate::test
