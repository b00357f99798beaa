// SPDX-License-Identifier: Apache-2.0
// What handshakes carry and what holds them back: stapled OCSP answers, and the rate limit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <ctime>

#include "dataplane/ocsp/stapler.hpp"
#include "dataplane/tls/server_certificates.hpp"
#include "tests/support/access_log_file.hpp"
#include "tests/support/ocsp_responder.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using net::HandshakeFailure;

constexpr const char* kRsa = "ECDHE-RSA-AES128-GCM-SHA256";
constexpr const char* kEcdsa = "ECDHE-ECDSA-AES128-GCM-SHA256";

class StaplingTest : public testing::Test {
protected:
    StaplingTest() {
        proxy.serve({endpoint.port()});
        for (const bool rsa : {false, true}) {
            CertificateRequest request;
            request.dnsNames = {"a.test"};
            request.rsa = rsa;
            request.responder = responder.url();
            const auto pair = authority.issue(request);
            proxy.setCertificate(
                rsa ? "rsa" : "ec",
                {{"a.test"}, pair.certificatePem + authority.certificatePem(), pair.keyPem, ""});
        }
        port = proxy.openSecureListener();
        stapler.setCertificates(proxy.serving().lock()->certificates->shown());
    }

    // What the handshake stapled (DER). `ciphers`: of TLS 1.2, which choose the kind of
    // certificate.
    std::string stapled(int version, const char* ciphers = "", bool ask = true) {
        TlsOptions options;
        options.serverName = "a.test";
        options.context = std::shared_ptr<SSL_CTX>(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
        SSL_CTX_set_min_proto_version(options.context.get(), version);
        SSL_CTX_set_max_proto_version(options.context.get(), version);
        if (version == TLS1_2_VERSION)
            SSL_CTX_set_cipher_list(options.context.get(), ciphers);
        if (ask)
            SSL_CTX_set_tlsext_status_type(options.context.get(), TLSEXT_STATUSTYPE_ocsp);
        RawConnection client = RawConnection::connect(port);
        EXPECT_TRUE(client.secure(options)) << client.tlsError();
        const unsigned char* data = nullptr;
        const long size = SSL_get_tlsext_status_ocsp_resp(client.tls().ssl(), &data);
        return size <= 0 ? std::string()
                         : std::string(reinterpret_cast<const char*>(data),
                                       static_cast<std::size_t>(size));
    }

    void give(std::shared_ptr<const tls::Staples> staples) {
        proxy.onControl([&](const std::function<void()>& done) {
            proxy.pool().setStaples(std::move(staples));
            done();
        });
        proxy.stats();  // the workers have it
    }

    bool eventuallyStapled() {
        return proxy.eventually([&] {
            io.restart();
            io.run_one_for(std::chrono::milliseconds(10));
            return handed && handed->size() == 2;
        });
    }

    TemporaryAuthority authority;
    RawListener endpoint;
    OcspResponder responder{[this](const std::string& question) {
        return OcspResponder::ok(authority.answer(question));
    }};
    ProxyFixture proxy;
    std::uint16_t port = 0;
    boost::asio::io_context io;
    std::shared_ptr<const tls::Staples> handed;
    ocsp::Stapler stapler{
        io.get_executor(),
        {ocsp::Scope::any},
        [this](std::shared_ptr<const tls::Staples> staples) { handed = std::move(staples); },
        [](const ocsp::StaplerNews& news) { ADD_FAILURE() << news.detail; }};
};

TEST_F(StaplingTest, GoesWithTheCertificateShownToWhoAsks) {
    EXPECT_EQ(stapled(TLS1_3_VERSION), "") << "nothing is known yet";
    ASSERT_TRUE(eventuallyStapled());
    give(handed);
    const auto all = proxy.serving().lock()->certificates->shown();
    ASSERT_EQ(all.size(), 2u);
    for (const auto& [name, certificate] : all) {
        const auto* const staple = handed->find(certificate->leaf(), std::time(nullptr));
        ASSERT_NE(staple, nullptr);
        if (certificate->keyType() == "RSA") {
            EXPECT_EQ(stapled(TLS1_2_VERSION, kRsa), staple->response);
            continue;
        }
        EXPECT_EQ(stapled(TLS1_2_VERSION, kEcdsa), staple->response);
        EXPECT_EQ(stapled(TLS1_3_VERSION), staple->response);
    }
    EXPECT_EQ(stapled(TLS1_3_VERSION, "", false), "");
    EXPECT_EQ(stapled(TLS1_2_VERSION, kRsa, false), "");
}

TEST_F(StaplingTest, ExpiredOnesStayHere) {
    auto old = std::make_shared<tls::Staples>();
    for (const auto& one : proxy.serving().lock()->certificates->shown()) {
        old->add(one.certificate,
                 std::make_shared<const tls::Staple>(tls::Staple{"old", std::time(nullptr) - 1}));
    }
    give(std::move(old));
    EXPECT_EQ(stapled(TLS1_2_VERSION, kEcdsa), "");
    EXPECT_EQ(stapled(TLS1_3_VERSION), "");
}

// A rate of 1 a second lets 10 in at once. However slow we are, some of 200 are one too many.
class HandshakeRateTest : public testing::Test {
protected:
    void start(std::uint32_t rate, std::uint32_t perClient, model::Settings settings = {}) {
        worker::WorkerPoolOptions options = log.options();
        options.handshakeRate = rate;
        options.handshakeRatePerClient = perClient;
        proxy = std::make_unique<ProxyFixture>(std::move(settings), std::move(options));
        proxy->serve({endpoint.port()});
        port = proxy->openSecureListener();
    }

    bool shakesHands(const TlsOptions& options = {}) {
        RawConnection client = RawConnection::connect(port);
        return client.secure(options);
    }

    // How many went well before one did not.
    int untilRefused(const TlsOptions& options = {}) {
        int good = 0;
        while (good < 200 && shakesHands(options))
            ++good;
        return good;
    }

    std::uint64_t refused() {
        return proxy->counters()
            .tls.failed[static_cast<std::size_t>(HandshakeFailure::rateLimited)];
    }

    AccessLogFile log{"handshakes"};
    ScriptedEndpoint endpoint{answerAll("hello")};
    std::unique_ptr<ProxyFixture> proxy;
    std::uint16_t port = 0;
};

TEST_F(HandshakeRateTest, RefusesAndCountsWhatIsTooMuch) {
    start(1, 0);
    const int good = untilRefused();
    EXPECT_GE(good, 10);
    EXPECT_LT(good, 200);
    EXPECT_TRUE(proxy->eventually([&] { return refused() == 1; }));
    EXPECT_TRUE(proxy->eventually([&] {
        for (const auto& line : log.lines()) {
            if (line.value("tls_failure", "") == "rate_limited")
                return line.value("error", "") == "client_tls";
        }
        return false;
    }));
}

TEST_F(HandshakeRateTest, LetsSessionsBeResumed) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        start(1, 0);
        TlsOptions options;
        options.minVersion = options.maxVersion = version;
        {
            RawConnection client = RawConnection::connect(port);
            ASSERT_TRUE(client.secure(options));
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            EXPECT_EQ(client.readResponse().status, 200);
            options.session = client.tls().session();
        }
        TlsOptions fresh = options;
        fresh.session = nullptr;
        EXPECT_LT(untilRefused(fresh), 200);
        // Twenty more than there could be of the others; none asks.
        for (int i = 0; i < 20; ++i) {
            RawConnection client = RawConnection::connect(port);
            ASSERT_TRUE(client.secure(options)) << client.tlsError();
            EXPECT_TRUE(client.tls().resumed());
        }
    }
}

TEST_F(HandshakeRateTest, IsByClientUnlessManyShareAnAddress) {
    start(0, 1);
    EXPECT_LT(untilRefused(), 200);
    model::Settings settings;
    settings.trustedProxies = {"127.0.0.0/8"};
    start(0, 1, settings);
    for (int i = 0; i < 15; ++i)
        EXPECT_TRUE(shakesHands());
    EXPECT_EQ(refused(), 0u);
}

}  // namespace
}  // namespace evergate::test
