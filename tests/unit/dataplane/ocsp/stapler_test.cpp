// SPDX-License-Identifier: Apache-2.0
// The stapler against responders on the loopback. Nothing waits for a time to pass: every step is
// awaited, with 30 s to turn a hang into a failure.
#include "dataplane/ocsp/stapler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "tests/support/ocsp_responder.hpp"
#include "tests/support/temporary_certificate.hpp"

namespace evergate::ocsp {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using tls::OcspOutcome;
using namespace std::chrono_literals;

class StaplerTest : public testing::Test {
protected:
    using CertificatePtr = std::shared_ptr<const tls::Certificate>;

    CertificatePtr certificate(const std::string& responder, bool withIssuer = true) {
        test::CertificateRequest request;
        request.dnsNames = {"a.test"};
        request.responder = responder;
        const auto pair = authority.issue(request);
        return load(pair, withIssuer);
    }

    CertificatePtr load(const test::CertificateAndKey& pair, bool withIssuer = true) {
        const std::string chain =
            pair.certificatePem + (withIssuer ? authority.certificatePem() : std::string());
        auto loaded = tls::Certificate::load({{"a.test"}, chain, pair.keyPem, ""});
        return std::get<CertificatePtr>(loaded);
    }

    void start(Scope scope = Scope::any, Pace pace = {}) {
        Stapler::Options options;
        options.scope = scope;
        options.pace = pace;
        stapler = std::make_unique<Stapler>(
            io.get_executor(), options,
            [this](std::shared_ptr<const tls::Staples> all) { staples = std::move(all); },
            [this](const StaplerNews& one) { news.push_back(one); });
    }

    // By the names "a", "b" and so on.
    void show(const std::vector<CertificatePtr>& certificates) {
        std::vector<tls::NamedCertificate> all;
        for (const CertificatePtr& one : certificates)
            all.push_back({std::string(1, static_cast<char>('a' + all.size())), one});
        stapler->setCertificates(std::move(all));
    }

    std::uint64_t count(OcspOutcome outcome) const {
        return stapler->facts().fetches[static_cast<std::size_t>(outcome)];
    }

    template <typename Condition>
    bool eventually(Condition holds) {
        const auto end = std::chrono::steady_clock::now() + 30s;
        while (!holds() && std::chrono::steady_clock::now() < end) {
            io.restart();
            io.run_one_for(10ms);
        }
        return holds();
    }

    const tls::Staple* stapleOf(const CertificatePtr& one) const {
        return staples ? staples->find(one->leaf(), std::time(nullptr)) : nullptr;
    }

    // Says `said` to everybody.
    test::OcspResponder::Answer saying(test::OcspSaid said = {}) {
        return [this, said](const std::string& question) {
            return test::OcspResponder::ok(authority.answer(question, said));
        };
    }

    test::TemporaryAuthority authority;
    boost::asio::io_context io;
    std::shared_ptr<const tls::Staples> staples;
    std::vector<StaplerNews> news;
    std::unique_ptr<Stapler> stapler;
};

TEST_F(StaplerTest, HandsOutWhatTheResponderSays) {
    test::OcspResponder responder(saying());
    const auto one = certificate(responder.url());
    start();
    show({one});
    ASSERT_TRUE(eventually([&] { return stapleOf(one) != nullptr; }));
    EXPECT_EQ(count(OcspOutcome::good), 1U);
    EXPECT_EQ(stapler->facts().stapled, 1U);
    EXPECT_EQ(stapler->facts().missing, 0U);
    EXPECT_THAT(news, SizeIs(0));
    EXPECT_THAT(responder.lastHead(), HasSubstr("POST /ocsp HTTP/1.1\r\n"));
    EXPECT_THAT(responder.lastHead(),
                HasSubstr("Host: 127.0.0.1:" + std::to_string(responder.port()) + "\r\n"));
    EXPECT_EQ(staples->find(one->leaf(), std::time(nullptr) + 2 * 3'600), nullptr)
        << "its time is over";
}

TEST_F(StaplerTest, AsksOnceForACertificateAndKeepsWhatItKnows) {
    test::OcspResponder responder(saying());
    test::CertificateRequest request;
    request.responder = responder.url();
    const auto pair = authority.issue(request);
    const auto one = load(pair);
    const auto two = load(pair);
    start();
    show({one, two});
    ASSERT_TRUE(eventually([&] { return stapleOf(one) != nullptr; }));
    EXPECT_EQ(stapleOf(one), stapleOf(two));
    const auto three = load(pair);  // the same again, in another object
    show({three});
    EXPECT_NE(stapleOf(three), nullptr);
    EXPECT_EQ(stapleOf(one), nullptr);
    EXPECT_EQ(responder.asked(), 1);
    show({});
    EXPECT_EQ(staples->size(), 0U);
    EXPECT_EQ(stapler->facts().stapled, 0U);
}

TEST_F(StaplerTest, AsksNobodyForCertificatesThatDoNotSayWhom) {
    start();
    show({certificate("")});
    EXPECT_EQ(staples, nullptr);
    EXPECT_EQ(stapler->facts().missing, 0U);
    const auto alone = certificate("http://127.0.0.1:1/", false);
    show({alone});
    EXPECT_EQ(count(OcspOutcome::noIssuer), 1U);
    show({certificate("http://user@127.0.0.1/")});
    EXPECT_EQ(count(OcspOutcome::forbidden), 1U);
    ASSERT_THAT(news, SizeIs(2));
    EXPECT_EQ(news[1].responder, "");
    EXPECT_EQ(stapler->facts().missing, 1U);
}

TEST_F(StaplerTest, AsksWhenTheIssuerIsThereAfterAll) {
    test::OcspResponder responder(saying());
    test::CertificateRequest request;
    request.responder = responder.url();
    const auto pair = authority.issue(request);
    start();
    show({load(pair, false)});
    EXPECT_EQ(count(OcspOutcome::noIssuer), 1U);
    ASSERT_THAT(news, SizeIs(1));
    EXPECT_EQ(news[0].certificate, "a");
    EXPECT_THAT(news[0].fingerprint, SizeIs(64));
    const auto repaired = load(pair);
    show({certificate(""), repaired});
    ASSERT_TRUE(eventually([&] { return stapleOf(repaired) != nullptr; }));
    ASSERT_THAT(news, SizeIs(2));
    EXPECT_EQ(news[1].outcome, OcspOutcome::good);
    EXPECT_EQ(news[1].certificate, "b");
    // Whoever takes it away again changes nothing of what is known.
    const auto alone = load(pair, false);
    show({alone});
    EXPECT_NE(stapleOf(alone), nullptr);
    EXPECT_EQ(responder.asked(), 1);
}

TEST_F(StaplerTest, StaysOutOfPrivatePlacesUnlessTold) {
    test::OcspResponder responder(saying());
    start(Scope::publicOnly);
    // Another port than 80, then an address that is not public.
    show({certificate(responder.url()), certificate("http://127.0.0.1/")});
    ASSERT_TRUE(eventually([&] { return count(OcspOutcome::forbidden) == 2; }));
    EXPECT_EQ(responder.asked(), 0);
    start(Scope::off);
    show({certificate(responder.url())});
    EXPECT_EQ(stapler->facts().missing, 0U);
    EXPECT_EQ(responder.asked(), 0);
}

TEST_F(StaplerTest, StaplesNothingThatIsWrong) {
    const test::TemporaryAuthority stranger("stranger");
    const std::vector<std::pair<test::OcspResponder::Answer, OcspOutcome>> cases{
        {saying({test::OcspSaid::Status::revoked}), OcspOutcome::revoked},
        {saying({test::OcspSaid::Status::unknown}), OcspOutcome::unknown},
        {saying({test::OcspSaid::Status::good, -7'200, -3'600}), OcspOutcome::invalid},
        {saying({test::OcspSaid::Status::good, 3'600, 7'200}), OcspOutcome::invalid},
        {saying({test::OcspSaid::Status::good, -3'600, 0}), OcspOutcome::invalid},
        {[&](const std::string& question) {
             return test::OcspResponder::ok(stranger.answer(question));
         },
         OcspOutcome::invalid},
        {[](const std::string&) { return test::OcspResponder::ok("no answer"); },
         OcspOutcome::invalid},
        {[](const std::string&) {
             // tryLater
             return test::OcspResponder::ok(std::string("\x30\x03\x0a\x01\x03", 5));
         },
         OcspOutcome::refused},
        {[](const std::string&) {
             return std::string("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
         },
         OcspOutcome::refused},
        {[](const std::string&) {
             return test::OcspResponder::ok(std::string(kMaxAnswer + 1, 'x'));
         },
         OcspOutcome::refused},
        {[](const std::string&) { return std::string(); }, OcspOutcome::unreachable},
        {[](const std::string&) { return std::string("SSH-2.0-x\r\n"); },
         OcspOutcome::unreachable}};
    for (std::size_t i = 0; i < cases.size(); ++i) {
        news.clear();
        test::OcspResponder responder(cases[i].first);
        const auto one = certificate(responder.url());
        start();
        show({one});
        ASSERT_TRUE(eventually([&] { return count(cases[i].second) == 1; })) << i;
        EXPECT_EQ(stapleOf(one), nullptr) << i;
        EXPECT_EQ(stapler->facts().missing, 1U) << i;
        ASSERT_THAT(news, SizeIs(1)) << i;
        EXPECT_EQ(news[0].outcome, cases[i].second) << i;
        EXPECT_EQ(news[0].responder, responder.url()) << i;
    }
}

TEST_F(StaplerTest, TriesAgainAndTellsOfChangesOnly) {
    std::atomic<bool> broken{true};
    test::OcspResponder responder([&](const std::string& question) {
        return broken ? std::string() : test::OcspResponder::ok(authority.answer(question));
    });
    const auto one = certificate(responder.url());
    Pace pace;
    pace.firstRetry = pace.mostRetry = 1ms;
    start(Scope::any, pace);
    show({one});
    ASSERT_TRUE(eventually([&] { return count(OcspOutcome::unreachable) >= 3; }));
    EXPECT_THAT(news, SizeIs(1));
    broken = false;
    ASSERT_TRUE(eventually([&] { return stapleOf(one) != nullptr; }));
    ASSERT_THAT(news, SizeIs(2));
    EXPECT_EQ(news[1].outcome, OcspOutcome::good);
}

TEST_F(StaplerTest, KeepsAnAnswerWhileItHoldsAndDropsItWhenRevoked) {
    enum class Mood { good, silent, revoked };
    std::atomic<Mood> mood{Mood::good};
    test::OcspResponder responder([&](const std::string& question) {
        switch (mood.load()) {
            case Mood::good:
                return test::OcspResponder::ok(authority.answer(question));
            case Mood::silent:
                return std::string();
            case Mood::revoked:
                break;
        }
        return test::OcspResponder::ok(
            authority.answer(question, {test::OcspSaid::Status::revoked}));
    });
    const auto one = certificate(responder.url());
    Pace pace;
    pace.leastWait = pace.mostWait = pace.firstRetry = pace.mostRetry = 1ms;
    start(Scope::any, pace);
    show({one});
    ASSERT_TRUE(eventually([&] { return count(OcspOutcome::good) >= 2; })) << "refreshed";
    ASSERT_TRUE(eventually([&] { return stapleOf(one) != nullptr; }));
    mood = Mood::silent;
    ASSERT_TRUE(eventually([&] { return count(OcspOutcome::unreachable) >= 2; }));
    EXPECT_NE(stapleOf(one), nullptr);
    mood = Mood::revoked;
    ASSERT_TRUE(eventually([&] { return count(OcspOutcome::revoked) >= 1; }));
    EXPECT_TRUE(eventually([&] { return stapleOf(one) == nullptr; }));
}

TEST_F(StaplerTest, AsksFewAtATimeAndEveryCertificate) {
    test::OcspResponder responder(saying());
    std::vector<CertificatePtr> many;
    for (int i = 0; i < 12; ++i)
        many.push_back(certificate(responder.url()));
    start();
    show(many);
    EXPECT_TRUE(eventually([&] { return stapler->facts().stapled == many.size(); }));
    EXPECT_EQ(responder.asked(), 12);
}

TEST_F(StaplerTest, MayGoWithQuestionsUnderWay) {
    test::OcspResponder responder(saying());
    start();
    show({certificate(responder.url())});
    ASSERT_TRUE(
        eventually([&] { return responder.asked() == 1 || stapler->facts().stapled == 1; }));
    stapler.reset();
    io.restart();
    io.run_for(1ms);
    io.poll();
}

}  // namespace
}  // namespace evergate::ocsp
