// SPDX-License-Identifier: Apache-2.0
// Limits of client connections: in all, by listener, by client. Whoever is over one is told which.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using http::ProxyError;
using Next = RawConnection::Next;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

// Of a client at this loopback address.
RawConnection connectFrom(const char* source, std::uint16_t port) {
    sockaddr_in from{};
    from.sin_family = AF_INET;
    ::inet_pton(AF_INET, source, &from.sin_addr);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    RawConnection connection(fd);
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from), 0);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    return connection;
}

worker::WorkerPoolOptions options(unsigned workers, std::uint32_t maxConnections = 0) {
    worker::WorkerPoolOptions options;
    options.workers = workers;
    options.maxConnections = maxConnections;
    return options;
}

class ConnectionLimits : public testing::Test {
protected:
    std::uint64_t refused(ProxyFixture& proxy, ProxyError error) {
        return proxy.counters().errors[static_cast<std::size_t>(error)];
    }

    // A connection with one request answered on it.
    RawConnection served(ProxyFixture& proxy) {
        RawConnection client = proxy.client();
        client.send(kGet);
        EXPECT_EQ(client.readResponse().status, 200);
        return client;
    }

    void expectRefused(RawConnection& client, int status) {
        client.send(kGet);
        const auto response = client.readResponse();
        EXPECT_EQ(response.status, status);
        EXPECT_NE(response.head.find("\r\nRetry-After: "), std::string::npos) << response.head;
        EXPECT_NE(response.head.find("\r\nConnection: close"), std::string::npos);
        EXPECT_EQ(client.next(), Next::end);
    }

    ScriptedEndpoint endpoint{answerAll("ok")};
};

TEST_F(ConnectionLimits, TheGlobalOneIsExactOverWorkers) {
    ProxyFixture proxy({}, options(3, 4));
    proxy.serve({endpoint.port()});
    std::vector<RawConnection> clients;
    for (int i = 0; i < 12; ++i) {
        clients.push_back(proxy.client());
        clients.back().send(kGet);
    }
    // Those that are served stay open, so that it does not matter when which one is accepted.
    int ok = 0;
    int told = 0;
    for (RawConnection& client : clients) {
        const auto response = client.readResponse();
        ok += response.status == 200;
        told += response.status == 503;
    }
    EXPECT_EQ(ok, 4);
    EXPECT_EQ(told, 8);
    EXPECT_EQ(refused(proxy, ProxyError::tooManyConnections), 8u);
    EXPECT_EQ(proxy.pool().limitUse().connections, 4u);
    clients.clear();
    ASSERT_TRUE(proxy.eventuallyQuiet());
    EXPECT_EQ(proxy.pool().limitUse().connections, 0u);
    served(proxy);
}

TEST_F(ConnectionLimits, OfAListenerChangeWhileItServes) {
    ProxyFixture proxy({}, options(2));
    proxy.serve({endpoint.port()});
    const std::uint16_t second = proxy.openListener("second");
    proxy.listener("http").maxConnections = 1;
    proxy.publish();
    RawConnection first = served(proxy);
    RawConnection over = proxy.client();
    expectRefused(over, 503);
    EXPECT_EQ(refused(proxy, ProxyError::listenerConnections), 1u);
    RawConnection elsewhere = RawConnection::connect(second);
    elsewhere.send(kGet);
    EXPECT_EQ(elsewhere.readResponse().status, 200);

    proxy.listener("http").maxConnections = 2;
    proxy.publish();
    RawConnection more = served(proxy);
    RawConnection again = proxy.client();
    expectRefused(again, 503);
    // Nobody is cut because a limit came down.
    proxy.listener("http").maxConnections = 1;
    proxy.publish();
    for (RawConnection* client : {&first, &more}) {
        client->send(kGet);
        EXPECT_EQ(client->readResponse().status, 200);
    }
    std::uint64_t counted = 0;
    for (const auto& stats : proxy.stats()) {
        for (const auto& listener : stats.listeners)
            counted += listener.refused;
    }
    EXPECT_EQ(counted, 2u);
}

TEST_F(ConnectionLimits, WhereNoHttpIsSpokenItIsAReset) {
    ProxyFixture proxy({}, options(1));
    proxy.serve({endpoint.port()});
    const std::uint16_t secure = proxy.openSecureListener();
    const std::uint16_t plain = proxy.openListener("tcp", 0, model::ListenerProtocol::tcp);
    proxy.listener("https").maxConnections = 1;
    proxy.listener("tcp").maxConnections = 1;
    proxy.publish();

    RawConnection tls = RawConnection::connect(secure);
    ASSERT_TRUE(tls.secure({})) << tls.tlsError();
    RawConnection overTls = RawConnection::connect(secure);
    overTls.send("\x16\x03\x01");
    EXPECT_EQ(overTls.next(), Next::reset);

    RawConnection tcp = RawConnection::connect(plain);
    tcp.send(kGet);
    EXPECT_EQ(tcp.readResponse().status, 200);
    RawConnection overTcp = RawConnection::connect(plain);
    EXPECT_EQ(overTcp.next(), Next::reset);
    EXPECT_EQ(refused(proxy, ProxyError::listenerConnections), 2u);
}

TEST_F(ConnectionLimits, OfAClientAreForAllWorkersAndOneAddress) {
    model::Settings settings;
    settings.maxConnectionsPerClient = 2;
    ProxyFixture proxy(settings, options(3));
    proxy.serve({endpoint.port()});
    RawConnection one = served(proxy);
    RawConnection two = served(proxy);
    RawConnection three = proxy.client();
    expectRefused(three, 429);
    RawConnection neighbour = connectFrom("127.0.0.2", proxy.port());
    neighbour.send(kGet);
    EXPECT_EQ(neighbour.readResponse().status, 200);
    EXPECT_EQ(proxy.pool().limitUse().clients, 2u);
    EXPECT_EQ(refused(proxy, ProxyError::clientConnections), 1u);

    one.close();
    ASSERT_TRUE(proxy.eventually([&] { return proxy.pool().limitUse().connections == 2; }));
    RawConnection next = served(proxy);
    // Without a limit nobody is counted any more; those that were are given back all the same.
    proxy.settings().maxConnectionsPerClient = 0;
    proxy.publish();
    RawConnection free = served(proxy);
    for (RawConnection* client : {&two, &next, &free, &neighbour})
        client->close();
    ASSERT_TRUE(proxy.eventually([&] { return proxy.pool().limitUse().connections == 0; }));
    EXPECT_EQ(proxy.pool().limitUse().clients, 0u);
}

TEST_F(ConnectionLimits, TheAccessLogSaysWhich) {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / ("refused." + std::to_string(::getpid()) + ".log");
    worker::WorkerPoolOptions logging = options(1, 1);
    logging.accessLog = http::AccessLogFormat::json;
    logging.accessLogPath = file.string();
    {
        ProxyFixture proxy({}, logging);
        proxy.serve({endpoint.port()});
        RawConnection first = served(proxy);
        RawConnection over = proxy.client();
        expectRefused(over, 503);
    }
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    std::filesystem::remove(file);
    EXPECT_NE(text.str().find(R"("error":"too_many_connections")"), std::string::npos)
        << text.str();
    EXPECT_NE(text.str().find(R"("status":503)"), std::string::npos);
}

TEST_F(ConnectionLimits, EndpointsSeeTheSourceAddressesInTurn) {
    worker::WorkerPoolOptions from = options(1);
    from.sources = {*net::SocketAddress::parse("127.0.0.5", 0),
                    *net::SocketAddress::parse("127.0.0.6", 0)};
    RawListener other;
    ProxyFixture proxy({}, from);
    proxy.serve({other.port()});
    std::vector<RawConnection> clients;
    for (const std::string_view expected : {"127.0.0.5", "127.0.0.6", "127.0.0.5"}) {
        clients.push_back(proxy.client());
        clients.back().send(kGet);
        RawConnection upstream = other.accept();
        ASSERT_TRUE(upstream.open());
        char text[net::SocketAddress::kMaxText];
        EXPECT_EQ(net::SocketAddress::peerOf(upstream.fd()).text(text), expected);
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        EXPECT_EQ(clients.back().readResponse().status, 200);
    }
}

TEST_F(ConnectionLimits, NoLocalPortOnAnySourceIsA503OfItsOwn) {
    worker::WorkerPoolOptions from = options(1);
    from.sources = {*net::SocketAddress::parse("192.0.2.1", 0)};  // nobody's (TEST-NET-1)
    ProxyFixture proxy({}, from);
    proxy.serve({endpoint.port()});
    RawConnection client = proxy.client();
    client.send(kGet);
    const auto response = client.readResponse();
    EXPECT_EQ(response.status, 503);
    EXPECT_NE(response.head.find("\r\nRetry-After: "), std::string::npos);
    EXPECT_EQ(refused(proxy, ProxyError::noLocalPorts), 1u);
    // It says nothing about the endpoint.
    EXPECT_EQ(proxy.backends().front().failing, 0u);
}

}  // namespace
}  // namespace evergate::test
