// SPDX-License-Identifier: Apache-2.0
// What a route asks for besides a backend: who may come, how much, under which path, with which
// headers.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using Next = RawConnection::Next;
using http::ProxyError;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nServer: inner\r\nContent-Length: 2\r\n\r\nok";

class HttpPolicy : public testing::Test {
protected:
    // Publishes the route as `change` leaves it.
    template <typename Change>
    void withRoute(Change change) {
        change(proxy.route());
        proxy.serve({endpoint.port()});
    }

    // The head the endpoint got; it answers with `answer`.
    std::string forwarded(std::string_view request, std::string_view answer = kOk) {
        if (!client.open())
            client = proxy.client();
        client.send(request);
        if (!upstream.open())
            upstream = endpoint.accept();
        const std::string head = upstream.readUntil("\r\n\r\n");
        upstream.send(answer);
        response = client.readResponse();
        return head;
    }

    void forwardedAfter(const model::Backend& backend, std::string_view answer = kOk,
                        const std::vector<std::uint16_t>& ports = {}) {
        proxy.serve(ports.empty() ? std::vector{endpoint.port()} : ports, backend);
        forwarded("GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer);
    }

    RawConnection::Response ask(std::string_view request) {
        RawConnection fresh = proxy.client();
        fresh.send(request);
        return fresh.readResponse();
    }

    std::uint64_t errors(ProxyError error) {
        return proxy.counters().errors[static_cast<std::size_t>(error)];
    }

    RawListener endpoint;
    ProxyFixture proxy;
    RawConnection client;
    RawConnection upstream;
    RawConnection::Response response;
};

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST_F(HttpPolicy, RewritesThePrefixAndKeepsTheQuery) {
    withRoute([](model::Route& route) {
        route.path = "/shop";
        route.rewritePrefix = "/v2/";
    });
    const std::string head = forwarded(
        "GET /shop/a%2Fb?c=/shop HTTP/1.1\r\nHost: a\r\nX-Forwarded-Prefix: /forged\r\n\r\n");
    EXPECT_TRUE(head.starts_with("GET /v2/a%2Fb?c=/shop HTTP/1.1\r\n")) << head;
    EXPECT_TRUE(has(head, "\r\nX-Forwarded-Prefix: /shop\r\n")) << head;
    EXPECT_FALSE(has(head, "forged"));
    EXPECT_TRUE(forwarded("GET /shop HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("GET /v2/ "));
    EXPECT_TRUE(forwarded("GET //shop//x HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("GET /v2/x "));
}

TEST_F(HttpPolicy, RewrittenRequestsAreSentAgainAsTheyWere) {
    withRoute([](model::Route& route) {
        route.path = "/shop";
        route.rewritePrefix = "/v2";
    });
    forwarded("GET /shop/a HTTP/1.1\r\nHost: a\r\n\r\n");
    client.send("GET /shop/b HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.readUntil("\r\n\r\n");
    upstream.close();  // a pooled connection that was about to go
    upstream = endpoint.accept();
    EXPECT_TRUE(upstream.readUntil("\r\n\r\n").starts_with("GET /v2/b "));
    upstream.send(kOk);
    EXPECT_EQ(client.readResponse().status, 200);
}

TEST_F(HttpPolicy, EditsHeadersBothWays) {
    withRoute([](model::Route& route) {
        route.requestHeadersSet = {{"x-forwarded-proto", "https"}, {"x-team", "blue"}};
        route.requestHeadersRemove = {"authorization"};
        route.responseHeadersSet = {{"strict-transport-security", "max-age=9"}};
        route.responseHeadersRemove = {"server"};
    });
    const std::string head = forwarded(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Team: red\r\nAuthorization: b\r\nX-Keep: 1\r\n\r\n");
    EXPECT_TRUE(has(head, "x-forwarded-proto: https\r\n"));
    EXPECT_FALSE(has(head, "X-Forwarded-Proto"));
    EXPECT_TRUE(has(head, "x-team: blue\r\n"));
    EXPECT_FALSE(has(head, "red"));
    EXPECT_FALSE(has(head, "Authorization"));
    EXPECT_TRUE(has(head, "X-Keep: 1\r\n"));
    EXPECT_TRUE(has(response.head, "strict-transport-security: max-age=9\r\n"));
    EXPECT_FALSE(has(response.head, "Server:"));
    EXPECT_EQ(response.body, "ok");
}

// Some servers take a trailer for a header.
TEST_F(HttpPolicy, EditsHoldForTrailersAndInterimResponsesToo) {
    withRoute([](model::Route& route) {
        route.requestHeadersSet = {{"x-tenant", "blue"}};
        route.responseHeadersRemove = {"x-powered-by"};
    });
    client = proxy.client();
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
        "X-Tenant: red\r\nX-Sum: 1\r\n\r\n");
    upstream = endpoint.accept();
    EXPECT_TRUE(has(upstream.readUntil("\r\n\r\n"), "x-tenant: blue\r\n"));
    EXPECT_EQ(upstream.readUntil("\r\n\r\n"), "1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n");
    upstream.send(
        "HTTP/1.1 103 Early Hints\r\nX-Powered-By: x\r\nLink: <a>\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n"
        "X-Sum: 2\r\nX-Powered-By: x\r\n\r\n");
    const std::string all = client.readUntil("0\r\nX-Sum: 2\r\n\r\n");
    EXPECT_TRUE(has(all, "Link: <a>\r\n")) << all;
    EXPECT_FALSE(has(all, "X-Powered-By")) << all;
}

// More than there is room in front of a body that came with its head.
TEST_F(HttpPolicy, LargeHeaderEditsLeaveTheBodyWhole) {
    withRoute([](model::Route& route) {
        route.responseHeadersSet = {{"x-a", std::string(4'000, 'a')},
                                    {"x-b", std::string(4'000, 'b')}};
        route.requestHeadersSet = route.responseHeadersSet;
    });
    const std::string body(100'000, 'x');
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + body;
    for (int i = 0; i < 3; ++i) {
        const std::string head = forwarded("GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer);
        EXPECT_TRUE(has(head, "x-a: " + std::string(4'000, 'a')));
        EXPECT_TRUE(response.complete);
        EXPECT_TRUE(response.body == body);
        EXPECT_TRUE(has(response.head, "x-b: " + std::string(4'000, 'b')));
    }
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n" +
                                body + "\r\n0\r\nX-Sum: 1\r\n\r\n";
    forwarded("GET / HTTP/1.1\r\nHost: a\r\n\r\n", chunked);
    EXPECT_TRUE(response.complete);
    EXPECT_TRUE(response.body == body);
}

TEST_F(HttpPolicy, RedirectsToHttps) {
    withRoute([](model::Route& route) { route.redirectToHttps = true; });
    client = proxy.client();
    client.send("GET /a?b HTTP/1.1\r\nHost: Shop.example:8080\r\n\r\n");
    auto answer = client.readResponse();
    EXPECT_EQ(answer.status, 308);
    EXPECT_TRUE(has(answer.head, "\r\nLocation: https://Shop.example/a?b\r\n")) << answer.head;
    // The connection stays; the body of a redirected request does not become a request.
    client.send(
        "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nGETGET /c HTTP/1.1\r\n"
        "Host: a\r\n\r\n");
    EXPECT_TRUE(has(client.readResponse().head, "https://a/b\r\n"));
    EXPECT_TRUE(has(client.readResponse().head, "https://a/c\r\n"));
    EXPECT_EQ(endpoint.acceptNow(), -1);
    EXPECT_EQ(proxy.counters().responses[3], 3u);
}

TEST_F(HttpPolicy, RedirectNamesTheConfiguredPort) {
    withRoute([](model::Route& route) {
        route.redirectToHttps = true;
        route.redirectPort = 8443;
    });
    EXPECT_TRUE(
        has(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head, "Location: https://a:8443/\r\n"));
}

TEST_F(HttpPolicy, NothingIsRedirectedToAnOddHost) {
    withRoute([](model::Route& route) { route.redirectToHttps = true; });
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a'b\r\n\r\n").status, 400);
    EXPECT_EQ(ask("GET / HTTP/1.0\r\n\r\n").status, 400);
    EXPECT_EQ(ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status, 400);
}

TEST_F(HttpPolicy, RedirectsWithLongTargetsAreWhole) {
    withRoute([](model::Route& route) { route.redirectToHttps = true; });
    const std::string target = "/" + std::string(20'000, 'a');
    const auto answer = ask("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(has(answer.head, "Location: https://a" + target + "\r\n"));
}

TEST_F(HttpPolicy, ServesTheListedNetworksOnly) {
    withRoute([](model::Route& route) {
        route.restrictSources = true;
        route.allowSources = {"10.0.0.0/8", "::1"};
        route.redirectToHttps = true;  // whoever may not come learns nothing else
    });
    client = proxy.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n");
    EXPECT_EQ(client.readResponse().status, 403);
    EXPECT_EQ(errors(ProxyError::forbiddenSource), 1u);
    // On the next request of the same connection.
    withRoute([](model::Route& route) {
        route.allowSources.emplace_back("127.0.0.0/8");
        route.redirectToHttps = false;
    });
    forwarded("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(response.status, 200);
}

TEST_F(HttpPolicy, AnEmptyListServesNobody) {
    withRoute([](model::Route& route) { route.restrictSources = true; });
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 403);
}

TEST_F(HttpPolicy, BodiesOverTheLimitAreRefusedAtOnce) {
    withRoute([](model::Route& route) { route.maxBodyBytes = 5; });
    client = proxy.client();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.readResponse().status, 413);
    EXPECT_EQ(client.next(), Next::end);
    EXPECT_EQ(endpoint.acceptNow(), -1);
    EXPECT_EQ(errors(ProxyError::bodyTooLarge), 1u);
    client = {};
    forwarded("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345");
    EXPECT_EQ(response.status, 200);
}

TEST_F(HttpPolicy, ChunkedBodiesAreCutAtTheLimit) {
    withRoute([](model::Route& route) { route.maxBodyBytes = 5; });
    client = proxy.client();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n");
    upstream = endpoint.accept();
    upstream.readUntil("123");
    client.send("3\r\n456\r\n0\r\n\r\n");
    EXPECT_EQ(client.readResponse().status, 413);
    EXPECT_EQ(client.next(), Next::end);
    EXPECT_EQ(upstream.readAll(), "\r\n");  // never a complete body
    // All of it with the head.
    EXPECT_EQ(ask("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "6\r\n123456\r\n0\r\n\r\n")
                  .status,
              413);
}

// After the endpoint began to answer there is no other answer.
TEST_F(HttpPolicy, ChunkedBodyOverTheLimitBreaksAStartedResponse) {
    withRoute([](model::Route& route) { route.maxBodyBytes = 5; });
    client = proxy.client();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n");
    upstream = endpoint.accept();
    upstream.readUntil("123");
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    client.readUntil("ab");
    client.send("3\r\n456\r\n");
    EXPECT_NE(client.next(), Next::data);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(errors(ProxyError::bodyTooLarge), 1u);
}

// Deadlines and retries, too, are those of the latest publication.
TEST_F(HttpPolicy, TimeoutsActOnTheNextRequest) {
    using namespace std::chrono_literals;
    forwardedAfter({});
    EXPECT_EQ(response.status, 200);
    model::Backend backend;
    backend.responseTimeout = 200ms;
    proxy.serve({endpoint.port()}, backend);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.readResponse().status, 504);
    EXPECT_EQ(errors(ProxyError::upstreamTimeout), 1u);
    backend.responseTimeout = 60s;
    backend.inactivityTimeout = 200ms;
    client = {};
    upstream = {};
    forwardedAfter(backend, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart");
    EXPECT_FALSE(response.complete);
    EXPECT_EQ(errors(ProxyError::upstreamBodyTimeout), 1u);
    const BlackHole nowhere;
    backend.connectTimeout = 200ms;
    backend.retries = 0;
    proxy.serve({nowhere.port()}, backend);
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 504);
    EXPECT_EQ(errors(ProxyError::connectTimeout), 1u);
}

TEST_F(HttpPolicy, RetriesAreAsManyAsAskedFor) {
    std::vector<std::uint16_t> dead;
    {
        std::array<RawListener, 6> listeners;
        for (const RawListener& each : listeners)
            dead.push_back(each.port());
    }
    for (const std::uint32_t retries : {0u, 2u, 5u, 10u}) {
        model::Backend backend;
        backend.retries = retries;
        proxy.serve(dead, backend);
        const std::uint64_t before = proxy.counters().upstreamConnects;
        EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 502);
        EXPECT_EQ(proxy.counters().upstreamConnects - before, std::min(retries, 5u) + 1);
    }
    // The one that works is found among many that do not.
    model::Backend backend;
    backend.retries = 10;
    dead.push_back(endpoint.port());
    proxy.serve(dead, backend);
    forwardedAfter(backend, kOk, dead);
    EXPECT_EQ(response.status, 200);
}

// Only what may be seen twice is sent twice.
TEST_F(HttpPolicy, RequestsWithoutAnAnswerAreRepeatedWhenThatIsSafe) {
    ScriptedEndpoint dying([](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");  // and closes
    });
    ScriptedEndpoint good(answerAll("good"));
    proxy.serve({dying.port(), good.port()});
    for (int i = 0; i < 6; ++i)
        EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").body, "good");
    EXPECT_GT(dying.accepted(), 0);
    int failed = 0;
    for (int i = 0; i < 6; ++i) {
        const int status = ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").status;
        failed += status == 502 ? 1 : 0;
        EXPECT_TRUE(status == 200 || status == 502) << status;
    }
    EXPECT_GT(failed, 0);
    model::Backend backend;
    backend.retries = 0;
    proxy.serve({dying.port()}, backend);
    const int before = dying.accepted();
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 502);
    EXPECT_EQ(dying.accepted(), before + 1);
}

}  // namespace
}  // namespace evergate::test
