// SPDX-License-Identifier: Apache-2.0
// Sessions of clients that take no tickets: resumed by id, only for what they were made for.
#include "dataplane/tls/server_context.hpp"

#include <ctime>

#include "tests/unit/dataplane/tls/stream_fixture.hpp"

namespace evergate::tls {
namespace {

constexpr std::int64_t kHour = 3600;

// Hosts "a.test", "b.test" and "*.c.test", each with a certificate of its own.
class SessionsById : public StreamTest {
protected:
    SessionsById() {
        for (const char* host : {"a.test", "b.test", "*.c.test"})
            put(host);
        compile();
        trustAgain();
    }

    void put(const std::string& host, const model::ClientVerification& clients = {},
             bool another = false) {
        auto& pair = pairs[host];
        if (pair.keyPem.empty() || another) {
            test::CertificateRequest request;
            // What is shown matters to who made the session, not to this client.
            request.dnsNames = {"a.test", "b.test", "x.c.test", "y.c.test", "unknown.test"};
            pair = authority.issue(request);
        }
        config.put({model::Kind::certificate, host},
                   model::Certificate{{host}, pair.certificatePem, pair.keyPem, "", clients});
    }

    void compile(const ServerCertificates* before = nullptr) {
        std::vector<model::KeyedProblem> problems;
        certificates = ServerCertificates::compile(config, fallback, before, problems);
        ASSERT_TRUE(certificates);
    }

    // Forgets sessions.
    void trustAgain(std::shared_ptr<const Certificate> shown = nullptr,
                    int version = TLS1_2_VERSION, bool tickets = false) {
        std::string wrong;
        trust = ClientContext::make(false, "", wrong, std::move(shown));
        SSL_CTX_set_max_proto_version(trust->get(), version);
        if (!tickets)
            SSL_CTX_set_options(trust->get(), SSL_OP_NO_TICKET);
    }

    static model::ClientVerification required(const test::TemporaryAuthority& by) {
        model::ClientVerification rules;
        rules.mode = model::ClientCertificates::required;
        rules.authorities = by.certificatePem();
        return rules;
    }

    // Whether a session of the client's, if it has one for that name, was resumed.
    bool resumes(const std::string& host = "a.test") {
        connect(host);
        EXPECT_TRUE(shake());
        const bool ours = server.socket.layer()->facts().resumed;
        EXPECT_EQ(client.socket.layer()->facts().resumed, ours);
        return ours;
    }

    // The same with the session that was granted for `of`; another one may take its place.
    bool resumesElsewhere(const std::string& of, const std::string& host) {
        SSL_SESSION* const session = sessions.find(trust, of);
        EXPECT_NE(session, nullptr);
        const OpensslPtr<SSL_SESSION> kept(SSL_SESSION_dup(session));
        sessions.keep(trust, host, OpensslPtr<SSL_SESSION>(SSL_SESSION_dup(kept.get())));
        const bool resumed = resumes(host);
        sessions.keep(trust, of, OpensslPtr<SSL_SESSION>(SSL_SESSION_dup(kept.get())));
        return resumed;
    }

    SessionCache& cache() { return engine.sessionCache(); }

    model::Config config;
    std::map<std::string, test::CertificateAndKey> pairs;
    std::shared_ptr<const Certificate> fallback = Certificate::selfSigned();
    test::TemporaryAuthority trusted{"trusted"};
};

TEST_F(SessionsById, AreResumedAgainAndAgain) {
    EXPECT_FALSE(resumes());
    EXPECT_EQ(cache().size(), 1u);
    EXPECT_TRUE(resumes());
    EXPECT_EQ(server.socket.layer()->facts().serverName, "a.test");
    EXPECT_TRUE(resumes());
    EXPECT_EQ(cache().size(), 1u) << "a resumed one stays the same";
    EXPECT_FALSE(resumes("")) << "nobody's";
    EXPECT_TRUE(resumes(""));
    EXPECT_FALSE(resumes("unknown.test"));
    EXPECT_TRUE(resumes("unknown.test"));
}

TEST_F(SessionsById, ClientsWithTicketsLeaveNothingHere) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        trustAgain(nullptr, version, true);
        EXPECT_FALSE(resumes());
        read(client);  // takes the ticket
        EXPECT_TRUE(resumes());
    }
    trustAgain(nullptr, TLS1_3_VERSION);
    EXPECT_FALSE(resumes());
    EXPECT_EQ(cache().size(), 0u);
}

TEST_F(SessionsById, TicketsAreForTheirHostToo) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        trustAgain(nullptr, version, true);
        const auto resumesTicket = [this](const std::string& of, const std::string& host) {
            resumes(of);
            read(client);  // takes the ticket
            return resumesElsewhere(of, host);
        };
        for (const char* other : {"a.test", "y.c.test", "unknown.test", ""})
            EXPECT_FALSE(resumesTicket("x.c.test", other)) << other;
        EXPECT_TRUE(resumesTicket("x.c.test", "X.C.TEST"));
        EXPECT_FALSE(resumesTicket("unknown.test", "a.test"));
        EXPECT_TRUE(resumesTicket("unknown.test", "unknown.test"));
        EXPECT_TRUE(resumesTicket("", ""));
    }
}

TEST_F(SessionsById, OutliveWhatIsPublished) {
    EXPECT_FALSE(resumes());
    put("b.test", {}, true);
    const auto before = certificates;
    compile(before.get());
    EXPECT_TRUE(resumes());
    compile();  // nothing is taken over
    EXPECT_TRUE(resumes());
    engine.setTicketKeys(TicketKeys::next(nullptr));
    EXPECT_TRUE(resumes());
}

TEST_F(SessionsById, AreForTheHostTheyWereMadeFor) {
    EXPECT_FALSE(resumes("x.c.test"));
    for (const char* other : {"a.test", "y.c.test", "unknown.test", ""})
        EXPECT_FALSE(resumesElsewhere("x.c.test", other)) << other;
    EXPECT_TRUE(resumesElsewhere("x.c.test", "X.C.TEST"));
    EXPECT_TRUE(resumes("x.c.test"));
    EXPECT_FALSE(resumes("unknown.test"));
    for (const char* other : {"a.test", "other.test", ""})
        EXPECT_FALSE(resumesElsewhere("unknown.test", other)) << other;
}

TEST_F(SessionsById, EndWithTheirCertificateAndPolicy) {
    EXPECT_FALSE(resumes());
    put("a.test", {}, true);
    compile();
    EXPECT_FALSE(resumes()) << "another certificate";
    EXPECT_TRUE(resumes());
    model::Settings settings;
    settings.tlsPolicy = model::TlsPolicy::old;
    config.put({model::Kind::settings, "global"}, settings);
    compile();
    EXPECT_FALSE(resumes()) << "another policy";
    EXPECT_TRUE(resumes());
}

TEST_F(SessionsById, EndAtTheirTime) {
    EXPECT_FALSE(resumes());
    cache().dropExpired(std::time(nullptr) + 11 * kHour);
    EXPECT_TRUE(resumes());
    cache().dropExpired(std::time(nullptr) + 13 * kHour);
    EXPECT_EQ(cache().size(), 0u);
    EXPECT_FALSE(resumes());
}

TEST_F(SessionsById, AreUnknownToOtherWorkers) {
    EXPECT_FALSE(resumes());
    const auto kept = certificates;
    Engine other;
    server = End();
    client = End();
    server.socket.setLayer(Stream::server(other, certificates));
    client.socket.setLayer(Stream::client(engine, trust, "a.test", sessions));
    EXPECT_TRUE(shake());
    EXPECT_FALSE(server.socket.layer()->facts().resumed);
    EXPECT_EQ(other.sessionCache().size(), 1u);
    server = End();  // before its engine
}

// Who was verified once is not let in when others decide.
TEST_F(SessionsById, EndWithTheRulesForClients) {
    const auto pair = trusted.issue({});
    auto loaded = Certificate::load({{}, pair.certificatePem, pair.keyPem, ""});
    auto* const shown = std::get_if<std::shared_ptr<const Certificate>>(&loaded);
    ASSERT_NE(shown, nullptr);
    const auto mine = required(trusted);
    auto revoking = mine;
    revoking.revocations = trusted.revoke({});
    auto shallow = mine;
    shallow.depth = 0;
    auto optional = mine;
    optional.mode = model::ClientCertificates::optional;
    auto both = mine;
    both.authorities += authority.certificatePem();
    for (const auto& others : {revoking, shallow, optional, both, model::ClientVerification{}}) {
        put("a.test", mine);
        compile();
        trustAgain(*shown);
        EXPECT_FALSE(resumes());
        EXPECT_TRUE(resumes());
        const net::PeerIdentity* const who = server.socket.layer()->verifiedPeer();
        ASSERT_NE(who, nullptr) << "also over a resumed session";
        EXPECT_EQ(who->rules, ClientRules::idOf(mine));
        put("a.test", others);
        compile();
        EXPECT_FALSE(resumes());
        EXPECT_TRUE(resumes()) << "a session of its own";
    }
    put("a.test", required(authority));
    compile();
    connect();
    EXPECT_FALSE(shake()) << "not let in any more";
}

TEST_F(SessionsById, EndWithAFatalAlert) {
    for (const bool resumed : {false, true}) {
        if (resumed) {
            EXPECT_FALSE(resumes());
        }
        EXPECT_EQ(resumes(), resumed);
        EXPECT_EQ(cache().size(), 1u);
        ASSERT_EQ(client.socket.send("record", 6).bytes, 6);
        std::string bytes(1'000, '\0');
        const auto got = client.wire.recv(bytes.data(), bytes.size());
        ASSERT_GT(got.bytes, 3);
        bytes[static_cast<std::size_t>(got.bytes) - 3] ^= 1;
        server.wire.send(bytes.data(), static_cast<std::size_t>(got.bytes));
        server.wake();
        char byte = 0;
        EXPECT_TRUE(server.socket.recv(&byte, 1).failed());
        EXPECT_EQ(cache().size(), 0u);
    }
    EXPECT_FALSE(resumes());
}

}  // namespace
}  // namespace evergate::tls
