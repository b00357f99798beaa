// SPDX-License-Identifier: Apache-2.0
// TLS that passes through by the name it asks for: whose certificate is shown, what a ClientHello
// may look like, what else holds for such connections as for those of tcp listeners.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "tests/support/access_log_file.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using http::ProxyError;
using net::HandshakeFailure;
using testing::HasSubstr;
using Next = RawConnection::Next;

// A TLS client whose bytes the test holds: it decides how they are cut.
class TlsByHand {
public:
    explicit TlsByHand(const std::string& serverName, const std::string& protocols = {})
        : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
          ssl_(SSL_new(context_.get()), SSL_free) {
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_tlsext_host_name(ssl_.get(), serverName.c_str());
        if (!protocols.empty())
            SSL_set_alpn_protos(ssl_.get(),
                                reinterpret_cast<const unsigned char*>(protocols.data()),
                                static_cast<unsigned>(protocols.size()));
        SSL_set_connect_state(ssl_.get());
    }

    std::string hello() {
        SSL_do_handshake(ssl_.get());
        return written();
    }

    // Sends at most `piece` bytes at a time.
    bool handshake(RawConnection& connection, std::size_t piece) {
        const int on = 1;
        ::setsockopt(connection.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        for (;;) {
            const int done = SSL_do_handshake(ssl_.get());
            const std::string out = written();
            for (std::size_t at = 0; at < out.size(); at += piece) {
                if (!connection.send(out.substr(at, piece)))
                    return false;
            }
            if (done == 1)
                return true;
            char bytes[4096];
            const ssize_t got = ::recv(connection.fd(), bytes, sizeof bytes, 0);
            if (got <= 0)
                return false;
            BIO_write(SSL_get_rbio(ssl_.get()), bytes, static_cast<int>(got));
        }
    }

    std::string commonName() const {
        const std::unique_ptr<X509, decltype(&X509_free)> peer(
            SSL_get1_peer_certificate(ssl_.get()), X509_free);
        char name[256] = "";
        X509_NAME_get_text_by_NID(X509_get_subject_name(peer.get()), NID_commonName, name,
                                  sizeof name);
        return name;
    }

private:
    std::string written() {
        char* data = nullptr;
        BIO* const bio = SSL_get_wbio(ssl_.get());
        const long size = BIO_get_mem_data(bio, &data);
        std::string out(data, static_cast<std::size_t>(size));
        BIO_reset(bio);
        return out;
    }

    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

class SniPassthrough : public testing::Test {
protected:
    SniPassthrough() {
        proxy.serve({plain.port()});
        CertificateRequest ours;
        ours.commonName = "ours";
        const CertificateAndKey pair = authority.issue(ours);
        proxy.setCertificate("ours", {{}, pair.certificatePem, pair.keyPem, "Secret test/ours"});
        proxy.settings().defaultCertificate = "ours";
        port = proxy.openSecureListener();
    }

    TlsOptions endpointOptions() const {
        CertificateRequest theirs;
        theirs.commonName = "theirs";
        TlsOptions options;
        options.certificates = {authority.issue(theirs)};
        return options;
    }

    static TlsOptions asking(const std::string& host) {
        TlsOptions options;
        options.serverName = host;
        return options;
    }

    std::string shown(const std::string& host) {
        RawConnection client = RawConnection::connect(port);
        EXPECT_TRUE(client.secure(asking(host))) << client.tlsError();
        return client.tls().commonName();
    }

    std::string shownByHand(TlsByHand tls, std::size_t piece) {
        RawConnection client = RawConnection::connect(port);
        return tls.handshake(client, piece) ? tls.commonName() : "no handshake";
    }

    std::uint64_t errors(ProxyError error) {
        return proxy.counters().errors[static_cast<std::size_t>(error)];
    }

    std::uint64_t failed(HandshakeFailure failure) {
        return proxy.counters().tls.failed[static_cast<std::size_t>(failure)];
    }

    AccessLogFile log{"sni_passthrough"};
    TemporaryAuthority authority;
    TlsOptions server = endpointOptions();
    ScriptedEndpoint plain{answerAll("terminated")};
    ScriptedEndpoint endpoint{[this](RawConnection& connection, int index) {
        if (connection.secureAsServer(server))
            answerAll("passed through")(connection, index);
    }};
    RawListener raw;  // an endpoint that looks at the bytes
    ProxyFixture proxy{{}, log.options()};
    std::uint16_t port = 0;
};

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: through.test\r\n\r\n";

TEST_F(SniPassthrough, ShowsTheCertificateOfTheEndpoint) {
    proxy.passThrough("through.test", {endpoint.port()});
    EXPECT_EQ(shown("through.test"), "theirs");
    EXPECT_EQ(shown("THROUGH.Test"), "theirs");
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(client.secure(asking("through.test")));
    ASSERT_TRUE(client.send(kGet));
    EXPECT_EQ(client.readResponse().body, "passed through");
    EXPECT_EQ(proxy.counters().tls.done[1][0], 0u) << "none of them ended here";
}

TEST_F(SniPassthrough, EndsTlsForEveryOtherName) {
    proxy.passThrough("through.test", {endpoint.port()});
    for (const char* const host : {"other.test", "a.through.test", ""}) {
        RawConnection client = RawConnection::connect(port);
        ASSERT_TRUE(client.secure(asking(host))) << client.tlsError();
        EXPECT_EQ(client.tls().commonName(), "ours") << host;
        ASSERT_TRUE(client.send(kGet));
        EXPECT_EQ(client.readResponse().body, "terminated") << host;
    }
    EXPECT_EQ(proxy.counters().accepted, 3u) << "each once, whoever had it in between";
}

TEST_F(SniPassthrough, WildcardsAreOneLabelAndTakeNoHostWithRoutesOfItsOwn) {
    proxy.route().host = "own.wild.test";
    proxy.passThrough("*.wild.test", {endpoint.port()});
    EXPECT_EQ(shown("a.wild.test"), "theirs");
    EXPECT_EQ(shown("a.b.wild.test"), "ours");
    EXPECT_EQ(shown("wild.test"), "ours");
    EXPECT_EQ(shown("own.wild.test"), "ours");
}

TEST_F(SniPassthrough, HostsThatPassThroughAreNoRouteForRequests) {
    proxy.route().host = "own.test";
    proxy.passThrough("through.test", {endpoint.port()});
    RawConnection client = proxy.client();
    ASSERT_TRUE(client.send(kGet));
    EXPECT_EQ(client.readResponse().status, 404);
    RawConnection fronted = RawConnection::connect(port);
    ASSERT_TRUE(fronted.secure(asking("own.test")));
    ASSERT_TRUE(fronted.send(kGet));
    EXPECT_EQ(fronted.readResponse().status, 404);
}

TEST_F(SniPassthrough, ClientHellosComeInAnyPieces) {
    proxy.passThrough("through.test", {endpoint.port()});
    for (const std::size_t piece : {1, 7, 100}) {
        EXPECT_EQ(shownByHand(TlsByHand("through.test"), piece), "theirs") << piece;
        EXPECT_EQ(shownByHand(TlsByHand("other.test"), piece), "ours") << piece;
    }
}

TEST_F(SniPassthrough, ClientHellosMayBeBig) {
    proxy.passThrough("through.test", {endpoint.port()});
    const std::string protocol = '\xC8' + std::string(200, 'p');
    std::string protocols = "\x08http/1.1";
    while (protocols.size() < 12'000)
        protocols += protocol;
    EXPECT_EQ(shownByHand(TlsByHand("through.test", protocols), 4'000), "theirs");
    EXPECT_EQ(shownByHand(TlsByHand("other.test", protocols), 4'000), "ours");
    while (protocols.size() < 20'000)
        protocols += protocol;
    EXPECT_EQ(shownByHand(TlsByHand("through.test", protocols), 4'000), "ours")
        << "beyond what is looked at";
}

TEST_F(SniPassthrough, WhatIsNoClientHelloIsForTlsToRefuse) {
    proxy.passThrough("through.test", {endpoint.port()});
    RawConnection http = RawConnection::connect(port);
    ASSERT_TRUE(http.send(kGet));
    EXPECT_EQ(http.readResponse().status, 400);
    RawConnection ssh = RawConnection::connect(port);
    ASSERT_TRUE(ssh.send("SSH-2.0-OpenSSH_9.2\r\n"));
    ssh.readAll();
    ssh.close();
    RawConnection junk = RawConnection::connect(port);
    ASSERT_TRUE(junk.send(std::string_view("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10)));
    EXPECT_TRUE(junk.readAll().starts_with("\x15\x03")) << "an alert";
    junk.close();
    RawConnection cut = RawConnection::connect(port);
    ASSERT_TRUE(cut.send(TlsByHand("through.test").hello().substr(0, 100)));
    cut.shutdownWrite();
    cut.readAll();
    cut.close();
    http.close();
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(failed(HandshakeFailure::plainHttp), 1u);
    EXPECT_EQ(failed(HandshakeFailure::closed), 1u);
}

TEST_F(SniPassthrough, ClientHellosHaveADeadline) {
    proxy.settings().handshakeTimeout = std::chrono::milliseconds(300);
    proxy.passThrough("through.test", {endpoint.port()});
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(client.send(TlsByHand("through.test").hello().substr(0, 100)));
    EXPECT_NE(client.next(), Next::nothing);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(failed(HandshakeFailure::timeout), 1u);
    ASSERT_TRUE(proxy.eventually([&] { return log.lines().size() == 1; }));
    EXPECT_EQ(log.lines()[0]["error"], "client_tls");
    EXPECT_EQ(log.lines()[0]["tls_failure"], "timeout");
}

// What was left of it when the name was known.
TEST_F(SniPassthrough, TheDeadlineIsThatOfTheWholeHandshake) {
    using std::chrono::milliseconds;
    using std::chrono::steady_clock;
    proxy.passThrough("through.test", {endpoint.port()});
    for (milliseconds whole(1'000); whole < milliseconds(10'000); whole *= 2) {
        proxy.settings().handshakeTimeout = whole;
        proxy.publish();
        const std::string hello = TlsByHand("a.test").hello();
        const auto accepted = steady_clock::now();
        RawConnection client = RawConnection::connect(port);
        ASSERT_TRUE(client.send(hello.substr(0, 20)));
        ASSERT_TRUE(proxy.eventually([&] { return steady_clock::now() - accepted > whole / 2; }));
        const auto named = steady_clock::now();
        client.send(hello.substr(20));
        const bool answered = !client.readAll().empty();
        // A slow machine needs more.
        if (answered && steady_clock::now() - named < whole * 3 / 4)
            return;
    }
    FAIL() << "it began anew with the name";
}

TEST_F(SniPassthrough, PassesEveryByteAndBothHalfCloses) {
    proxy.passThrough("through.test", {raw.port()});
    const std::string hello = TlsByHand("through.test").hello();
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(client.send(hello + "and what follows"));
    RawConnection upstream = raw.accept();
    EXPECT_EQ(upstream.readExactly(hello.size()), hello);
    EXPECT_EQ(upstream.readExactly(16), "and what follows");
    EXPECT_EQ(proxy.counters().tunnels, 1u);
    client.shutdownWrite();
    EXPECT_TRUE(upstream.eof());
    ASSERT_TRUE(upstream.send("late answer"));
    EXPECT_EQ(client.readExactly(11), "late answer");
    upstream.shutdownWrite();
    EXPECT_TRUE(client.eof());
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.counters().tcpConnections, 1u);
    ASSERT_TRUE(proxy.eventually([&] { return log.lines().size() == 1; }));
    const nlohmann::json line = log.lines()[0];
    EXPECT_EQ(line["protocol"], "TCP");
    EXPECT_EQ(line["route"], "through/through.test");
    EXPECT_EQ(line["backend"], "p");
    EXPECT_EQ(line["tls_server_name"], "through.test");
    EXPECT_EQ(line["bytes_in"], hello.size() + 16);
    EXPECT_EQ(line["error"], "");
}

TEST_F(SniPassthrough, PassesResetsOn) {
    proxy.passThrough("through.test", {raw.port()});
    for (const bool byClient : {true, false}) {
        const std::string hello = TlsByHand("through.test").hello();
        RawConnection client = RawConnection::connect(port);
        ASSERT_TRUE(client.send(hello));
        RawConnection upstream = raw.accept();
        EXPECT_EQ(upstream.readExactly(hello.size()), hello);
        (byClient ? client : upstream).reset();
        EXPECT_EQ((byClient ? upstream : client).next(), Next::reset);
        EXPECT_TRUE(proxy.eventuallyQuiet());
    }
}

TEST_F(SniPassthrough, WithoutEndpointsTheConnectionIsReset) {
    proxy.passThrough("through.test", {});
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(client.send(TlsByHand("through.test").hello()));
    EXPECT_EQ(client.next(), Next::reset);
    EXPECT_EQ(errors(ProxyError::noEndpoint), 1u);
}

TEST_F(SniPassthrough, ServesTheListedNetworksOnly) {
    model::Route restricted;
    restricted.restrictSources = true;
    restricted.allowSources = {"10.0.0.0/8"};
    proxy.passThrough("through.test", {endpoint.port()}, restricted);
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(client.send(TlsByHand("through.test").hello()));
    EXPECT_EQ(client.next(), Next::reset);
    EXPECT_EQ(errors(ProxyError::forbiddenSource), 1u);
    EXPECT_EQ(shown("other.test"), "ours");
    restricted.allowSources = {"127.0.0.0/8"};
    proxy.passThrough("through.test", {endpoint.port()}, restricted);
    EXPECT_EQ(shown("through.test"), "theirs");
}

TEST_F(SniPassthrough, CountsEachConnectionOfAClientOnce) {
    proxy.settings().maxConnectionsPerClient = 2;
    proxy.passThrough("through.test", {endpoint.port()});
    for (int round = 0; round < 3; ++round) {
        RawConnection one = RawConnection::connect(port);
        ASSERT_TRUE(one.secure(asking("through.test")));
        RawConnection two = RawConnection::connect(port);
        ASSERT_TRUE(two.secure(asking("other.test")));
        RawConnection three = RawConnection::connect(port);
        EXPECT_FALSE(three.secure(asking("through.test")));
        one.close();
        two.close();
        ASSERT_TRUE(proxy.eventuallyQuiet());
    }
}

TEST_F(SniPassthrough, ComesAfterAndGoesOnWithThePROXYProtocol) {
    proxy.listener("https").proxyProtocolFrom = {"127.0.0.1"};
    proxy.passthroughBackend().proxyProtocol = model::ProxyProtocol::v2;
    model::Route restricted;
    restricted.restrictSources = true;
    restricted.allowSources = {"192.0.2.0/24"};
    proxy.passThrough("through.test", {raw.port()}, restricted);
    const std::string hello = TlsByHand("through.test").hello();
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(client.send("PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\n" + hello));
    RawConnection upstream = raw.accept();
    const std::string fixed = upstream.readExactly(16);
    ASSERT_EQ(fixed.size(), 16u);
    const std::string rest = upstream.readExactly(static_cast<unsigned char>(fixed[14]) * 256U +
                                                  static_cast<unsigned char>(fixed[15]));
    EXPECT_EQ(rest.substr(0, 8), std::string("\xC0\x00\x02\x09\xC6\x33\x64\x01", 8));
    EXPECT_THAT(rest, HasSubstr("through.test")) << "the authority";
    EXPECT_EQ(upstream.readExactly(hello.size()), hello);
    RawConnection stranger = RawConnection::connect(port);
    ASSERT_TRUE(stranger.send("PROXY TCP4 203.0.113.1 198.51.100.1 1 2\r\n" + hello));
    EXPECT_EQ(stranger.next(), Next::reset);
}

TEST_F(SniPassthrough, DrainsWhoeverHasNotSaidWhereTo) {
    proxy.passThrough("through.test", {raw.port()});
    const std::string hello = TlsByHand("through.test").hello();
    RawConnection passing = RawConnection::connect(port);
    ASSERT_TRUE(passing.send(hello));
    RawConnection upstream = raw.accept();
    RawConnection waiting = RawConnection::connect(port);
    ASSERT_TRUE(waiting.send(hello.substr(0, 100)));
    ASSERT_TRUE(proxy.eventuallyIn("tls_handshake"));
    EXPECT_EQ(proxy.drain(std::chrono::milliseconds(500)), 2u);
    EXPECT_NE(passing.next(), Next::nothing);
    EXPECT_NE(waiting.next(), Next::nothing);
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

}  // namespace
}  // namespace evergate::test
