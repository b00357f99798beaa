// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol on both sides of the proxy: who must send a header, what becomes of the
// address in it, what endpoints are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "dataplane/net/proxy_header.hpp"
#include "tests/support/access_log_file.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using http::ProxyError;
using model::ListenerProtocol;
using model::ProxyProtocol;
using Next = RawConnection::Next;
using session::ProxyHeaderOutcome;
using testing::AllOf;
using testing::HasSubstr;

const std::string kLine = "PROXY TCP4 192.0.2.9 198.51.100.1 51234 443\r\n";
const std::string kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

net::SocketAddress at(const char* address, std::uint16_t port) {
    return *net::SocketAddress::parse(address, port);
}

class ProxyProtocolIn : public testing::Test {
protected:
    ProxyProtocolIn() {
        proxy.serve({endpoint.port()});
        expectFrom("http", {"127.0.0.0/8"});
    }

    void expectFrom(const std::string& listener, const std::vector<std::string>& networks) {
        proxy.listener(listener).proxyProtocolFrom = networks;
        proxy.publish();
    }

    // What the endpoint got when a client sent `bytes`.
    std::string told(const std::string& bytes) {
        RawConnection client = proxy.client();
        client.send(bytes);
        return client.readResponse().body;
    }

    std::uint64_t outcomes(ProxyHeaderOutcome outcome) {
        return proxy.counters().proxyHeaders[static_cast<std::size_t>(outcome)];
    }

    std::uint64_t errors(ProxyError error) {
        return proxy.counters().errors[static_cast<std::size_t>(error)];
    }

    AccessLogFile log{"proxy_protocol"};
    ScriptedEndpoint endpoint{tellHead()};
    ProxyFixture proxy{{}, log.options()};
};

TEST_F(ProxyProtocolIn, NamesTheClient) {
    const std::string client = "X-Forwarded-For: 192.0.2.9\r\nX-Real-IP: 192.0.2.9\r\n";
    EXPECT_THAT(told(kLine + kRequest), HasSubstr(client));
    EXPECT_THAT(told(net::composeProxyV2(at("192.0.2.9", 51234), at("198.51.100.1", 443), {"a"}) +
                     kRequest),
                HasSubstr(client));
    EXPECT_EQ(outcomes(ProxyHeaderOutcome::proxied), 2u);
    ASSERT_TRUE(proxy.eventually([&] { return log.lines().size() == 2; }));
    for (const nlohmann::json& line : log.lines()) {
        EXPECT_EQ(line["client"], "192.0.2.9");
        EXPECT_EQ(line["client_port"], 51234);
    }
    // The connection is counted once.
    EXPECT_EQ(proxy.counters().accepted, 2u);
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(ProxyProtocolIn, ConnectionGoesOnBehindTheHeader) {
    RawConnection client = proxy.client();
    client.send(kLine + kRequest + kRequest);
    for (int i = 0; i < 2; ++i)
        EXPECT_THAT(client.readResponse().body, HasSubstr("X-Real-IP: 192.0.2.9"));
    // A second header is a request like any other.
    client.send(kLine + kRequest);
    EXPECT_EQ(client.readResponse().status, 400);
}

TEST_F(ProxyProtocolIn, ArrivesByteByByte) {
    for (const std::string& header :
         {kLine, net::composeProxyV2(at("192.0.2.9", 51234), at("198.51.100.1", 443))}) {
        RawConnection client = proxy.client();
        for (const char byte : header) {
            client.send({&byte, 1});
            // The proxy gets it before the next one is sent: it answers to nothing yet.
            EXPECT_TRUE(client.quiet());
        }
        EXPECT_TRUE(proxy.eventually([&] {
            const auto all = proxy.connections();
            return all.size() == 1 && all.front().client == "192.0.2.9:51234";
        }));
        client.send(kRequest);
        EXPECT_THAT(client.readResponse().body, HasSubstr("X-Real-IP: 192.0.2.9"));
        client.close();
        EXPECT_TRUE(proxy.eventuallyQuiet());
    }
}

TEST_F(ProxyProtocolIn, LocalOnesSpeakForThemselves) {
    EXPECT_THAT(told(std::string(net::localProxyV2()) + kRequest),
                HasSubstr("X-Real-IP: 127.0.0.1"));
    EXPECT_THAT(told("PROXY UNKNOWN\r\n" + kRequest), HasSubstr("X-Real-IP: 127.0.0.1"));
    EXPECT_EQ(outcomes(ProxyHeaderOutcome::local), 2u);
}

TEST_F(ProxyProtocolIn, CutsWhoSendsNone) {
    for (const std::string& bytes :
         {kRequest, std::string("\x16\x03\x01\x02"), std::string("PROXY TCP4 a b 1 2\r\n")}) {
        RawConnection client = proxy.client();
        client.send(bytes);
        EXPECT_EQ(client.next(), Next::reset);
    }
    RawConnection half = proxy.client();
    half.send(kLine.substr(0, 20));
    half.shutdownWrite();
    EXPECT_EQ(half.next(), Next::reset);
    EXPECT_EQ(outcomes(ProxyHeaderOutcome::malformed), 4u);
    EXPECT_EQ(errors(ProxyError::badProxyHeader), 4u);
    ASSERT_TRUE(proxy.eventually([&] { return log.lines().size() == 4; }));
    for (const nlohmann::json& line : log.lines()) {
        EXPECT_EQ(line["error"], "bad_proxy_header");
        EXPECT_EQ(line["client"], "127.0.0.1");
        EXPECT_EQ(line["route"], "http");
        EXPECT_FALSE(line["proxy_problem"].get<std::string>().empty());
    }
    EXPECT_TRUE(proxy.eventuallyQuiet());
}

TEST_F(ProxyProtocolIn, LetsGoOfWhoLeaves) {
    proxy.client().close();
    EXPECT_TRUE(proxy.eventually([&] { return outcomes(ProxyHeaderOutcome::closed) == 1; }));
    EXPECT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(errors(ProxyError::badProxyHeader), 0u);
}

TEST_F(ProxyProtocolIn, IsDueWithinTheHeadTimeout) {
    proxy.settings().headTimeout = std::chrono::milliseconds(300);
    proxy.publish();
    RawConnection client = proxy.client();
    client.send(kLine.substr(0, 10));
    EXPECT_EQ(client.next(), Next::reset);
    EXPECT_EQ(outcomes(ProxyHeaderOutcome::timeout), 1u);
}

TEST_F(ProxyProtocolIn, DrainDoesNotWaitForIt) {
    RawConnection client = proxy.client();
    client.send("P");
    ASSERT_TRUE(proxy.eventuallyIn("proxy_header"));
    EXPECT_EQ(proxy.drain(std::chrono::milliseconds(100)), 1u);
    EXPECT_NE(client.next(), Next::nothing);
}

TEST_F(ProxyProtocolIn, IsABadRequestFromElsewhere) {
    expectFrom("http", {"192.0.2.0/24"});
    RawConnection client = proxy.client();
    client.send(kLine + kRequest);
    EXPECT_EQ(client.readResponse().status, 400);
    EXPECT_THAT(told(kRequest), HasSubstr("X-Real-IP: 127.0.0.1"));
    EXPECT_EQ(errors(ProxyError::badProxyHeader), 0u);
}

TEST_F(ProxyProtocolIn, DecidesWhoIsServed) {
    proxy.route().restrictSources = true;
    proxy.route().allowSources = {"192.0.2.0/24"};
    proxy.publish();
    RawConnection client = proxy.client();
    client.send(kLine + kRequest);
    EXPECT_EQ(client.readResponse().status, 200);
    RawConnection other = proxy.client();
    other.send("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + kRequest);
    EXPECT_EQ(other.readResponse().status, 403);
}

TEST_F(ProxyProtocolIn, IsWhomLimitsCount) {
    proxy.settings().maxConnectionsPerClient = 1;
    proxy.publish();
    RawConnection first = proxy.client();
    first.send(kLine + kRequest);
    EXPECT_EQ(first.readResponse().status, 200);
    RawConnection second = proxy.client();
    second.send("PROXY TCP4 192.0.2.10 198.51.100.1 51234 443\r\n" + kRequest);
    EXPECT_EQ(second.readResponse().status, 200);
    RawConnection again = proxy.client();
    again.send(kLine + kRequest);
    EXPECT_NE(again.readResponse().status, 200);
    EXPECT_EQ(errors(ProxyError::clientConnections), 1u);
}

TEST_F(ProxyProtocolIn, ComesBeforeTls) {
    const std::uint16_t port = proxy.openSecureListener("https");
    expectFrom("https", {"127.0.0.1"});
    RawConnection client = RawConnection::connect(port);
    client.send(kLine);
    ASSERT_TRUE(client.secure({})) << client.tlsError();
    client.send(kRequest);
    EXPECT_THAT(client.readResponse().body,
                AllOf(HasSubstr("X-Real-IP: 192.0.2.9"), HasSubstr("X-Forwarded-Proto: https")));
}

TEST_F(ProxyProtocolIn, ServesTcpListeners) {
    RawListener backend;
    proxy.setEndpoints({backend.port()});
    const std::uint16_t port = proxy.openListener("tcp", 0, ListenerProtocol::tcp);
    proxy.listener("tcp").restrictSources = true;
    proxy.listener("tcp").allowSources = {"192.0.2.0/24"};
    expectFrom("tcp", {"127.0.0.1"});
    RawConnection client = RawConnection::connect(port);
    client.send(kLine + "hello");
    RawConnection upstream = backend.accept();
    EXPECT_EQ(upstream.readExactly(5), "hello");
    upstream.send("world");
    EXPECT_EQ(client.readExactly(5), "world");
    RawConnection stranger = RawConnection::connect(port);
    stranger.send("PROXY TCP4 203.0.113.1 198.51.100.1 1 2\r\nhello");
    EXPECT_EQ(stranger.next(), Next::reset);
}

// Not a byte more: TLS may follow.
std::string takeHeader(int fd) {
    std::string header(16, '\0');
    std::size_t wanted = 16;
    for (std::size_t got = 0; got < wanted;) {
        header.resize(wanted);
        const ssize_t more = ::recv(fd, header.data() + got, wanted - got, 0);
        if (more <= 0)
            return {};
        got += static_cast<std::size_t>(more);
        if (got == 16 && header.front() == '\r')
            wanted += static_cast<std::uint8_t>(header[15]);
        if (got == wanted && header.front() == 'P' && !header.ends_with("\r\n"))
            ++wanted;
    }
    return header;
}

class ProxyProtocolOut : public testing::Test {
protected:
    // Each connection's header, as it came.
    void serve(ProxyProtocol version, bool tls = false) {
        endpoint = std::make_unique<ScriptedEndpoint>([this, tls](RawConnection& connection, int) {
            const std::string header = takeHeader(connection.fd());
            note(header);
            if (tls && !connection.secureAsServer(options))
                return;
            tellHead()(connection, 0);
        });
        backend.proxyProtocol = version;
        if (tls) {
            CertificateRequest request;
            request.dnsNames = {"shop.internal"};
            options.certificates = {authority.issue(request)};
            backend.protocol = model::BackendProtocol::https;
        }
        proxy = std::make_unique<ProxyFixture>();
        proxy->serve({endpoint->port()}, backend);
    }

    void note(const std::string& header) {
        const std::lock_guard lock(mutex);
        headers.push_back(header);
    }

    std::vector<std::string> seen() {
        const std::lock_guard lock(mutex);
        return headers;
    }

    net::ProxyHeader last() {
        net::ProxyHeader header;
        EXPECT_EQ(net::parseProxyHeader(seen().back(), header).status,
                  net::ProxyHeaderStatus::complete);
        EXPECT_EQ(header.bytes, seen().back().size());
        return header;
    }

    RawConnection::Response ask(RawConnection& client, const std::string& host = "shop.example") {
        client.send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
        return client.readResponse();
    }

    static std::uint16_t portOf(const RawConnection& client) {
        return net::SocketAddress::localOf(client.fd()).port();
    }

    TemporaryAuthority authority;
    TlsOptions options;
    model::Backend backend;
    std::mutex mutex;
    std::vector<std::string> headers;
    std::unique_ptr<ScriptedEndpoint> endpoint;
    std::unique_ptr<ProxyFixture> proxy;
};

TEST_F(ProxyProtocolOut, NamesTheClientInVersion1) {
    serve(ProxyProtocol::v1);
    RawConnection client = proxy->client();
    EXPECT_EQ(ask(client).status, 200);
    EXPECT_EQ(seen().back(), "PROXY TCP4 127.0.0.1 127.0.0.1 " + std::to_string(portOf(client)) +
                                 " " + std::to_string(proxy->port()) + "\r\n");
}

TEST_F(ProxyProtocolOut, NamesClientAndHostInVersion2) {
    serve(ProxyProtocol::v2);
    RawConnection client = proxy->client();
    EXPECT_EQ(ask(client, "shop.example:8080").status, 200);
    EXPECT_EQ(last().source, at("127.0.0.1", portOf(client)));
    EXPECT_EQ(last().destination, at("127.0.0.1", proxy->port()));
    EXPECT_THAT(seen().back(), HasSubstr(std::string("\x02\0\x0cshop.example\x03\0\x04", 18)));
}

TEST_F(ProxyProtocolOut, ComesBeforeTls) {
    serve(ProxyProtocol::v2, true);
    RawConnection client = proxy->client();
    EXPECT_EQ(ask(client).status, 200);
    EXPECT_EQ(last().source.port(), portOf(client));
}

TEST_F(ProxyProtocolOut, ConnectionsBelongToOneClient) {
    serve(ProxyProtocol::v1);
    RawConnection first = proxy->client();
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(ask(first).status, 200);
    EXPECT_EQ(seen().size(), 1u);
    RawConnection second = proxy->client();
    EXPECT_EQ(ask(second).status, 200);
    EXPECT_EQ(seen().size(), 2u);
    EXPECT_NE(seen()[0], seen()[1]);
    EXPECT_EQ(ask(first).status, 200);
    EXPECT_EQ(seen().size(), 2u);
}

TEST_F(ProxyProtocolOut, PassesOnWhatCameIn) {
    serve(ProxyProtocol::v2);
    proxy->listener("http").proxyProtocolFrom = {"127.0.0.1"};
    proxy->publish();
    RawConnection client = proxy->client();
    client.send(kLine);
    EXPECT_EQ(ask(client).status, 200);
    EXPECT_EQ(last().source, at("192.0.2.9", 51234));
    EXPECT_EQ(last().destination, at("198.51.100.1", 443));
}

// What is not told is not there: the header ends with its checksum.
constexpr std::string_view kNothingElse("\x03\0\x04", 3);

std::string tlv(char type, const std::string& value) {
    return std::string{type, static_cast<char>(value.size() >> 8),
                       static_cast<char>(value.size() & 0xff)} +
           value;
}

TEST_F(ProxyProtocolOut, PassesTheUniqueIdOn) {
    serve(ProxyProtocol::v2);
    proxy->listener("http").proxyProtocolFrom = {"127.0.0.1"};
    proxy->publish();
    const std::string id(
        "a\0\xff"
        "b",
        4);
    RawConnection client = proxy->client();
    client.send(net::composeProxyV2(at("192.0.2.9", 51234), at("198.51.100.1", 443),
                                    {.authority = "ignored.example", .uniqueId = id}));
    EXPECT_EQ(ask(client).status, 200);
    EXPECT_EQ(ask(client).status, 200);
    EXPECT_EQ(seen().size(), 1u);
    EXPECT_EQ(last().source, at("192.0.2.9", 51234));
    EXPECT_THAT(seen().back(),
                HasSubstr(tlv(0x02, "shop.example") + tlv(0x05, id) + std::string(kNothingElse)));
}

TEST_F(ProxyProtocolOut, SaysWhatTheClientsTlsIs) {
    serve(ProxyProtocol::v2);
    const std::uint16_t port = proxy->openSecureListener("https");
    RawConnection client = RawConnection::connect(port);
    TlsOptions secure;
    secure.serverName = "named.example";
    ASSERT_TRUE(client.secure(secure)) << client.tlsError();
    EXPECT_EQ(ask(client).status, 200);
    // The client used TLS and showed no certificate.
    const std::string tls = std::string("\x01\0\0\0\x01", 5) + tlv(0x21, client.tls().version()) +
                            tlv(0x23, client.tls().cipher());
    EXPECT_THAT(seen().back(),
                HasSubstr(tlv(0x02, "named.example") + tlv(0x20, tls) + std::string(kNothingElse)));
}

// A client that a trusted proxy names without a port may be several.
TEST_F(ProxyProtocolOut, NamesTheClientOfATrustedProxy) {
    serve(ProxyProtocol::v1);
    proxy->settings().trustedProxies = {"127.0.0.1"};
    proxy->publish();
    RawConnection client = proxy->client();
    for (std::size_t i = 1; i <= 2; ++i) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n");
        EXPECT_EQ(client.readResponse().status, 200);
        EXPECT_EQ(seen().size(), i);
        EXPECT_EQ(last().source, at("192.0.2.7", 0));
    }
}

TEST_F(ProxyProtocolOut, ServesTcpListeners) {
    serve(ProxyProtocol::v1);
    RawListener raw;
    proxy->setEndpoints({raw.port()});
    const std::uint16_t port = proxy->openListener("tcp", 0, ListenerProtocol::tcp);
    RawConnection client = RawConnection::connect(port);
    RawConnection upstream = raw.accept();
    // Before the client has said a word: the endpoint may speak first.
    EXPECT_EQ(upstream.readUntil("\r\n"), "PROXY TCP4 127.0.0.1 127.0.0.1 " +
                                              std::to_string(portOf(client)) + " " +
                                              std::to_string(port) + "\r\n");
    upstream.send("220 ready");
    EXPECT_EQ(client.readExactly(9), "220 ready");
}

}  // namespace
}  // namespace evergate::test
