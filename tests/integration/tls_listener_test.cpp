// SPDX-License-Identifier: Apache-2.0
// Listeners where TLS ends in front of a plain TCP service: bytes, both half-closes, resets, what
// handshakes may do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/access_log_file.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using http::ProxyError;
using net::HandshakeFailure;
using Next = RawConnection::Next;

class TlsListener : public testing::Test {
protected:
    TlsListener() {
        proxy.serve({endpoint.port()});
        addCertificate("sql.test");
        addCertificate("fallback");
        proxy.settings().defaultCertificate = "fallback";
        port = proxy.openListener("sql", 0, model::ListenerProtocol::tls);
    }

    void addCertificate(const std::string& host) {
        CertificateRequest request;
        request.commonName = host;
        const CertificateAndKey pair = authority.issue(request);
        proxy.setCertificate(host, {{host}, pair.certificatePem, pair.keyPem, "Secret test"});
    }

    RawConnection secured(TlsOptions options = {}) {
        RawConnection client = RawConnection::connect(port);
        EXPECT_TRUE(client.secure(options)) << client.tlsError();
        return client;
    }

    std::uint64_t errors(ProxyError error) {
        return proxy.counters().errors[static_cast<std::size_t>(error)];
    }

    std::uint64_t failed(HandshakeFailure failure) {
        return proxy.counters().tls.failed[static_cast<std::size_t>(failure)];
    }

    AccessLogFile log{"tls_listener"};
    TemporaryAuthority authority;
    RawListener endpoint;
    ProxyFixture proxy{{}, log.options()};
    std::uint16_t port = 0;
};

TEST_F(TlsListener, EndsTlsInFrontOfTheEndpoint) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsOptions options;
        options.serverName = "sql.test";
        options.maxVersion = version;
        RawConnection client = secured(options);
        EXPECT_EQ(client.tls().commonName(), "sql.test");
        RawConnection upstream = endpoint.accept();
        ASSERT_TRUE(client.send("hello"));
        EXPECT_EQ(upstream.readExactly(5), "hello");
        ASSERT_TRUE(upstream.send("you"));
        EXPECT_EQ(client.readExactly(3), "you");
    }
    EXPECT_EQ(secured().tls().commonName(), "fallback");
    // With TLS 1.3 the client is done first.
    EXPECT_TRUE(proxy.eventually([&] {
        const net::HandshakeCounts counts = proxy.counters().tls;
        return counts.done[0][0] == 1 && counts.done[1][0] == 2;
    }));
}

TEST_F(TlsListener, TheEndpointMaySpeakFirst) {
    RawConnection client = secured();
    RawConnection upstream = endpoint.accept();
    ASSERT_TRUE(upstream.send("220 hello\r\n"));
    EXPECT_EQ(client.readUntil("\r\n"), "220 hello\r\n");
}

TEST_F(TlsListener, CarriesMuchBothWaysAtOnce) {
    RawConnection client = secured();
    RawConnection upstream = endpoint.accept();
    std::string data(3'000'000, '\0');
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<char>(i * 31 >> 7U);
    // An echo that reads while it writes: else both ways would be full.
    const std::jthread echo([&] {
        std::string block;
        while (!(block = upstream.readExactly(50'000)).empty())
            upstream.send(block);
        upstream.shutdownWrite();
    });
    std::string back;
    for (std::size_t at = 0; at < data.size(); at += 100'000) {
        ASSERT_TRUE(client.send(std::string_view(data).substr(at, 100'000)));
        back += client.readExactly(100'000);
    }
    client.shutdownWrite();
    EXPECT_TRUE(back == data);
    EXPECT_TRUE(client.eof());
}

TEST_F(TlsListener, ACloseNotifyIsTheEndpointsFin) {
    RawConnection client = secured();
    RawConnection upstream = endpoint.accept();
    ASSERT_TRUE(client.send("request"));
    client.shutdownWrite();
    EXPECT_EQ(upstream.readAll(), "request");
    ASSERT_TRUE(upstream.send("late answer"));
    EXPECT_EQ(client.readExactly(11), "late answer");
    upstream.shutdownWrite();
    EXPECT_TRUE(client.eof());
    EXPECT_TRUE(client.tls().cleanEnd());
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(errors(ProxyError::clientClosed), 0u);
}

TEST_F(TlsListener, TheEndpointsFinIsACloseNotify) {
    RawConnection client = secured();
    RawConnection upstream = endpoint.accept();
    ASSERT_TRUE(upstream.send("greeting"));
    upstream.shutdownWrite();
    EXPECT_EQ(client.readExactly(8), "greeting");
    EXPECT_TRUE(client.eof());
    EXPECT_TRUE(client.tls().cleanEnd());
    ASSERT_TRUE(client.send("still talking"));
    EXPECT_EQ(upstream.readExactly(13), "still talking");
    client.shutdownWrite();
    EXPECT_TRUE(upstream.eof());
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(TlsListener, AnEndWithoutCloseNotifyIsNoEnd) {
    RawConnection client = secured();
    RawConnection upstream = endpoint.accept();
    ASSERT_TRUE(client.send("hal"));
    EXPECT_EQ(upstream.readExactly(3), "hal");
    ::shutdown(client.fd(), SHUT_WR);
    EXPECT_EQ(upstream.next(), Next::reset);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(errors(ProxyError::clientClosed), 1u);
}

TEST_F(TlsListener, PassesResetsOn) {
    RawConnection client = secured();
    RawConnection upstream = endpoint.accept();
    client.reset();
    EXPECT_EQ(upstream.next(), Next::reset);
    RawConnection other = secured();
    upstream = endpoint.accept();
    upstream.reset();
    EXPECT_FALSE(other.eof()) << "no close_notify";
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(TlsListener, LeavesTheProtocolOpen) {
    TlsOptions options;
    options.protocols = {"postgresql"};
    EXPECT_EQ(secured(options).tls().protocol(), "");
    options.protocols = {"h2", "http/1.1"};
    EXPECT_EQ(secured(options).tls().protocol(), "");
}

TEST_F(TlsListener, HandshakesHaveADeadlineAndCostNoEndpoint) {
    proxy.settings().handshakeTimeout = std::chrono::milliseconds(300);
    proxy.publish();
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(client.send("\x16\x03\x01"));
    EXPECT_TRUE(client.eof());
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(failed(HandshakeFailure::timeout), 1u);
    EXPECT_EQ(endpoint.acceptNow(), -1);
    ASSERT_TRUE(proxy.eventually([&] { return log.lines().size() == 1; }));
    const nlohmann::json line = log.lines()[0];
    EXPECT_EQ(line["protocol"], "TCP");
    EXPECT_EQ(line["route"], "sql");
    EXPECT_EQ(line["error"], "client_tls");
    EXPECT_EQ(line["tls_failure"], "timeout");
}

TEST_F(TlsListener, RefusesWhatIsNoHandshake) {
    for (const std::string_view junk : {"GET / HTTP/1.1\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"}) {
        RawConnection client = RawConnection::connect(port);
        ASSERT_TRUE(client.send(junk));
        client.readAll();
    }
    TlsOptions weak;
    weak.maxVersion = TLS1_2_VERSION;
    weak.ciphers = "ECDHE-ECDSA-AES128-SHA256";  // CBC
    RawConnection client = RawConnection::connect(port);
    EXPECT_FALSE(client.secure(weak));
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(failed(HandshakeFailure::parameters), 1u);
    EXPECT_EQ(endpoint.acceptNow(), -1);
}

TEST_F(TlsListener, ConnectionsHaveALineInTheLog) {
    TlsOptions options;
    options.serverName = "sql.test";
    RawConnection client = secured(options);
    RawConnection upstream = endpoint.accept();
    ASSERT_TRUE(client.send("hello"));
    EXPECT_EQ(upstream.readExactly(5), "hello");
    client.shutdownWrite();
    upstream.shutdownWrite();
    ASSERT_TRUE(proxy.eventually([&] { return log.lines().size() == 1; }));
    const nlohmann::json line = log.lines()[0];
    EXPECT_EQ(line["protocol"], "TCP");
    EXPECT_EQ(line["route"], "sql");
    EXPECT_EQ(line["backend"], "b");
    EXPECT_EQ(line["bytes_in"], 5);
    EXPECT_EQ(line["tls_version"], "TLSv1.3");
    EXPECT_EQ(line["tls_server_name"], "sql.test");
    EXPECT_FALSE(line.contains("tls_failure"));
}

TEST_F(TlsListener, ServesTheListedNetworksOnly) {
    proxy.listener("sql").restrictSources = true;
    proxy.listener("sql").allowSources = {"10.0.0.0/8"};
    proxy.publish();
    RawConnection client = RawConnection::connect(port);
    EXPECT_FALSE(client.secure({}));
    EXPECT_EQ(errors(ProxyError::forbiddenSource), 1u);
    EXPECT_EQ(endpoint.acceptNow(), -1);
}

TEST_F(TlsListener, WithoutEndpointsTheConnectionIsReset) {
    proxy.setEndpoints({});
    RawConnection client = RawConnection::connect(port);
    client.secure({});  // TLS 1.3 is done before the end is seen
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(errors(ProxyError::noEndpoint), 1u);
}

}  // namespace
}  // namespace evergate::test
