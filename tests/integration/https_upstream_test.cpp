// SPDX-License-Identifier: Apache-2.0
// TLS to endpoints: whom we trust, what name is asked for, what is shared and what never is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <mutex>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class HttpsUpstream : public testing::Test {
protected:
    HttpsUpstream() {
        CertificateRequest request;
        request.dnsNames = {"shop.internal"};
        request.addresses = {"127.0.0.1"};
        options.certificates = {authority.issue(request)};
        backend.protocol = model::BackendProtocol::https;
    }

    void verify(const std::string& name) {
        backend.tlsVerify = true;
        backend.tlsAuthorities = authority.certificatePem();
        backend.tlsServerName = name;
    }

    // Answers over TLS, with the name it was asked for.
    ScriptedEndpoint::Script answerSecurely() {
        return [this](RawConnection& connection, int) {
            if (!connection.secureAsServer(options))
                return;
            note(connection.tls());
            while (connection.readUntil("\r\n\r\n").ends_with("\r\n\r\n")) {
                const std::string body = connection.tls().serverName() + "|";
                if (!connection.send("HTTP/1.1 200 OK\r\nContent-Length: " +
                                     std::to_string(body.size()) + "\r\n\r\n" + body))
                    return;
            }
        };
    }

    // Outlives the proxy, whose pool keeps connections to it.
    ScriptedEndpoint& start(ScriptedEndpoint::Script script) {
        endpoints.push_back(std::make_unique<ScriptedEndpoint>(std::move(script)));
        return *endpoints.back();
    }

    void note(const TlsPeer& peer) {
        const std::lock_guard lock(mutex);
        resumed.push_back(peer.resumed());
    }

    RawConnection::Response ask(RawConnection& client, const std::string& host = "example.com") {
        client.send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
        return client.readResponse();
    }

    std::uint64_t errors(http::ProxyError error) {
        return proxy.counters().errors[static_cast<std::size_t>(error)];
    }

    TemporaryAuthority authority;
    TlsOptions options;
    model::Backend backend;
    std::mutex mutex;
    std::vector<bool> resumed;
    std::vector<std::unique_ptr<ScriptedEndpoint>> endpoints;
    ProxyFixture proxy;
};

TEST_F(HttpsUpstream, ReachesAnEndpointItTrusts) {
    verify("shop.internal");
    ScriptedEndpoint& endpoint = start(answerSecurely());
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    for (int i = 0; i < 5; ++i) {
        const auto response = ask(client);
        ASSERT_EQ(response.status, 200);
        ASSERT_EQ(response.body, "shop.internal|");
    }
    EXPECT_EQ(endpoint.accepted(), 1);
}

TEST_F(HttpsUpstream, SendsTheHostOfTheRequestAsServerName) {
    ScriptedEndpoint& endpoint = start(answerSecurely());
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    EXPECT_EQ(ask(client, "one.test:8443").body, "one.test|");
    EXPECT_EQ(ask(client, "two.test").body, "two.test|") << "not the connection of another name";
    EXPECT_EQ(ask(client, "one.test").body, "one.test|");
    EXPECT_EQ(ask(client, "two.test.:443").body, "two.test|");
    EXPECT_EQ(ask(client, "127.0.0.1").body, "|") << "addresses are no server names";
    EXPECT_EQ(ask(client, "[::1]:80").body, "|");
    EXPECT_EQ(endpoint.accepted(), 4);
}

// The endpoint answers with the name in the certificate it is shown.
TEST_F(HttpsUpstream, ShowsItsCertificateToWhoAsks) {
    ScriptedEndpoint& endpoint = start([this](RawConnection& connection, int) {
        TlsOptions asking = options;
        asking.authorities = authority.certificatePem();
        if (!connection.secureAsServer(asking))
            return;
        const std::string name = connection.tls().commonName() + "|";
        while (connection.readUntil("\r\n\r\n").ends_with("\r\n\r\n")) {
            if (!connection.send("HTTP/1.1 200 OK\r\nContent-Length: " +
                                 std::to_string(name.size()) + "\r\n\r\n" + name))
                return;
        }
    });
    const auto put = [this](const std::string& name) {
        const CertificateAndKey pair = authority.issue({name});
        proxy.setCertificate("ours", {{}, pair.certificatePem, pair.keyPem, "", {}});
    };
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    EXPECT_EQ(ask(client).body, "|");
    put("us");
    backend.tlsCertificate = "ours";
    proxy.serve({endpoint.port()}, backend);
    EXPECT_EQ(ask(client).body, "us|");
    EXPECT_EQ(ask(client).body, "us|");
    EXPECT_EQ(endpoint.accepted(), 2);
    put("us again");
    proxy.publish();
    EXPECT_EQ(ask(client).body, "us again|") << "a connection under the old one is not used";
}

TEST_F(HttpsUpstream, RefusesACertificateForAnotherName) {
    verify("shop.other");
    ScriptedEndpoint& endpoint = start(answerSecurely());
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    const auto response = ask(client);
    EXPECT_EQ(response.status, 502);
    EXPECT_THAT(response.body, HasSubstr("not trusted"));
    EXPECT_EQ(errors(http::ProxyError::upstreamTlsVerify), 1u);
}

TEST_F(HttpsUpstream, RefusesAnUnknownAuthority) {
    verify("shop.internal");
    const TemporaryAuthority other("other authority");
    backend.tlsAuthorities = other.certificatePem();
    ScriptedEndpoint& endpoint = start(answerSecurely());
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    EXPECT_EQ(ask(client).status, 502);
    EXPECT_EQ(errors(http::ProxyError::upstreamTlsVerify), 1u);
    backend.tlsAuthorities.clear();  // the system's do not know it either
    proxy.serve({endpoint.port()}, backend);
    EXPECT_EQ(ask(client).status, 502);
    EXPECT_EQ(errors(http::ProxyError::upstreamTlsVerify), 2u);
}

TEST_F(HttpsUpstream, VerifiesAnAddressByTheCertificatesAddresses) {
    verify("127.0.0.1");
    ScriptedEndpoint& endpoint = start(answerSecurely());
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    EXPECT_EQ(ask(client).status, 200);
    backend.tlsServerName = "127.0.0.2";
    proxy.serve({endpoint.port()}, backend);
    EXPECT_EQ(ask(client).status, 502);
}

TEST_F(HttpsUpstream, TriesAnotherEndpointAfterAFailedHandshake) {
    ScriptedEndpoint& good = start(answerSecurely());
    ScriptedEndpoint& plain = start([](RawConnection& connection, int) {
        connection.readUntil("\n");
        connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    backend.retries = 1;
    proxy.serve({good.port(), plain.port()}, backend);
    RawConnection client = proxy.client();
    for (int i = 0; i < 6; ++i)
        EXPECT_EQ(ask(client, "h" + std::to_string(i) + ".test").status, 200);
    EXPECT_GE(plain.accepted(), 1);
    EXPECT_GE(proxy.counters().retries, 1u);
    backend.retries = 0;
    proxy.serve({plain.port()}, backend);
    EXPECT_EQ(ask(client).status, 502);
    EXPECT_EQ(errors(http::ProxyError::upstreamTls), 1u);
}

// Whoever may name a host must not get endpoints out of use by one they do not serve.
TEST_F(HttpsUpstream, AnEndpointsRefusalOfTheClientsHostIsNotHeldAgainstIt) {
    options.context = serverContext(options);
    SSL_CTX_set_tlsext_servername_callback(
        options.context.get(), +[](SSL* ssl, int* alert, void*) {
            *alert = SSL_AD_UNRECOGNIZED_NAME;
            const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
            return name != nullptr && std::string_view(name) == "known.test"
                       ? SSL_TLSEXT_ERR_OK
                       : SSL_TLSEXT_ERR_ALERT_FATAL;
        });
    ScriptedEndpoint& endpoint = start(answerSecurely());
    backend.retries = 0;
    proxy.serve({endpoint.port()}, backend);
    const auto failing = [&] { return proxy.backends().at(0).failing; };
    RawConnection client = proxy.client();
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(ask(client, "unknown.test").status, 502);
    EXPECT_EQ(errors(http::ProxyError::upstreamTls), 5u);
    EXPECT_EQ(failing(), 0u);
    EXPECT_EQ(ask(client, "known.test").status, 200);
    // A name that is configured is no client's.
    backend.tlsServerName = "unknown.test";
    proxy.serve({endpoint.port()}, backend);
    EXPECT_TRUE(proxy.eventually(
        [&] { return ask(client, "known.test").status == 502 && failing() == 1; }));
}

TEST_F(HttpsUpstream, CountsAHandshakeAsPartOfTheConnectTimeout) {
    RawListener silent;
    backend.connectTimeout = std::chrono::milliseconds(300);
    backend.retries = 0;
    proxy.serve({silent.port()}, backend);
    RawConnection client = proxy.client();
    EXPECT_EQ(ask(client).status, 504);
    EXPECT_EQ(errors(http::ProxyError::connectTimeout), 1u);
}

TEST_F(HttpsUpstream, NeverReusesAConnectionMadeUnderAnotherPolicy) {
    ScriptedEndpoint& endpoint = start(answerSecurely());
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    EXPECT_EQ(ask(client, "shop.internal").status, 200);
    EXPECT_EQ(ask(client, "shop.internal").status, 200);
    EXPECT_EQ(endpoint.accepted(), 1);
    verify("");
    proxy.serve({endpoint.port()}, backend);
    EXPECT_EQ(ask(client, "shop.internal").status, 200);
    EXPECT_EQ(endpoint.accepted(), 2) << "the first connection was never verified";
    EXPECT_EQ(ask(client, "else.internal").status, 502);
}

TEST_F(HttpsUpstream, ResumesSessionsOfTheSameName) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        options.maxVersion = version;
        options.context = serverContext(options);
        ScriptedEndpoint& endpoint = start([this](RawConnection& connection, int) {
            if (!connection.secureAsServer(options))
                return;
            note(connection.tls());
            connection.readUntil("\r\n\r\n");
            connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            connection.readAll();
        });
        resumed.clear();
        proxy.serve({endpoint.port()}, backend);
        RawConnection client = proxy.client();
        for (const std::string_view host : {"one.test", "one.test", "one.test", "two.test"})
            EXPECT_EQ(ask(client, std::string(host)).status, 200);
        const std::lock_guard lock(mutex);
        EXPECT_THAT(resumed, ElementsAre(false, true, true, false));
    }
}

TEST_F(HttpsUpstream, ReportsAResponseCutOffWithoutNotice) {
    ScriptedEndpoint& endpoint = start([this](RawConnection& connection, int index) {
        if (!connection.secureAsServer(options))
            return;
        connection.readUntil("\r\n\r\n");
        connection.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
        if (index == 0)
            connection.shutdownWrite();  // says goodbye; the next one just goes
        ::shutdown(connection.fd(), 2);
    });
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    auto response = ask(client);
    EXPECT_TRUE(response.complete);
    EXPECT_EQ(response.body, "until the end");
    response = ask(client);
    EXPECT_FALSE(response.complete) << "anybody could have sent that FIN";
    EXPECT_EQ(errors(http::ProxyError::upstreamTruncated), 1u);
}

TEST_F(HttpsUpstream, CarriesLargeBodiesBothWaysFromTlsToTls) {
    const std::string body(6 * 1024 * 1024, 'b');
    ScriptedEndpoint& endpoint = start([this](RawConnection& connection, int) {
        if (!connection.secureAsServer(options))
            return;
        for (std::string head; (head = connection.readUntil("\r\n\r\n")).size() > 4;) {
            const std::size_t size =
                std::strtoul(head.c_str() + head.find("Content-Length: ") + 16, nullptr, 10);
            const std::string all = connection.readExactly(size);
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) +
                            "\r\n\r\n" + all);
        }
    });
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = RawConnection::connect(proxy.openSecureListener());
    ASSERT_TRUE(client.secure({}));
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                std::to_string(body.size()) + "\r\n\r\n" + body));
        ASSERT_TRUE(client.readResponse().body == body);
    }
    EXPECT_EQ(endpoint.accepted(), 1);
}

}  // namespace
}  // namespace evergate::test
