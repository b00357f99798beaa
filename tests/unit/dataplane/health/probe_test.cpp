// SPDX-License-Identifier: Apache-2.0
#include "dataplane/health/probe.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/support/raw_connection.hpp"

namespace evergate::health {
namespace {

namespace asio = boost::asio;
using model::HealthCheckType;
using test::BlackHole;
using test::RawConnection;
using test::ScriptedEndpoint;

class ProbeTest : public testing::Test {
protected:
    ProbeTest() {
        policy.healthCheck.type = HealthCheckType::http;
        policy.healthCheck.timeout = std::chrono::seconds(20);
    }

    ProbeResult run(std::uint16_t to) {
        asio::io_context io;
        ProbeResult result;
        const asio::ip::tcp::endpoint where(asio::ip::address_v4::loopback(), to);
        asio::co_spawn(io, probe({where, std::make_shared<const model::Backend>(policy)}),
                       [&](const std::exception_ptr& thrown, ProbeResult got) {
                           EXPECT_FALSE(thrown);
                           result = std::move(got);
                       });
        io.run();
        return result;
    }

    // What an endpoint that answers `answer` leads to; the request is in `asked`.
    ProbeResult answered(const std::string& answer) {
        ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
            asked = connection.readUntil("\r\n\r\n");
            connection.send(answer);
            connection.shutdownWrite();
            connection.readAll();
        });
        port = endpoint.port();
        return run(endpoint.port());
    }

    model::Backend policy;
    std::string asked;
    std::uint16_t port = 0;
};

TEST_F(ProbeTest, AsksForThePath) {
    policy.healthCheck.path = "/live?deep=1";
    EXPECT_TRUE(answered("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").good);
    EXPECT_EQ(asked.substr(0, asked.find("\r\n")), "GET /live?deep=1 HTTP/1.1");
    EXPECT_NE(asked.find("\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n"),
              std::string::npos);
    EXPECT_NE(asked.find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST_F(ProbeTest, NamesTheHostItWasGiven) {
    policy.healthCheck.host = "shop.example";
    answered("HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_NE(asked.find("\r\nHost: shop.example\r\n"), std::string::npos);
}

TEST_F(ProbeTest, JudgesByTheStatus) {
    EXPECT_TRUE(answered("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n").good);
    const ProbeResult bad = answered("HTTP/1.1 503 No\r\n\r\n");
    EXPECT_FALSE(bad.good);
    EXPECT_EQ(bad.detail, "status 503");
    policy.healthCheck.statusLow = policy.healthCheck.statusHigh = 204;
    EXPECT_FALSE(answered("HTTP/1.1 200 OK\r\n\r\n").good);
    EXPECT_TRUE(answered("HTTP/1.1 204 No Content\r\n\r\n").good);
}

TEST_F(ProbeTest, PassesOverInterimResponses) {
    EXPECT_TRUE(answered("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n").good);
    std::string many;
    for (int i = 0; i < 20; ++i)
        many += "HTTP/1.1 102 Processing\r\n\r\n";
    EXPECT_FALSE(answered(many + "HTTP/1.1 200 OK\r\n\r\n").good);
}

TEST_F(ProbeTest, NeedsNoMoreThanTheHead) {
    EXPECT_TRUE(answered("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nonly this").good);
}

TEST_F(ProbeTest, RefusesWhatIsNoResponse) {
    EXPECT_FALSE(answered("220 smtp.example ESMTP\r\n").good);
    EXPECT_FALSE(answered("").good);
    EXPECT_FALSE(answered("HTTP/1.1 200 OK\r\nX: " + std::string(64'000, 'x') + "\r\n\r\n").good);
}

TEST_F(ProbeTest, TcpNeedsAConnectionOnly) {
    policy.healthCheck.type = HealthCheckType::tcp;
    const test::RawListener listener;
    EXPECT_TRUE(run(listener.port()).good);
}

TEST_F(ProbeTest, SaysThatNobodyListens) {
    std::uint16_t closed = 0;
    {
        const test::RawListener listener;
        closed = listener.port();
    }
    const ProbeResult result = run(closed);
    EXPECT_FALSE(result.good);
    EXPECT_EQ(result.detail, "connect: Connection refused");
}

TEST_F(ProbeTest, EndsAtItsDeadline) {
    policy.healthCheck.timeout = std::chrono::milliseconds(50);
    const test::RawListener silent;  // takes the connection and never answers
    EXPECT_EQ(run(silent.port()).detail, "response: timed out");
}

TEST_F(ProbeTest, SpeaksTlsToAnHttpsBackend) {
    policy.protocol = model::BackendProtocol::https;
    std::string hello;
    ScriptedEndpoint endpoint([&](RawConnection& connection, int) {
        hello = connection.readExactly(3);
        connection.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    const ProbeResult result = run(endpoint.port());
    EXPECT_FALSE(result.good);
    EXPECT_EQ(result.detail.substr(0, 5), "TLS: ");
    EXPECT_EQ(hello.substr(0, 2), std::string("\x16\x03"));  // a handshake record
}

TEST_F(ProbeTest, AuthoritiesThatAreNoneAreABadCheck) {
    policy.protocol = model::BackendProtocol::https;
    policy.tlsVerify = true;
    policy.tlsAuthorities = "no certificate";
    const test::RawListener listener;
    const ProbeResult result = run(listener.port());
    EXPECT_FALSE(result.good);
    EXPECT_EQ(result.detail.substr(0, 24), "certificate authorities:");
}

}  // namespace
}  // namespace evergate::health
