// SPDX-License-Identifier: Apache-2.0
// Client certificates: who is asked, who is let in, what endpoints are told, and that neither a
// resumed session nor another host's handshake opens a host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <mutex>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using model::ClientCertificates;
using net::HandshakeFailure;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Hosts "open.test" (asks nobody), "closed.test" and "other.test" (each its own rules), one route.
class ClientCertificateTest : public testing::Test {
protected:
    ClientCertificateTest() {
        endpoint = std::make_unique<ScriptedEndpoint>([this](RawConnection& connection, int) {
            for (std::string head; (head = connection.readUntil("\r\n\r\n")).size() > 4;) {
                {
                    const std::lock_guard lock(mutex);
                    seen = head;
                }
                if (!connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
                    return;
            }
        });
        proxy.serve({endpoint->port()});
        put("open.test", {});
        put("closed.test", rules(ClientCertificates::required, trusted));
        put("other.test", rules(ClientCertificates::required, foreign));
        mine = trusted.issue({"somebody"});
        port = proxy.openSecureListener();
    }

    static model::ClientVerification rules(ClientCertificates mode,
                                           const TemporaryAuthority& authority) {
        model::ClientVerification value;
        value.mode = mode;
        value.authorities = authority.certificatePem();
        return value;
    }

    void put(const std::string& host, model::ClientVerification clients) {
        auto& pair = pairs[host];
        if (pair.keyPem.empty()) {
            CertificateRequest request;
            request.dnsNames = {host};
            pair = servers.issue(request);
        }
        proxy.setCertificate(host, {{host}, pair.certificatePem, pair.keyPem, "", clients});
    }

    // A connection that shows `pair`; null: none.
    TlsOptions asking(const std::string& host, const CertificateAndKey* pair,
                      int version = TLS1_3_VERSION) const {
        TlsOptions options;
        options.serverName = host;
        options.minVersion = options.maxVersion = version;
        if (pair != nullptr)
            options.certificates = {*pair};
        return options;
    }

    // The ways in which a session is kept: by ticket of either version, or by the server.
    struct Kind {
        int version;
        bool tickets;
    };

    static constexpr std::array<Kind, 3> kKinds{
        {{TLS1_2_VERSION, true}, {TLS1_3_VERSION, true}, {TLS1_2_VERSION, false}}};

    TlsOptions asking(const std::string& host, const CertificateAndKey* pair, Kind kind) const {
        TlsOptions options = asking(host, pair, kind.version);
        options.tickets = kind.tickets;
        return options;
    }

    // Of a connection over which a request was answered 200; null: it was not.
    auto sessionOf(const TlsOptions& options) {
        RawConnection client = RawConnection::connect(port);
        const bool good = client.secure(options) && ask(client, options.serverName) == 200;
        return good ? client.tls().session() : nullptr;
    }

    // `begin`: something of what makes a client good holds for so long from now on; the client.
    void expectSessionsToEnd(const std::function<CertificateAndKey(std::chrono::seconds)>& begin) {
        for (int seconds = 2; seconds <= 64; seconds *= 2) {  // a slow machine needs more
            const CertificateAndKey client = begin(std::chrono::seconds(seconds));
            std::vector<TlsOptions> kept;
            for (const Kind kind : kKinds) {
                kept.push_back(asking("closed.test", nullptr, kind));
                kept.back().session = sessionOf(asking("closed.test", &client, kind));
            }
            const auto resumes = [&](const TlsOptions& options) {
                return status(options, "closed.test") == 200;
            };
            if (!std::all_of(kept.begin(), kept.end(), resumes))
                continue;
            for (const TlsOptions& options : kept)
                EXPECT_TRUE(proxy.eventually([&] { return !resumes(options); }));
            return;
        }
        FAIL() << "no time was long enough";
    }

    // The status of a request over a connection of its own; 0: there was none. TLS 1.3 tells
    // clients only afterwards that they were refused.
    int status(const TlsOptions& options, const std::string& host) {
        RawConnection client = RawConnection::connect(port);
        return client.secure(options) ? ask(client, host) : 0;
    }

    int status(const std::string& host, const CertificateAndKey* pair) {
        return status(asking(host, pair), host);
    }

    static int ask(RawConnection& client, const std::string& host, const std::string& more = "") {
        client.send("GET / HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n");
        return client.readResponse().status;
    }

    std::uint64_t failed(HandshakeFailure failure) {
        return proxy.counters().tls.failed[static_cast<std::size_t>(failure)];
    }

    std::string told() {
        const std::lock_guard lock(mutex);
        return seen;
    }

    TemporaryAuthority servers{"servers"};
    TemporaryAuthority trusted{"trusted"};
    TemporaryAuthority foreign{"foreign"};
    CertificateAndKey mine;
    std::map<std::string, CertificateAndKey> pairs;
    std::mutex mutex;
    std::string seen;
    std::unique_ptr<ScriptedEndpoint> endpoint;
    ProxyFixture proxy;
    std::uint16_t port = 0;
};

TEST_F(ClientCertificateTest, RequiredLetsInWhoShowsAGoodOne) {
    const CertificateAndKey stranger = foreign.issue({"stranger"});
    CertificateRequest request;
    request.lifetime = -std::chrono::hours(1);
    const CertificateAndKey expired = trusted.issue(request);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        EXPECT_EQ(status(asking("closed.test", &mine, version), "closed.test"), 200);
        EXPECT_EQ(status(asking("closed.test", nullptr, version), "closed.test"), 0);
        EXPECT_EQ(status(asking("closed.test", &stranger, version), "closed.test"), 0);
        EXPECT_EQ(status(asking("closed.test", &expired, version), "closed.test"), 0);
        EXPECT_EQ(status(asking("open.test", nullptr, version), "open.test"), 200);
        EXPECT_EQ(status(asking("open.test", &stranger, version), "open.test"), 200);
    }
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(failed(HandshakeFailure::noCertificate), 2u);
    EXPECT_EQ(failed(HandshakeFailure::verification), 4u);
}

TEST_F(ClientCertificateTest, OptionalServesWhoShowsNoneButNobodyUnknown) {
    put("closed.test", rules(ClientCertificates::optional, trusted));
    proxy.publish();
    const CertificateAndKey stranger = foreign.issue({"stranger"});
    EXPECT_EQ(status("closed.test", nullptr), 200);
    EXPECT_EQ(status("closed.test", &mine), 200);
    EXPECT_EQ(status("closed.test", &stranger), 0);
}

TEST_F(ClientCertificateTest, WithoutAuthoritiesLetsNobodyIn) {
    model::ClientVerification nobody;
    nobody.mode = ClientCertificates::required;
    put("closed.test", nobody);
    proxy.publish();
    EXPECT_EQ(status("closed.test", &mine), 0);
    EXPECT_EQ(status("closed.test", nullptr), 0);
    EXPECT_EQ(status("open.test", nullptr), 200);
}

TEST_F(ClientCertificateTest, CountsIntermediatesAsDepth) {
    const TemporaryAuthority middle("middle", &trusted);
    CertificateAndKey below = middle.issue({"below"});
    below.certificatePem += middle.certificatePem();
    auto wanted = rules(ClientCertificates::required, trusted);
    wanted.depth = 0;
    put("closed.test", wanted);
    proxy.publish();
    EXPECT_EQ(status("closed.test", &below), 0);
    EXPECT_EQ(status("closed.test", &mine), 200);
    wanted.depth = 1;
    put("closed.test", wanted);
    proxy.publish();
    EXPECT_EQ(status("closed.test", &below), 200);
    // An intermediate authority alone is one, too.
    put("closed.test", rules(ClientCertificates::required, middle));
    proxy.publish();
    EXPECT_EQ(status("closed.test", &below), 200);
    EXPECT_EQ(status("closed.test", &mine), 0);
}

TEST_F(ClientCertificateTest, TurnsRevokedOnesAway) {
    const CertificateAndKey revoked = trusted.issue({"revoked"});
    auto wanted = rules(ClientCertificates::required, trusted);
    wanted.revocations = trusted.revoke({revoked.certificatePem});
    put("closed.test", wanted);
    proxy.publish();
    EXPECT_EQ(status("closed.test", &mine), 200);
    EXPECT_EQ(status("closed.test", &revoked), 0);
    // As one of many.
    wanted.revocations = trusted.revoke(std::vector<std::string>(5'000, revoked.certificatePem));
    EXPECT_GT(wanted.revocations.size(), 150'000u);
    put("closed.test", wanted);
    proxy.publish();
    EXPECT_EQ(status("closed.test", &mine), 200);
    EXPECT_EQ(status("closed.test", &revoked), 0);
    wanted.revocations = trusted.revoke({}, -std::chrono::hours(1));
    put("closed.test", wanted);
    proxy.publish();
    EXPECT_EQ(status("closed.test", &mine), 0) << "a list that is out of its time says nothing";
    wanted.revocations = foreign.revoke({});
    put("closed.test", wanted);
    proxy.publish();
    EXPECT_EQ(status("closed.test", &mine), 0) << "nor does that of somebody else";
}

// A session that another host granted, or the same under other rules, is not resumed.
TEST_F(ClientCertificateTest, SessionsDoNotCarryOver) {
    for (const Kind kind : kKinds) {
        const auto open = sessionOf(asking("open.test", nullptr, kind));
        const auto closed = sessionOf(asking("closed.test", &mine, kind));
        ASSERT_TRUE(open && closed);

        TlsOptions again = asking("closed.test", nullptr, kind);
        again.session = closed;
        RawConnection client = RawConnection::connect(port);
        ASSERT_TRUE(client.secure(again)) << client.tlsError();
        EXPECT_EQ(ask(client, "closed.test"), 200) << "resumed with what was verified before";
        EXPECT_TRUE(client.tls().resumed());

        again.session = open;
        EXPECT_EQ(status(again, "closed.test"), 0) << "another host's session";
        TlsOptions elsewhere = asking("other.test", nullptr, kind);
        elsewhere.session = closed;
        EXPECT_EQ(status(elsewhere, "other.test"), 0) << "verified by others";
        elsewhere = asking("open.test", nullptr, kind);
        elsewhere.session = closed;
        client = RawConnection::connect(port);
        ASSERT_TRUE(client.secure(elsewhere)) << client.tlsError();
        EXPECT_FALSE(client.tls().resumed());

        auto changed = rules(ClientCertificates::required, trusted);
        changed.revocations = trusted.revoke({});
        put("closed.test", changed);
        proxy.publish();
        again.session = closed;
        EXPECT_EQ(status(again, "closed.test"), 0) << "the rules are others now";
        put("closed.test", rules(ClientCertificates::required, trusted));
        proxy.publish();
    }
}

// Nor one whose certificate has come to its end, however it is kept.
TEST_F(ClientCertificateTest, SessionsEndWithTheCertificate) {
    expectSessionsToEnd([&](std::chrono::seconds lifetime) {
        CertificateRequest request;
        request.lifetime = lifetime;
        return trusted.issue(request);
    });
}

TEST_F(ClientCertificateTest, SessionsEndWithTheListOfRevocations) {
    expectSessionsToEnd([&](std::chrono::seconds lifetime) {
        auto wanted = rules(ClientCertificates::required, trusted);
        wanted.revocations = trusted.revoke({}, lifetime);
        put("closed.test", wanted);
        proxy.publish();
        return mine;
    });
}

TEST_F(ClientCertificateTest, AnotherHostsHandshakeOpensNothing) {
    proxy.route().clientCertificates = ClientCertificates::required;
    proxy.publish();
    const CertificateAndKey stranger = foreign.issue({"stranger"});
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(client.secure(asking("open.test", nullptr)));
    EXPECT_EQ(ask(client, "closed.test"), 421);
    EXPECT_TRUE(client.eof()) << "the next request makes a handshake of its own";
    EXPECT_EQ(status(asking("other.test", &stranger), "other.test"), 200);
    EXPECT_EQ(status(asking("other.test", &stranger), "closed.test"), 421);
    EXPECT_EQ(status(asking("closed.test", &mine), "CLOSED.test."), 200);
    EXPECT_EQ(status(asking("", nullptr), "closed.test"), 421);
    RawConnection plain = proxy.client();
    EXPECT_EQ(ask(plain, "closed.test"), 421);
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.counters().errors[static_cast<std::size_t>(http::ProxyError::clientUnverified)],
              4u);
}

// Open connections too: what they were verified by is not what holds now.
TEST_F(ClientCertificateTest, NewRulesHoldForOpenConnections) {
    proxy.route().clientCertificates = ClientCertificates::required;
    proxy.publish();
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(client.secure(asking("closed.test", &mine)));
    EXPECT_EQ(ask(client, "closed.test"), 200);
    proxy.publish();
    EXPECT_EQ(ask(client, "closed.test"), 200);
    put("closed.test", rules(ClientCertificates::required, foreign));
    proxy.publish();
    EXPECT_EQ(ask(client, "closed.test"), 421);
}

TEST_F(ClientCertificateTest, TellsTheEndpointWhoItIs) {
    put("closed.test", rules(ClientCertificates::optional, trusted));
    proxy.route().clientCertificates = ClientCertificates::optional;
    proxy.route().clientCertificateHeaders = true;
    proxy.route().requestHeadersSet = {{"x-ssl-client-verify", "EDITED"}, {"x-own", "kept"}};
    proxy.publish();
    const std::string lies =
        "X-SSL-Client-Verify: SUCCESS\r\nx_ssl_client_subject: CN=root\r\n"
        "X-Ssl-Client-Anything: x\r\nX-SSL-Clients: kept\r\n";
    const CertificateAndKey odd = trusted.issue({"Zo\xc3\xab, \r\nX-Admin: 1"});
    RawConnection client = RawConnection::connect(port);
    ASSERT_TRUE(client.secure(asking("closed.test", &odd)));
    EXPECT_EQ(ask(client, "closed.test", lies), 200);
    EXPECT_THAT(told(), AllOf(HasSubstr("X-SSL-Client-Verify: SUCCESS\r\n"),
                              HasSubstr("X-SSL-Client-Subject: CN=Zo\\C3\\AB\\, \\0D\\0AX-Admin"),
                              HasSubstr("X-SSL-Client-Issuer: CN=trusted\r\n"),
                              HasSubstr("X-SSL-Client-Serial: "), HasSubstr("x-own: kept\r\n"),
                              HasSubstr("X-SSL-Clients: kept\r\n")));
    EXPECT_THAT(told(), testing::ContainsRegex("X-SSL-Client-Fingerprint: [0-9a-f]{64}\r\n"));
    EXPECT_THAT(told(), AllOf(Not(HasSubstr("root")), Not(HasSubstr("Anything")),
                              Not(HasSubstr("EDITED")), Not(HasSubstr("\nX-Admin"))));

    client = RawConnection::connect(port);
    ASSERT_TRUE(client.secure(asking("closed.test", nullptr)));
    EXPECT_EQ(ask(client, "closed.test", lies), 200);
    EXPECT_THAT(told(), AllOf(HasSubstr("X-SSL-Client-Verify: NONE\r\n"), Not(HasSubstr("SUCCESS")),
                              Not(HasSubstr("ubject"))));
    EXPECT_EQ(status(asking("open.test", &mine), "closed.test"), 200);
    EXPECT_THAT(told(), HasSubstr("X-SSL-Client-Verify: NONE\r\n")) << "it was not verified";
}

TEST_F(ClientCertificateTest, TheDefaultCertificateMayAskToo) {
    proxy.settings().defaultCertificate = "closed.test";
    proxy.publish();
    EXPECT_EQ(status(asking("", nullptr), "any.test"), 0);
    EXPECT_EQ(status(asking("", &mine), "any.test"), 200);
    EXPECT_EQ(status("open.test", nullptr), 200) << "a host of its own asks for nothing";
}

TEST_F(ClientCertificateTest, OfTwoValuesForOneHostBothHold) {
    CertificateRequest request;
    request.dnsNames = {"closed.test"};
    request.rsa = true;
    const CertificateAndKey rsa = servers.issue(request);
    proxy.setCertificate("closed.rsa", {{"closed.test"}, rsa.certificatePem, rsa.keyPem, "", {}});
    proxy.publish();
    EXPECT_EQ(status("closed.test", nullptr), 0) << "one asks, the other does not say";
    EXPECT_EQ(status("closed.test", &mine), 200);
    proxy.setCertificate("closed.rsa", {{"closed.test"},
                                        rsa.certificatePem,
                                        rsa.keyPem,
                                        "",
                                        rules(ClientCertificates::required, foreign)});
    proxy.publish();
    EXPECT_EQ(status("closed.test", &mine), 0) << "nobody satisfies both";
}

// Versions and ciphers by policy.
TEST_F(ClientCertificateTest, PoliciesChooseVersions) {
    const auto speaks = [&](int version, const std::string& ciphers = "") {
        TlsOptions options = asking("open.test", nullptr, version);
        options.ciphers = ciphers;
        RawConnection client = RawConnection::connect(port);
        return client.secure(options) && ask(client, "open.test") == 200;
    };
    const std::string oldest = "ALL:@SECLEVEL=0";
    EXPECT_TRUE(speaks(TLS1_2_VERSION));
    EXPECT_FALSE(speaks(TLS1_1_VERSION, oldest));
    EXPECT_FALSE(speaks(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256"));
    proxy.settings().tlsPolicy = model::TlsPolicy::modern;
    proxy.publish();
    EXPECT_TRUE(speaks(TLS1_3_VERSION));
    EXPECT_FALSE(speaks(TLS1_2_VERSION));
    proxy.settings().tlsPolicy = model::TlsPolicy::old;
    proxy.publish();
    EXPECT_TRUE(speaks(TLS1_3_VERSION));
    EXPECT_TRUE(speaks(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256"));
    EXPECT_TRUE(speaks(TLS1_1_VERSION, oldest));
    EXPECT_TRUE(speaks(TLS1_VERSION, oldest));
    EXPECT_TRUE(proxy.eventuallyQuiet());
    const net::HandshakeCounts counts = proxy.counters().tls;
    EXPECT_EQ(counts.done[2][0], 1u);
    EXPECT_EQ(counts.done[3][0], 1u);
}

}  // namespace
}  // namespace evergate::test
