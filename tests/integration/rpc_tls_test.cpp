// SPDX-License-Identifier: Apache-2.0
// The RPC over TCP: both sides show a certificate of one authority, or nothing is said.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

#include "tests/integration/rpc_rig.hpp"

namespace evergate::test {
namespace {

namespace asio = boost::asio;

class RpcTls : public ::testing::Test {
protected:
    rpc::TlsFiles files(const std::string& name, const TemporaryAuthority& signer,
                        const CertificateRequest& request) {
        const CertificateAndKey pair = signer.issue(request);
        return {rig.directory.write(name + ".crt", pair.certificatePem),
                rig.directory.write(name + ".key", pair.keyPem),
                rig.directory.write("ca.crt", authority.certificatePem())};
    }

    void listen(const CertificateRequest& request) {
        rig.publisher.reset();
        rig.startController();
        rig.publisher->stop();
        std::string error;
        ASSERT_TRUE(rig.publisher->listen(rpc::TcpAddress{"127.0.0.1", 0},
                                          files("controller", authority, request), error))
            << error;
        rig.publish(config);
    }

    dataplane::ControlLinkOptions options(const rpc::TlsFiles& tls,
                                          const std::string& host = "127.0.0.1") {
        return {rpc::TcpAddress{host, rig.publisher->port()},
                tls,
                "n",
                "b",
                "t",
                "",
                [] {
                    return 0.9; }};
    }

    // Why the first dial failed; "" when it was welcomed.
    std::string dial(const rpc::TlsFiles& tls, const std::string& host = "127.0.0.1") {
        dataplane::ControlLink link(rig.io, options(tls, host), rig.sink, quietLogger());
        link.start();
        const bool ended =
            rig.runUntil([&] { return link.status().connected || link.status().failures > 0; });
        EXPECT_TRUE(ended);
        const auto status = link.status();
        link.stop();
        rig.run(std::chrono::milliseconds(20));
        return status.connected ? "" : status.lastError;
    }

    RpcRig rig{1};
    model::Config config = Scenario(1).config;
    TemporaryAuthority authority;
    TemporaryAuthority stranger{"stranger"};
    CertificateRequest server{"controller", {}, {"127.0.0.1"}, {}};
    CertificateRequest client{"dataplane", {}, {}, {}};
};

TEST_F(RpcTls, ConvergesOverMutualTls) {
    listen(server);
    const auto tls = files("dataplane", authority, client);
    dataplane::ControlLink link(rig.io, options(tls), rig.sink, quietLogger());
    link.start();
    EXPECT_TRUE(rig.runUntil([&] {
        return link.receiver().config().root(model::Lane::config) ==
               config.root(model::Lane::config);
    })) << link.status().lastError;
    link.stop();
}

TEST_F(RpcTls, RefusesADataPlaneOfAnotherAuthority) {
    listen(server);
    EXPECT_NE(dial(files("stranger", stranger, client)), "");
}

TEST_F(RpcTls, RefusesAnExpiredDataPlane) {
    listen(server);
    CertificateRequest expired = client;
    expired.lifetime = -std::chrono::hours(1);
    EXPECT_NE(dial(files("expired", authority, expired)), "");
}

TEST_F(RpcTls, RefusesAControllerWithAnotherName) {
    CertificateRequest other;
    other.dnsNames = {"elsewhere.example"};
    listen(other);
    EXPECT_NE(dial(files("dataplane", authority, client)), "");
}

TEST_F(RpcTls, TakesRenewedCertificatesWithoutARestart) {
    CertificateRequest expired = server;
    expired.lifetime = -std::chrono::hours(1);
    listen(expired);
    const auto tls = files("dataplane", authority, client);
    EXPECT_NE(dial(tls), "");
    files("controller", authority, server);
    EXPECT_EQ(dial(tls), "");
}

TEST_F(RpcTls, SaysWhichFileCannotBeRead) {
    listen(server);
    rpc::TlsFiles tls = files("dataplane", authority, client);
    tls.key = "/nonexistent.key";
    EXPECT_NE(dial(tls).find("/nonexistent.key"), std::string::npos);
    std::string error;
    EXPECT_FALSE(rig.publisher->listen(rpc::TcpAddress{"127.0.0.1", 0}, tls, error));
    EXPECT_NE(error.find("/nonexistent.key"), std::string::npos);
}

TEST_F(RpcTls, TakesNothingOlderThanTls13) {
    listen(server);
    const auto tls = files("dataplane", authority, client);
    const std::uint16_t port = rig.publisher->port();
    asio::ssl::context context(asio::ssl::context::tls_client);
    SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_2_VERSION);
    context.use_certificate_chain_file(tls.certificate);
    context.use_private_key_file(tls.key, asio::ssl::context::pem);
    asio::ssl::stream<asio::ip::tcp::socket> stream(rig.io, context);
    stream.next_layer().connect({asio::ip::address_v4::loopback(), port});
    boost::system::error_code result;
    bool done = false;
    stream.async_handshake(asio::ssl::stream_base::client, [&](boost::system::error_code ec) {
        result = ec;
        done = true;
    });
    ASSERT_TRUE(rig.runUntil([&] { return done; }));
    EXPECT_TRUE(result);
}

}  // namespace
}  // namespace evergate::test
