// SPDX-License-Identifier: Apache-2.0
// The Kubernetes source against the fake API server over TLS: whom it trusts and how it proves
// itself.
#include "tests/integration/kubernetes_scenario.hpp"
#include "tests/support/fake_kube_api.hpp"
#include "tests/support/temporary_certificate.hpp"

namespace evergate::test {
namespace {

class KubernetesTlsTest : public ::testing::Test {
protected:
    void serve(const CertificateRequest& request, bool askForClientCertificate = false,
               const std::string& address = "127.0.0.1") {
        const auto issued = authority.issue(request);
        api = std::make_unique<FakeKubeApi>(
            rig.io, 0,
            FakeKubeTls{issued.certificatePem, issued.keyPem,
                        askForClientCertificate ? authority.certificatePem() : ""},
            address);
        config.server.host = address;
        config.server.port = api->port();
        config.authority.text = authority.certificatePem();
    }

    void expectWorks() {
        rig.start(KubeRig::options(config));
        EXPECT_TRUE(rig.runUntilWatching()) << rig.state();
        runObjectScenario(rig);
    }

    void expectRefusal(const std::string& why) {
        rig.start(KubeRig::options(config));
        EXPECT_TRUE(rig.runUntil([&] { return rig.state().find(why) != std::string::npos; }))
            << rig.state();
        EXPECT_FALSE(rig.source->status().synced);
        EXPECT_EQ(api->stats().requests, 0U);
    }

    const CertificateRequest forLoopback{"api", {"localhost"}, {"127.0.0.1"}, {}, false};
    TemporaryAuthority authority;
    ClusterConfig config;
    KubeRig rig;
    std::unique_ptr<FakeKubeApi> api;
};

TEST_F(KubernetesTlsTest, TrustsTheClustersAuthority) {
    serve(forLoopback);
    expectWorks();
}

TEST_F(KubernetesTlsTest, TriesEveryAddressOfAName) {
    serve(forLoopback);  // on 127.0.0.1 only; the name often means ::1 first
    config.server.host = "localhost";
    expectWorks();
}

TEST_F(KubernetesTlsTest, TalksToIpv6Addresses) {
    try {
        serve({"api", {}, {"::1"}, {}, false}, false, "::1");
    } catch (const boost::system::system_error&) {
        GTEST_SKIP() << "no IPv6 here";
    }
    expectWorks();
}

TEST_F(KubernetesTlsTest, RefusesAnotherAuthority) {
    serve(forLoopback);
    config.authority.text = TemporaryAuthority("another").certificatePem();
    expectRefusal("certificate");
}

TEST_F(KubernetesTlsTest, RefusesACertificateForAnotherHost) {
    serve({"api", {"kubernetes.default.svc"}, {"10.96.0.1"}, {}, false});
    expectRefusal("TLS with https://127.0.0.1");
}

TEST_F(KubernetesTlsTest, VerifiesTheNameItIsTold) {
    serve({"api", {"kubernetes.default.svc"}, {"10.96.0.1"}, {}, false});
    config.tlsServerName = "kubernetes.default.svc";
    expectWorks();
}

TEST_F(KubernetesTlsTest, RefusesAnExpiredCertificate) {
    auto expired = forLoopback;
    expired.lifetime = -std::chrono::hours(1);
    serve(expired);
    expectRefusal("expired");
}

TEST_F(KubernetesTlsTest, SkipsVerificationWhenTold) {
    auto expired = forLoopback;
    expired.lifetime = -std::chrono::hours(1);
    serve(expired);
    config.authority.text = "not even PEM";
    config.skipTlsVerify = true;
    expectWorks();
}

TEST_F(KubernetesTlsTest, ShowsItsClientCertificate) {
    serve(forLoopback, true);
    const TemporaryDirectory directory;
    const auto mine = authority.issue({"controller", {}, {}, {}, false});
    config.clientCertificate.file = directory.write("cert.pem", mine.certificatePem);
    config.clientKey.file = directory.write("key.pem", mine.keyPem);
    expectWorks();
}

TEST_F(KubernetesTlsTest, SeesReplacedCertificateFiles) {
    const TemporaryDirectory directory;
    serve(forLoopback);
    config.authority.file = directory.write("ca.crt", TemporaryAuthority("old").certificatePem());
    rig.start(KubeRig::options(config));
    ASSERT_TRUE(rig.runUntil([&] { return rig.source->status().errors >= 8; }));
    EXPECT_FALSE(rig.source->status().synced);
    directory.write("ca.crt", authority.certificatePem());
    EXPECT_TRUE(rig.runUntilWatching()) << rig.state();
}

TEST_F(KubernetesTlsTest, SaysWhenAFileIsMissing) {
    serve(forLoopback);
    config.authority.file = "/nonexistent/ca.crt";
    expectRefusal("cannot read /nonexistent/ca.crt");
}

}  // namespace
}  // namespace evergate::test
