// SPDX-License-Identifier: Apache-2.0
// Who gets which certificate, and what becomes of handshakes: versions, resumption, rotation,
// deadlines, clients that speak something else.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using net::HandshakeFailure;
using testing::HasSubstr;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n";

class HttpsListener : public testing::Test {
protected:
    HttpsListener() { proxy.serve({endpoint.port()}); }

    model::Certificate certificate(const std::string& name, std::vector<std::string> hosts,
                                   bool rsa = false, int hours = 24) const {
        CertificateRequest request;
        request.commonName = name;
        request.dnsNames = hosts;
        request.rsa = rsa;
        request.lifetime = std::chrono::hours(hours);
        const CertificateAndKey pair = authority.issue(request);
        return {std::move(hosts), pair.certificatePem, pair.keyPem, "Secret test/" + name};
    }

    RawConnection secured(TlsOptions options) {
        RawConnection client = RawConnection::connect(port);
        EXPECT_TRUE(client.secure(options)) << client.tlsError();
        return client;
    }

    std::string refused(const TlsOptions& options) {
        RawConnection client = RawConnection::connect(port);
        EXPECT_FALSE(client.secure(options));
        return client.tlsError();
    }

    std::string shown(const std::string& host) {
        TlsOptions options;
        options.serverName = host;
        return secured(options).tls().commonName();
    }

    static int ask(RawConnection& client) {
        return client.send(kGet) ? client.readResponse().status : 0;
    }

    std::uint64_t failed(HandshakeFailure failure) {
        return proxy.counters().tls.failed[static_cast<std::size_t>(failure)];
    }

    void open() { port = proxy.openSecureListener(); }

    TemporaryAuthority authority;
    ScriptedEndpoint endpoint{answerAll("hello")};
    ProxyFixture proxy;
    std::uint16_t port = 0;
};

TEST_F(HttpsListener, ShowsTheCertificateOfTheHostAskedFor) {
    proxy.setCertificate("a", certificate("a", {"a.example.com"}));
    proxy.setCertificate("wild", certificate("wild", {"*.example.com"}));
    proxy.setCertificate("other", certificate("other", {"other.test"}));
    proxy.settings().defaultCertificate = "other";
    open();
    EXPECT_EQ(shown("a.example.com"), "a");
    EXPECT_EQ(shown("A.Example.COM"), "a");
    EXPECT_EQ(shown("b.example.com"), "wild");
    EXPECT_EQ(shown("x.b.example.com"), "other") << "a wildcard is one label";
    EXPECT_EQ(shown("example.com"), "other");
    EXPECT_EQ(shown(""), "other");
}

TEST_F(HttpsListener, ShowsASelfSignedCertificateWithoutADefault) {
    open();
    EXPECT_EQ(shown("example.com"), "Evergate self-signed certificate");
    proxy.settings().defaultCertificate = "gone";
    proxy.publish();
    EXPECT_EQ(shown("example.com"), "Evergate self-signed certificate");
}

TEST_F(HttpsListener, ServesRsaAndEcdsaSideBySide) {
    proxy.setCertificate("ec", certificate("ec", {"a.test"}));
    proxy.setCertificate("rsa", certificate("rsa", {"a.test"}, true));
    open();
    TlsOptions options;
    options.serverName = "a.test";
    EXPECT_EQ(secured(options).tls().keyType(), "EC");
    options.signatures = "rsa_pss_rsae_sha256";
    EXPECT_EQ(secured(options).tls().keyType(), "RSA");
    options.signatures.clear();
    options.maxVersion = TLS1_2_VERSION;
    options.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
    EXPECT_EQ(secured(options).tls().keyType(), "RSA");
}

TEST_F(HttpsListener, PrefersTheCertificateThatEndsLater) {
    proxy.setCertificate("a", certificate("late", {"a.test"}, false, 48));
    proxy.setCertificate("b", certificate("early", {"a.test"}, false, 24));
    open();
    EXPECT_EQ(shown("a.test"), "late");
}

TEST_F(HttpsListener, AnswersRequestsOverBothVersions) {
    proxy.setCertificate("a", certificate("a", {"a.test"}));
    open();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsOptions options;
        options.serverName = "a.test";
        options.authorities = authority.certificatePem();
        options.minVersion = options.maxVersion = version;
        options.protocols = {"spdy/3", "http/1.1"};
        RawConnection client = secured(options);
        for (int i = 0; i < 3; ++i)
            ASSERT_EQ(ask(client), 200);
        EXPECT_EQ(client.tls().version(), version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
        EXPECT_EQ(client.tls().protocol(), "http/1.1");
    }
    const net::HandshakeCounts counts = proxy.counters().tls;
    EXPECT_EQ(counts.done[0][0], 1u);
    EXPECT_EQ(counts.done[1][0], 1u);
}

TEST_F(HttpsListener, RefusesOldVersionsAndForeignProtocols) {
    open();
    TlsOptions old;
    old.minVersion = TLS1_1_VERSION;
    old.maxVersion = TLS1_1_VERSION;
    old.ciphers = "ALL:@SECLEVEL=0";
    EXPECT_THAT(refused(old), HasSubstr("protocol version"));
    TlsOptions foreign;
    foreign.protocols = {"spdy/3"};
    EXPECT_THAT(refused(foreign), HasSubstr("no application protocol"));
    TlsOptions weak;
    weak.maxVersion = TLS1_2_VERSION;
    weak.ciphers = "ECDHE-ECDSA-AES128-SHA256";  // CBC
    EXPECT_THAT(refused(weak), HasSubstr("handshake failure"));
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(failed(HandshakeFailure::version), 1u);
    EXPECT_EQ(failed(HandshakeFailure::alpn), 1u);
    EXPECT_EQ(failed(HandshakeFailure::parameters), 1u);
}

TEST_F(HttpsListener, TellsAPlainHttpClientWhatIsWrong) {
    open();
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(client.send(kGet));
    const auto response = client.readResponse();
    EXPECT_EQ(response.status, 400);
    EXPECT_THAT(response.body, HasSubstr("plain HTTP"));
    EXPECT_TRUE(client.eof());
    client.close();
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(failed(HandshakeFailure::plainHttp), 1u);
}

TEST_F(HttpsListener, EndsWhatIsNoHandshake) {
    open();
    for (const std::string_view junk :
         {std::string_view("\0\0\0\0\0\0\0\0\0\0\0", 11),
          std::string_view("SSH-2.0-OpenSSH_9.2\r\n"),
          std::string_view("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10)}) {
        RawConnection client = RawConnection::connect(port);
        ASSERT_TRUE(client.send(junk));
        client.readAll();
        client.close();
    }
    RawConnection::connect(port).send("\x16");  // and gone
    EXPECT_TRUE(proxy.eventuallyQuiet());
    RawConnection client = secured({});
    EXPECT_EQ(ask(client), 200);
}

TEST_F(HttpsListener, EndsAHandshakeThatTakesTooLong) {
    proxy.settings().handshakeTimeout = std::chrono::milliseconds(300);
    open();
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(client.send("\x16\x03\x01"));
    EXPECT_TRUE(proxy.eventuallyIn("tls_handshake"));
    EXPECT_TRUE(client.eof());
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(failed(HandshakeFailure::timeout), 1u);
}

TEST_F(HttpsListener, ShowsARenewedCertificateToTheNextHandshake) {
    proxy.setCertificate("a", certificate("old", {"a.test"}));
    open();
    TlsOptions options;
    options.serverName = "a.test";
    RawConnection before = secured(options);
    EXPECT_EQ(ask(before), 200);
    proxy.setCertificate("a", certificate("new", {"a.test"}));
    proxy.publish();
    EXPECT_EQ(shown("a.test"), "new");
    EXPECT_EQ(before.tls().commonName(), "old");
    EXPECT_EQ(ask(before), 200) << "an open connection lives on";
    EXPECT_EQ(proxy.counters().accepted, 2u);
}

TEST_F(HttpsListener, ResumesSessionsAcrossPublicationsAndKeyRotation) {
    proxy.setCertificate("a", certificate("a", {"a.test"}));
    open();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsOptions options;
        options.serverName = "a.test";
        options.maxVersion = version;
        const auto resumes = [&] {
            RawConnection client = secured(options);
            EXPECT_EQ(ask(client), 200);
            options.session = client.tls().session();
            EXPECT_TRUE(options.session);
            return client.tls().resumed();
        };
        EXPECT_FALSE(resumes());
        EXPECT_TRUE(resumes());
        proxy.publish();
        EXPECT_TRUE(resumes());
        proxy.setCertificate("b", certificate("b", {"b.test"}));
        proxy.publish();
        EXPECT_TRUE(resumes());
        const auto kept = options.session;
        for (const bool known : {true, true, false}) {
            proxy.onControl([&](const std::function<void()>& done) {
                proxy.pool().rotateTicketKeys();
                done();
            });
            proxy.publish();  // workers take what they are told in order: now they have the keys
            options.session = kept;
            EXPECT_EQ(resumes(), known);
        }
    }
}

// By session id, where it lives in the worker.
TEST_F(HttpsListener, ResumesSessionsOfClientsWithoutTickets) {
    proxy.setCertificate("a", certificate("a", {"a.test"}));
    open();
    TlsOptions options;
    options.serverName = "a.test";
    options.maxVersion = TLS1_2_VERSION;
    options.tickets = false;
    const auto resumes = [&] {
        RawConnection client = secured(options);
        EXPECT_EQ(ask(client), 200);
        const auto session = client.tls().session();
        EXPECT_TRUE(session);
        if (!session)
            return false;
        EXPECT_EQ(SSL_SESSION_has_ticket(session.get()), 0);
        options.session = session;
        return client.tls().resumed();
    };
    EXPECT_FALSE(resumes());
    EXPECT_TRUE(resumes());
    proxy.setCertificate("b", certificate("b", {"b.test"}));
    proxy.publish();
    EXPECT_TRUE(resumes());
    for (int i = 0; i < 4; ++i) {
        proxy.onControl([&](const std::function<void()>& done) {
            proxy.pool().rotateTicketKeys();
            done();
        });
    }
    proxy.publish();
    EXPECT_TRUE(resumes()) << "no key of tickets has to do with it";
    proxy.setCertificate("a", certificate("a", {"a.test"}));
    proxy.publish();
    EXPECT_FALSE(resumes()) << "made with another certificate";
    EXPECT_TRUE(proxy.eventuallyQuiet());
    const net::HandshakeCounts counts = proxy.counters().tls;
    EXPECT_EQ(counts.done[0][0], 2u);
    EXPECT_EQ(counts.done[0][1], 3u);
}

TEST_F(HttpsListener, RefusesRenegotiation) {
    open();
    TlsOptions options;
    options.maxVersion = TLS1_2_VERSION;
    RawConnection client = secured(options);
    SSL* const ssl = client.tls().ssl();
    EXPECT_EQ(ask(client), 200);
    SSL_renegotiate(ssl);
    EXPECT_LE(SSL_do_handshake(ssl), 0);
    client.close();
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

// OpenSSL answers the renegotiation with an alert and finds the end right behind it: the alert must
// not go out on the next connection.
TEST_F(HttpsListener, AnAlertStaysOnItsConnection) {
    open();
    for (int i = 0; i < 4; ++i) {
        TlsOptions options;
        options.maxVersion = TLS1_2_VERSION;
        RawConnection client = secured(options);
        SSL* const ssl = client.tls().ssl();
        ASSERT_EQ(ask(client), 200);
        BIO* const written = BIO_new(BIO_s_mem());
        SSL_set0_wbio(ssl, written);
        // The answer is not waited for.
        ::fcntl(client.fd(), F_SETFL, O_NONBLOCK);
        SSL_renegotiate(ssl);
        SSL_do_handshake(ssl);
        char* hello = nullptr;
        const long size = BIO_get_mem_data(written, &hello);
        ASSERT_GT(size, 0);
        // Corked, so that the end arrives with the hello.
        const int on = 1;
        ::setsockopt(client.fd(), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
        ASSERT_EQ(::send(client.fd(), hello, static_cast<std::size_t>(size), MSG_NOSIGNAL), size);
        ::shutdown(client.fd(), SHUT_WR);
        client.close();
        RawConnection next = secured({});
        ASSERT_EQ(ask(next), 200);
    }
}

TEST_F(HttpsListener, TakesKeyUpdatesButNoFloodOfThem) {
    open();
    RawConnection client = secured({});
    SSL* const ssl = client.tls().ssl();
    for (int i = 0; i < 40; ++i) {
        ASSERT_EQ(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        ASSERT_EQ(SSL_do_handshake(ssl), 1);
        if (i % 5 == 0) {
            ASSERT_EQ(ask(client), 200);
        }
    }
    for (int i = 0; i < 50'000; ++i) {
        SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
        if (SSL_do_handshake(ssl) != 1)
            break;
    }
    EXPECT_NE(ask(client), 200);
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(HttpsListener, DrainsLikeAPlainListener) {
    open();
    RawConnection idle = secured({});
    EXPECT_EQ(ask(idle), 200);
    EXPECT_EQ(proxy.drain(std::chrono::milliseconds(8'000)), 0u);
    EXPECT_TRUE(idle.eof());
    EXPECT_TRUE(idle.tls().cleanEnd());
}

}  // namespace
}  // namespace evergate::test
