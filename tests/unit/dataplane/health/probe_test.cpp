// SPDX-License-Identifier: Apache-2.0
#include "dataplane/health/probe.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "dataplane/net/proxy_header.hpp"
#include "tests/support/http2_endpoint.hpp"
#include "tests/support/raw_connection.hpp"
#include "tests/support/temporary_certificate.hpp"
#include "tests/unit/dataplane/health/grpc_peer.hpp"

namespace evergate::health {
namespace {

namespace asio = boost::asio;
using model::HealthCheckType;
using test::BlackHole;
using test::RawConnection;
using test::ScriptedEndpoint;

int chooseHttp2(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                unsigned offeredSize, void*) {
    static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
    unsigned char* chosen = nullptr;
    const int found =
        SSL_select_next_proto(&chosen, size, kHttp2, sizeof kHttp2, offered, offeredSize);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

class ProbeTest : public testing::Test {
protected:
    ProbeTest() {
        policy.healthCheck.type = HealthCheckType::http;
        policy.healthCheck.timeout = std::chrono::seconds(20);
    }

    ProbeResult run(std::uint16_t to) {
        asio::io_context io;
        ProbeResult result;
        const asio::ip::tcp::endpoint where(asio::ip::address_v4::loopback(), to);
        asio::co_spawn(
            io, probe({where, std::make_shared<const model::Backend>(policy), ownPort, sources}),
            [&](const std::exception_ptr& thrown, ProbeResult got) {
                EXPECT_FALSE(thrown);
                result = std::move(got);
            });
        io.run();
        return result;
    }

    // What an endpoint that answers `answer` leads to; the request is in `asked`.
    ProbeResult answered(const std::string& answer) {
        ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
            asked = connection.readUntil("\r\n\r\n");
            connection.send(answer);
            connection.shutdownWrite();
            connection.readAll();
        });
        port = endpoint.port();
        return run(endpoint.port());
    }

    model::Backend policy;
    bool ownPort = true;
    std::shared_ptr<net::SourceAddresses> sources;
    std::string asked;
    std::uint16_t port = 0;
};

TEST_F(ProbeTest, AsksForThePath) {
    policy.healthCheck.path = "/live?deep=1";
    EXPECT_TRUE(answered("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").good);
    EXPECT_EQ(asked.substr(0, asked.find("\r\n")), "GET /live?deep=1 HTTP/1.1");
    EXPECT_NE(asked.find("\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n"),
              std::string::npos);
    EXPECT_NE(asked.find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST_F(ProbeTest, ComesFromItsSourceAddressesInTurn) {
    // TEST-NET-1: nobody's address, it cannot be used; and one of another family.
    sources = std::make_shared<net::SourceAddresses>(std::vector{
        *net::SocketAddress::parse("127.0.0.2", 0), *net::SocketAddress::parse("::1", 0),
        *net::SocketAddress::parse("192.0.2.1", 0), *net::SocketAddress::parse("127.0.0.3", 0)});
    for (const char* const expected : {"127.0.0.2", "127.0.0.3", "127.0.0.2"}) {
        net::SocketAddress peer;
        ProbeResult result;
        {
            ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
                peer = net::SocketAddress::peerOf(connection.fd());
                connection.readUntil("\r\n\r\n");
                connection.send("HTTP/1.1 200 OK\r\n\r\n");
            });
            result = run(endpoint.port());
        }
        EXPECT_TRUE(result.good) << result.detail;
        EXPECT_EQ(peer, *net::SocketAddress::parse(expected, peer.port()));
    }
}

TEST_F(ProbeTest, SaysThatNoSourceAddressCanBeUsed) {
    const test::RawListener endpoint;
    sources = std::make_shared<net::SourceAddresses>(
        std::vector{*net::SocketAddress::parse("192.0.2.1", 0)});
    const ProbeResult result = run(endpoint.port());
    EXPECT_FALSE(result.good);
    EXPECT_EQ(result.detail.rfind("connect: ", 0), 0u) << result.detail;
}

TEST_F(ProbeTest, NamesTheHostItWasGiven) {
    policy.healthCheck.host = "shop.example";
    answered("HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_NE(asked.find("\r\nHost: shop.example\r\n"), std::string::npos);
}

TEST_F(ProbeTest, JudgesByTheStatus) {
    EXPECT_TRUE(answered("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n").good);
    const ProbeResult bad = answered("HTTP/1.1 503 No\r\n\r\n");
    EXPECT_FALSE(bad.good);
    EXPECT_EQ(bad.detail, "status 503");
    policy.healthCheck.statusLow = policy.healthCheck.statusHigh = 204;
    EXPECT_FALSE(answered("HTTP/1.1 200 OK\r\n\r\n").good);
    EXPECT_TRUE(answered("HTTP/1.1 204 No Content\r\n\r\n").good);
}

TEST_F(ProbeTest, PassesOverInterimResponses) {
    EXPECT_TRUE(answered("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n").good);
    std::string many;
    for (int i = 0; i < 20; ++i)
        many += "HTTP/1.1 102 Processing\r\n\r\n";
    EXPECT_FALSE(answered(many + "HTTP/1.1 200 OK\r\n\r\n").good);
}

TEST_F(ProbeTest, NeedsNoMoreThanTheHead) {
    EXPECT_TRUE(answered("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nonly this").good);
}

TEST_F(ProbeTest, RefusesWhatIsNoResponse) {
    EXPECT_FALSE(answered("220 smtp.example ESMTP\r\n").good);
    EXPECT_FALSE(answered("").good);
    EXPECT_FALSE(answered("HTTP/1.1 200 OK\r\nX: " + std::string(64'000, 'x') + "\r\n\r\n").good);
}

TEST_F(ProbeTest, TcpNeedsAConnectionOnly) {
    policy.healthCheck.type = HealthCheckType::tcp;
    const test::RawListener listener;
    EXPECT_TRUE(run(listener.port()).good);
}

TEST_F(ProbeTest, SaysThatNobodyListens) {
    std::uint16_t closed = 0;
    {
        const test::RawListener listener;
        closed = listener.port();
    }
    const ProbeResult result = run(closed);
    EXPECT_FALSE(result.good);
    EXPECT_EQ(result.detail, "connect: Connection refused");
}

TEST_F(ProbeTest, EndsAtItsDeadline) {
    policy.healthCheck.timeout = std::chrono::milliseconds(50);
    const test::RawListener silent;  // takes the connection and never answers
    EXPECT_EQ(run(silent.port()).detail, "response: timed out");
}

TEST_F(ProbeTest, SpeaksTlsToAnHttpsBackend) {
    policy.protocol = model::BackendProtocol::https;
    std::string hello;
    ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
        hello = connection.readExactly(3);
        connection.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    const ProbeResult result = run(endpoint.port());
    EXPECT_FALSE(result.good);
    EXPECT_EQ(result.detail.substr(0, 5), "TLS: ");
    EXPECT_EQ(hello.substr(0, 2), std::string("\x16\x03"));  // a handshake record
}

TEST_F(ProbeTest, AuthoritiesThatAreNoneAreABadCheck) {
    policy.protocol = model::BackendProtocol::https;
    policy.tlsVerify = true;
    policy.tlsAuthorities = "no certificate";
    const test::RawListener listener;
    const ProbeResult result = run(listener.port());
    EXPECT_FALSE(result.good);
    EXPECT_EQ(result.detail.substr(0, 24), "certificate authorities:");
}

TEST_F(ProbeTest, TlsNeedsAHandshakeOnly) {
    policy.healthCheck.type = HealthCheckType::tls;
    const test::TemporaryAuthority authority;
    test::TlsOptions options;
    options.certificates = {authority.issue({})};
    ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
        connection.secureAsServer(options);
        connection.readAll();
    });
    EXPECT_EQ(run(endpoint.port()).detail, "TLS established");
    ScriptedEndpoint plain(
        [](RawConnection& connection, int) { connection.send("220 hello\r\n"); });
    EXPECT_FALSE(run(plain.port()).good);
    // Trust is a matter of backends that requests reach over TLS.
    policy.tlsVerify = true;
    policy.tlsAuthorities = authority.certificatePem();
    policy.tlsServerName = "shop.internal";
    EXPECT_TRUE(run(endpoint.port()).good);
    policy.protocol = model::BackendProtocol::https;
    EXPECT_EQ(run(endpoint.port()).detail.substr(0, 5), "TLS: ");
}

TEST_F(ProbeTest, TlsVerifiesTheNameOfTheBackend) {
    policy.healthCheck.type = HealthCheckType::tls;
    policy.protocol = model::BackendProtocol::https;
    const test::TemporaryAuthority authority;
    test::CertificateRequest request;
    request.dnsNames = {"shop.internal"};
    test::TlsOptions options;
    options.certificates = {authority.issue(request)};
    policy.tlsVerify = true;
    policy.tlsAuthorities = authority.certificatePem();
    policy.tlsServerName = "shop.internal";
    ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
        connection.secureAsServer(options);
        connection.readAll();
    });
    EXPECT_TRUE(run(endpoint.port()).good);
    policy.tlsServerName = "other.internal";
    EXPECT_FALSE(run(endpoint.port()).good);
}

TEST_F(ProbeTest, GrpcAsksOverPlainHttp2) {
    policy.healthCheck.type = HealthCheckType::grpc;
    policy.healthCheck.grpcService = "shop.Cart";
    ScriptedEndpoint endpoint(
        [](RawConnection& connection, int) { test::GrpcPeer({}).serve(connection); });
    const ProbeResult result = run(endpoint.port());
    EXPECT_TRUE(result.good);
    EXPECT_EQ(result.detail, "SERVING");
}

TEST_F(ProbeTest, GrpcAsksOverTlsWithAlpn) {
    policy.healthCheck.type = HealthCheckType::grpc;
    policy.protocol = model::BackendProtocol::https;
    const test::TemporaryAuthority authority;
    test::TlsOptions options;
    options.certificates = {authority.issue({})};
    options.context = test::serverContext(options);
    SSL_CTX_set_alpn_select_cb(options.context.get(), chooseHttp2, nullptr);
    ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
        test::GrpcPeer peer({});
        if (connection.secureAsServer(options))
            peer.serve(connection);
    });
    EXPECT_EQ(run(endpoint.port()).detail, "SERVING");
    test::TlsOptions without = options;
    without.context.reset();
    ScriptedEndpoint other([&](RawConnection& connection, int) {
        connection.secureAsServer(without);
        connection.readAll();
    });
    EXPECT_EQ(run(other.port()).detail, "TLS: no HTTP/2 (ALPN h2)");
}

TEST_F(ProbeTest, HttpAsksOverHttp2WhereEndpointsSpeakIt) {
    policy.protocol = model::BackendProtocol::h2c;
    policy.healthCheck.type = HealthCheckType::http;
    test::Http2Endpoint::Options options;
    options.onEnd = [](test::Http2Endpoint& peer, test::Http2Request& request) {
        EXPECT_EQ(request.value(":method"), "GET");
        if (request.value(":path") != "/live")
            return peer.respondBare(request.id, "503", {});
        peer.interim(request.id, "103");
        peer.respond(request.id, "200", {}, std::string(100'000, 'a'));
    };
    ScriptedEndpoint endpoint(test::Http2Endpoint::script(std::move(options)));
    policy.healthCheck.path = "/live";
    ProbeResult result = run(endpoint.port());
    EXPECT_TRUE(result.good);
    EXPECT_EQ(result.detail, "status 200");
    policy.healthCheck.path = "/other";
    result = run(endpoint.port());
    EXPECT_FALSE(result.good);
    EXPECT_EQ(result.detail, "status 503");
    EXPECT_FALSE(answered("HTTP/1.1 200 OK\r\n\r\n").good);
}

TEST_F(ProbeTest, GrpcDoubtsOtherServers) {
    policy.healthCheck.type = HealthCheckType::grpc;
    EXPECT_FALSE(answered("HTTP/1.1 400 Bad Request\r\n\r\n").good);
    EXPECT_EQ(answered("").detail, "response: End of file");
    policy.healthCheck.timeout = std::chrono::milliseconds(50);
    const test::RawListener silent;
    EXPECT_EQ(run(silent.port()).detail, "response: timed out");
}

TEST_F(ProbeTest, SpeaksForNobodyWhereTheProxyProtocolIsSpoken) {
    policy.proxyProtocol = model::ProxyProtocol::v1;
    EXPECT_TRUE(answered("HTTP/1.1 200 OK\r\n\r\n").good);
    EXPECT_EQ(asked.substr(0, 20), "PROXY UNKNOWN\r\nGET /");
    policy.proxyProtocol = model::ProxyProtocol::v2;
    {
        ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
            asked = connection.readExactly(16);
            connection.readUntil("\r\n\r\n");
            connection.send("HTTP/1.1 200 OK\r\n\r\n");
        });
        EXPECT_TRUE(run(endpoint.port()).good);
    }
    EXPECT_EQ(asked, net::localProxyV2());
}

TEST_F(ProbeTest, OtherPortsSpeakNoProxyProtocol) {
    policy.proxyProtocol = model::ProxyProtocol::v1;
    ownPort = false;
    EXPECT_TRUE(answered("HTTP/1.1 200 OK\r\n\r\n").good);
    EXPECT_EQ(asked.substr(0, 5), "GET /");
}

}  // namespace
}  // namespace evergate::health
