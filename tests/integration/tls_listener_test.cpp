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

    void addCertificate(const std::string& host, model::ClientVerification clients = {}) {
        CertificateRequest request;
        request.commonName = host;
        const CertificateAndKey pair = authority.issue(request);
        proxy.setCertificate(host,
                             {{host}, pair.certificatePem, pair.keyPem, "Secret test", clients});
    }

    // Clients without a host of their own, and those that ask for "closed.test", each have to show
    // a certificate; those that ask for "sql.test" nothing.
    void requireCertificates(const TemporaryAuthority& byDefault,
                             const TemporaryAuthority& ofClosed) {
        model::ClientVerification clients;
        clients.mode = model::ClientCertificates::required;
        clients.authorities = byDefault.certificatePem();
        addCertificate("fallback", clients);
        clients.authorities = ofClosed.certificatePem();
        addCertificate("closed.test", clients);
        proxy.publish();
    }

    // Whether the endpoint hears of a client that shows `pair` (null: nothing).
    bool served(TlsOptions options, const CertificateAndKey* pair) {
        if (pair != nullptr)
            options.certificates = {*pair};
        const std::uint64_t before = refused();
        RawConnection client = RawConnection::connect(port);
        client.secure(options);
        RawConnection upstream;
        EXPECT_TRUE(proxy.eventually([&] {
            upstream = RawConnection(endpoint.acceptNow());
            return upstream.open() || refused() != before;
        }));
        if (!upstream.open())
            return false;
        lastShown = client.tls().commonName();
        upstream.send("you");  // with it comes the session
        EXPECT_EQ(client.readExactly(3), "you");
        lastSession = client.tls().session();
        lastResumed = client.tls().resumed();
        return true;
    }

    std::uint64_t refused() {
        return failed(HandshakeFailure::noCertificate) + failed(HandshakeFailure::verification);
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
    std::string lastShown;  // to the last client that was served
    std::shared_ptr<SSL_SESSION> lastSession;
    bool lastResumed = false;
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

// The rules for clients are those of all hosts, whichever host a client says it wants.
TEST_F(TlsListener, TheNameAskedForDoesNotChooseTheRules) {
    const TemporaryAuthority ours("ours");
    const TemporaryAuthority others("others");
    requireCertificates(ours, others);
    const CertificateAndKey good = ours.issue({"somebody"});
    const CertificateAndKey stranger = others.issue({"stranger"});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const std::string host : {"sql.test", "closed.test", "", "unknown.test"}) {
            SCOPED_TRACE(host);
            TlsOptions options;
            options.serverName = host;
            options.maxVersion = version;
            EXPECT_FALSE(served(options, nullptr));
            EXPECT_FALSE(served(options, &stranger));
            EXPECT_TRUE(served(options, &good));
            const bool ownHost = host == "sql.test" || host == "closed.test";
            EXPECT_EQ(lastShown, ownHost ? host : "fallback");
        }
    }
}

TEST_F(TlsListener, HostsMayNotAskWhereTheDefaultDoesNot) {
    const TemporaryAuthority others("others");
    model::ClientVerification clients;
    clients.mode = model::ClientCertificates::required;
    clients.authorities = others.certificatePem();
    addCertificate("closed.test", clients);
    proxy.publish();
    TlsOptions options;
    options.serverName = "closed.test";
    EXPECT_TRUE(served(options, nullptr)) << "without a name nothing is asked either";
}

// What was granted where nothing is asked opens no port where something is.
TEST_F(TlsListener, SessionsOfOtherListenersAreNotResumed) {
    const TemporaryAuthority ours("ours");
    requireCertificates(ours, ours);
    const CertificateAndKey good = ours.issue({"somebody"});
    const std::uint16_t https = proxy.openSecureListener();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const bool tickets : {true, false}) {
            TlsOptions options;
            options.serverName = "sql.test";
            options.minVersion = options.maxVersion = version;
            options.tickets = tickets;
            RawConnection client = RawConnection::connect(https);
            ASSERT_TRUE(client.secure(options)) << client.tlsError();
            client.send("GET / HTTP/1.1\r\nHost: sql.test\r\nExpect: nothing\r\n\r\n");
            client.readResponse();  // with it comes the session
            options.session = client.tls().session();
            ASSERT_NE(options.session, nullptr);
            EXPECT_FALSE(served(options, nullptr));

            EXPECT_TRUE(served(options, &good));
            EXPECT_FALSE(lastResumed);
            options.session = lastSession;
            EXPECT_TRUE(served(options, nullptr)) << "it was verified before";
            EXPECT_TRUE(lastResumed);
        }
    }
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
