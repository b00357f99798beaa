// SPDX-License-Identifier: Apache-2.0
// What goes over HTTP/2 to endpoints besides plain requests: TLS, WebSockets, gRPC.
#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "tests/integration/http2_upstream_rig.hpp"

namespace evergate::test {
namespace {

using testing::HasSubstr;

int chooseHttp2(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                unsigned offeredSize, void*) {
    static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
    unsigned char* chosen = nullptr;
    const int found =
        SSL_select_next_proto(&chosen, size, kHttp2, sizeof kHttp2, offered, offeredSize);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

class Http2UpstreamTls : public Http2Upstream {
protected:
    Http2UpstreamTls() {
        CertificateRequest request;
        request.dnsNames = {"shop.internal"};
        options.certificates = {authority.issue(request)};
        backend.protocol = model::BackendProtocol::h2;
        backend.tlsVerify = true;
        backend.tlsAuthorities = authority.certificatePem();
        backend.tlsServerName = "shop.internal";
    }

    ScriptedEndpoint& serveSecurely(bool agree = true) {
        options.context = serverContext(options);
        if (agree)
            SSL_CTX_set_alpn_select_cb(options.context.get(), chooseHttp2, nullptr);
        ScriptedEndpoint& endpoint = start([with = options](RawConnection& connection, int) {
            if (!connection.secureAsServer(with))
                return;
            Http2Endpoint::Options all;
            all.onEnd = echo;
            all.onHead = [](Http2Endpoint&, Http2Request& request) {
                EXPECT_EQ(request.value(":scheme"), "https");
            };
            Http2Endpoint(std::move(all)).serve(connection);
        });
        proxy.serve({endpoint.port()}, backend);
        return endpoint;
    }

    TemporaryAuthority authority;
    TlsOptions options;
};

TEST_F(Http2UpstreamTls, ReachesAnEndpointThatAgrees) {
    ScriptedEndpoint& endpoint = serveSecurely();
    RawConnection client = proxy.client();
    const std::string body(600'000, 't');
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(
            client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n" + body));
        ASSERT_TRUE(client.readResponse().body == body);
    }
    EXPECT_EQ(endpoint.accepted(), 1);
}

TEST_F(Http2UpstreamTls, RefusesAnEndpointThatDoesNotAgree) {
    serveSecurely(false);
    EXPECT_EQ(ask(get()).status, 502);
    EXPECT_GE(errors(http::ProxyError::upstreamTls), 1u);
}

TEST_F(Http2UpstreamTls, VerifiesTheName) {
    backend.tlsServerName = "other.internal";
    serveSecurely();
    EXPECT_EQ(ask(get()).status, 502);
    EXPECT_GE(errors(http::ProxyError::upstreamTlsVerify), 1u);
}

class Http2Tunnel : public Http2Upstream {
protected:
    static std::string upgrade() {
        return get("/chat",
                   "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    }
};

TEST_F(Http2Tunnel, CarriesBytesBothWays) {
    Http2Endpoint::Options options;
    options.settings = {{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}};
    options.onHead = [](Http2Endpoint& peer, Http2Request& request) {
        EXPECT_EQ(request.value(":method"), "CONNECT");
        EXPECT_EQ(request.value(":protocol"), "websocket");
        EXPECT_EQ(request.count("sec-websocket-key"), 0u);
        peer.begin(request.id, "200", {{"sec-websocket-protocol", "chat"}});
        peer.more(request.id, "hello|");
    };
    options.onData = [](Http2Endpoint& peer, Http2Request& request) {
        peer.more(request.id, std::exchange(request.body, {}));
    };
    options.onEnd = [](Http2Endpoint& peer, Http2Request& request) { peer.last(request.id); };
    serve(std::move(options));
    RawConnection client = proxy.client();
    ASSERT_TRUE(client.send(upgrade()));
    const auto head = client.readUntil("\r\n\r\n");
    EXPECT_THAT(head, HasSubstr("HTTP/1.1 101 "));
    EXPECT_THAT(head, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    EXPECT_EQ(client.readUntil("|"), "hello|");
    ASSERT_TRUE(client.send("ping|"));
    EXPECT_EQ(client.readUntil("|"), "ping|");
    client.shutdownWrite();
    EXPECT_TRUE(client.eof());
}

TEST_F(Http2Tunnel, SaysWhenTheEndpointTakesNone) {
    answer(tell);
    const auto response = ask(upgrade());
    EXPECT_EQ(response.status, 502);
    EXPECT_THAT(response.body, HasSubstr("no WebSocket over HTTP/2"));
    EXPECT_EQ(errors(http::ProxyError::upstreamNoWebSocket), 1u);
}

class Grpc : public Http2Upstream {
protected:
    static std::string call(const std::string& fields = "") {
        return "POST /shop.Cart/Get HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\n" +
               fields + "Content-Length: 5\r\n\r\nhello";
    }
};

TEST_F(Grpc, HearsErrorsAsGrpcSaysThem) {
    proxy.serve({}, backend);
    const auto response = ask(call());
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.head, HasSubstr("Grpc-Status: 14\r\n"));
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(ask(get()).status, 503) << "others do not";
}

TEST_F(Grpc, HasTheDeadlineOfItsClient) {
    answer([](Http2Endpoint&, Http2Request&) {});
    const auto response = ask(call("Grpc-Timeout: 200m\r\n"));
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.head, HasSubstr("Grpc-Status: 4\r\n"));
    EXPECT_EQ(errors(http::ProxyError::upstreamTimeout), 1u);
}

}  // namespace
}  // namespace evergate::test
