// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/tls_compiler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/control/api_json.hpp"
#include "dataplane/tls/client_context.hpp"
#include "dataplane/tls/server_certificates.hpp"
#include "tests/support/temporary_certificate.hpp"

namespace evergate::dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class TlsCompilerTest : public ::testing::Test {
protected:
    TlsCompilerTest() {
        model::Listener listener{"127.0.0.1", 8443, model::ListenerProtocol::https};
        config.put({model::Kind::listener, "https"}, listener);
        pair = authority.issue({"a", {"a.test"}, {}, {}});
        put("a", {{"a.test"}, pair.certificatePem, pair.keyPem, "Secret test/a"});
    }

    void put(const std::string& name, model::Certificate value) {
        config.put({model::Kind::certificate, name}, std::move(value));
    }

    void putBackend(const std::string& name, bool verify, const std::string& authorities) {
        model::Backend backend;
        backend.protocol = model::BackendProtocol::https;
        backend.tlsVerify = verify;
        backend.tlsAuthorities = authorities;
        config.put({model::Kind::backend, name}, backend);
    }

    std::shared_ptr<const routing::Snapshot> compile() {
        Candidate candidate;
        candidate.config = std::make_shared<const model::Config>(config);
        candidate.serving = serving;
        candidate.fallbackCertificate = fallback;
        for (const auto& [key, entry] : EntriesOfKind(*candidate.config, model::Kind::backend))
            candidate.ids.emplace(key.name, static_cast<routing::BackendId>(candidate.ids.size()));
        Compiled compiled = compileSnapshot(candidate);
        problems = std::move(compiled.problems);
        if (compiled.snapshot)
            serving = compiled.snapshot;
        return compiled.snapshot;
    }

    // No line of a key may show.
    void expectNoKey(const std::string& text, const std::string& key) {
        for (std::size_t at = 0; at + 20 <= key.size(); ++at)
            ASSERT_THAT(text, Not(HasSubstr(key.substr(at, 20))));
    }

    test::TemporaryAuthority authority;
    test::CertificateAndKey pair;
    std::shared_ptr<const tls::Certificate> fallback = tls::Certificate::selfSigned();
    model::Config config;
    std::shared_ptr<const routing::Snapshot> serving;
    std::vector<model::KeyedProblem> problems;
};

TEST_F(TlsCompilerTest, TakesOverWhatDidNotChange) {
    putBackend("one", true, authority.certificatePem());
    putBackend("two", true, authority.certificatePem());
    putBackend("three", false, authority.certificatePem());
    const auto first = compile();
    ASSERT_TRUE(first);
    ASSERT_THAT(first->backends, SizeIs(3));
    EXPECT_EQ(first->backends[0].trust, first->backends[2].trust) << "one and two";
    EXPECT_NE(first->backends[0].trust, first->backends[1].trust) << "three verifies nothing";
    const auto second = compile();
    EXPECT_EQ(first->backends[0].trust, second->backends[0].trust);
    EXPECT_EQ(first->certificates->find("a.test"), second->certificates->find("a.test"));
}

TEST_F(TlsCompilerTest, RefusesWhatCannotBeUsedByItsKey) {
    put("a", {{"a.test"}, pair.certificatePem, authority.issue({}).keyPem, ""});
    putBackend("b", true, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    EXPECT_FALSE(compile());
    std::vector<std::string> places;
    for (const auto& [key, problem] : problems) {
        places.push_back(problem.where);
        EXPECT_EQ(problem.where.rfind(model::toText(key) + ".", 0), 0u);
    }
    EXPECT_THAT(places, ElementsAre("backend/b.tlsAuthorities", "certificate/a.key"));
}

TEST_F(TlsCompilerTest, NeverShowsAKey) {
    const auto snapshot = compile();
    ASSERT_TRUE(snapshot);
    const std::string shown = configJson(&config, config, 1, std::nullopt);
    EXPECT_THAT(shown, HasSubstr("certificate/a"));
    EXPECT_THAT(shown, Not(HasSubstr("PRIVATE KEY")));
    expectNoKey(shown, pair.keyPem);
    const std::string other = authority.issue({}).keyPem;
    const std::string broken = pair.keyPem.substr(0, 100) + "\n" + pair.keyPem.substr(150);
    for (const std::string& key : {other, broken, other + "x" + broken}) {
        put("a", {{"a.test"}, pair.certificatePem, key, ""});
        if (compile())
            continue;
        for (const auto& [name, problem] : problems)
            expectNoKey(problem.where + problem.what, key);
    }
}

}  // namespace
}  // namespace evergate::dataplane
