// SPDX-License-Identifier: Apache-2.0
// Listeners that speak HTTP/2 and nothing else: what is no HTTP/2 ends (RFC 9113 §3.4) and is
// counted, and nobody gets a byte of HTTP/1.1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/http2_client.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using http2::Refusal;
using net::HandshakeFailure;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
// Of a connection without streams, PROTOCOL_ERROR.
const std::string kGoaway("\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01", 17);

model::Settings only() {
    model::Settings settings;
    settings.http2 = model::ClientHttp2::only;
    return settings;
}

class Http2Only : public testing::Test {
protected:
    Http2Only() { proxy.serve({endpoint.port()}); }

    std::uint64_t refused(Refusal refusal) {
        return proxy.counters().http2.refusals[static_cast<std::size_t>(refusal)];
    }

    std::uint64_t failed(HandshakeFailure failure) {
        return proxy.counters().tls.failed[static_cast<std::size_t>(failure)];
    }

    static RawConnection secured(std::uint16_t port, std::vector<std::string> protocols = {}) {
        RawConnection client = RawConnection::connect(port);
        TlsOptions options;
        options.protocols = std::move(protocols);
        EXPECT_TRUE(client.secure(options)) << client.tlsError();
        return client;
    }

    static void expectServed(Http2Client& client) {
        EXPECT_EQ(client.wait(client.request(Http2Client::get())).body, "hello");
    }

    // Says it, and reads to the end.
    static std::string answerTo(RawConnection client, std::string_view bytes) {
        client.send(bytes);
        return client.readAll();
    }

    ScriptedEndpoint endpoint{answerAll("hello")};
    ProxyFixture proxy{only()};
};

TEST_F(Http2Only, ServesPriorKnowledge) {
    Http2Client client(proxy.client());
    expectServed(client);
    expectServed(client);
    const auto counters = proxy.counters();
    EXPECT_EQ(counters.accepted, 1u);
    EXPECT_EQ(counters.http2.connections, 1u);
    EXPECT_EQ(counters.http2.streams, 2u);
}

TEST_F(Http2Only, EndsWhatIsNoPreface) {
    std::uint64_t count = 0;
    for (const std::string& bytes :
         {kGet, std::string("PRI * HTTP/1.1\r\n\r\n"), std::string("PRI * HTTP/2.0\r\n\r\nxx"),
          std::string("INVALID CONNECTION PREFACE\r\n\r\n"), std::string("\r\n"),
          std::string("\x16\x03\x01\x02\0\x01", 6), std::string(24, '\0')}) {
        const std::string answer = answerTo(proxy.client(), bytes);
        EXPECT_THAT(answer, Not(HasSubstr("HTTP/1")));
        EXPECT_THAT(answer, EndsWith(kGoaway));
        EXPECT_EQ(refused(Refusal::protocolError), ++count) << testing::PrintToString(bytes);
    }
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.counters().requests, 0u);
    EXPECT_EQ(endpoint.accepted(), 0);
}

TEST_F(Http2Only, EndsPrefacesThatDoNotCome) {
    proxy.settings().headTimeout = std::chrono::milliseconds(300);
    proxy.publish();
    EXPECT_THAT(answerTo(proxy.client(), "P"), Not(HasSubstr("HTTP/1")));
    EXPECT_EQ(refused(Refusal::timeout), 1u);
    const std::uint16_t port = proxy.openSecureListener();
    EXPECT_THAT(answerTo(secured(port), ""), Not(HasSubstr("HTTP/1")));
    EXPECT_EQ(refused(Refusal::timeout), 2u);
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(Http2Only, OffersNothingElseByAlpn) {
    const std::uint16_t port = proxy.openSecureListener();
    for (const std::vector<std::string>& protocols :
         {std::vector<std::string>{"h2"}, {"h2", "http/1.1"}, {"http/1.1", "h2"}})
        EXPECT_EQ(secured(port, protocols).tls().protocol(), "h2");
    RawConnection foreign = RawConnection::connect(port);
    TlsOptions options;
    options.protocols = {"http/1.1"};
    EXPECT_FALSE(foreign.secure(options));
    EXPECT_THAT(foreign.tlsError(), HasSubstr("no application protocol"));
    EXPECT_TRUE(proxy.eventually([&] { return failed(HandshakeFailure::alpn) == 1; }));
}

TEST_F(Http2Only, TakesTlsWithoutAlpnForHttp2) {
    const std::uint16_t port = proxy.openSecureListener();
    Http2Client client(secured(port), true, true);
    expectServed(client);
    const std::string answer = answerTo(secured(port), kGet);
    EXPECT_THAT(answer, Not(HasSubstr("HTTP/1")));
    EXPECT_THAT(answer, EndsWith(kGoaway));
    EXPECT_EQ(refused(Refusal::protocolError), 1u);
}

TEST_F(Http2Only, DoesNotTellPlainHttpClientsOfTls) {
    const std::uint16_t port = proxy.openSecureListener();
    EXPECT_THAT(answerTo(RawConnection::connect(port), kGet), Not(HasSubstr("HTTP/1")));
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(failed(HandshakeFailure::plainHttp), 1u);
    EXPECT_EQ(proxy.counters().requests, 0u);
}

TEST_F(Http2Only, TurnsAwayWithoutAnAnswer) {
    proxy.listener("http").maxConnections = 1;
    proxy.publish();
    Http2Client first(proxy.client());
    expectServed(first);
    EXPECT_EQ(answerTo(proxy.client(), kGet), "");
    const auto counters = proxy.counters();
    EXPECT_EQ(counters.errors[static_cast<std::size_t>(http::ProxyError::listenerConnections)], 1u);
    EXPECT_EQ(counters.requests, 1u);
}

TEST_F(Http2Only, HoldsBehindThePROXYHeader) {
    proxy.listener("http").proxyProtocolFrom = {"127.0.0.0/8"};
    proxy.publish();
    const std::string header = "PROXY TCP4 192.0.2.9 198.51.100.1 51234 443\r\n";
    RawConnection introduced = proxy.client();
    ASSERT_TRUE(introduced.send(header));
    Http2Client client(std::move(introduced));
    expectServed(client);
    EXPECT_THAT(answerTo(proxy.client(), header + kGet), EndsWith(kGoaway));
}

TEST_F(Http2Only, LeavesTcpAndTlsListenersAlone) {
    const std::uint16_t tcp = proxy.openListener("tcp", 0, model::ListenerProtocol::tcp);
    RawConnection plain = RawConnection::connect(tcp);
    ASSERT_TRUE(plain.send(kGet));
    EXPECT_EQ(plain.readResponse().body, "hello");
    const std::uint16_t tls = proxy.openListener("tls", 0, model::ListenerProtocol::tls);
    RawConnection client = secured(tls, {"http/1.1"});
    EXPECT_EQ(client.tls().protocol(), "");
    ASSERT_TRUE(client.send(kGet));
    EXPECT_EQ(client.readResponse().body, "hello");
}

TEST_F(Http2Only, IsForNewConnections) {
    const std::uint16_t port = proxy.openSecureListener();
    proxy.settings().http2 = model::ClientHttp2::on;
    proxy.publish();
    RawConnection plain = proxy.client();
    RawConnection tls = secured(port, {"http/1.1"});
    for (RawConnection* client : {&plain, &tls}) {
        ASSERT_TRUE(client->send(kGet));
        EXPECT_EQ(client->readResponse().body, "hello");
    }
    proxy.settings().http2 = model::ClientHttp2::only;
    proxy.publish();
    for (RawConnection* client : {&plain, &tls}) {
        ASSERT_TRUE(client->send(kGet));
        EXPECT_EQ(client->readResponse().body, "hello");
    }
    EXPECT_THAT(answerTo(proxy.client(), kGet), EndsWith(kGoaway));
}

TEST_F(Http2Only, DrainsWhoSaysNothing) {
    const std::uint16_t port = proxy.openSecureListener();
    RawConnection silent = secured(port);
    RawConnection slow = proxy.client();
    ASSERT_TRUE(slow.send("PRI"));
    ASSERT_TRUE(proxy.eventually([&] { return proxy.counters().http2.activeConnections == 2; }));
    EXPECT_EQ(proxy.drain(std::chrono::seconds(30)), 0u);
    EXPECT_THAT(slow.readAll(), Not(HasSubstr("HTTP/1")));
}

}  // namespace
}  // namespace evergate::test
