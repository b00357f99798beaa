// SPDX-License-Identifier: Apache-2.0
// A peer that leaves is seen in every state by its leaving: all deadlines are ten minutes here, so
// none of them explains why the other side is let go within seconds.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using namespace std::chrono_literals;
using Next = RawConnection::Next;
using http::ProxyError;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kUpload =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n";
constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kEndless = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";

model::Settings patientSettings() {
    model::Settings settings;
    settings.headTimeout = settings.handshakeTimeout = settings.keepAliveTimeout = 10min;
    settings.bodyTimeout = settings.writeTimeout = settings.halfCloseTimeout = 10min;
    settings.minimumBodyRate = 0;
    return settings;
}

model::Backend patientBackend() {
    model::Backend backend;
    backend.connectTimeout = backend.responseTimeout = backend.inactivityTimeout = 10min;
    backend.queueTimeout = 10min;
    backend.retries = 0;
    return backend;
}

// A proxy and the two ends of what goes through it.
class Stage {
public:
    Stage() { proxy.serve({endpoint.port()}, patientBackend()); }

    void ask(std::string_view request, int receiveBuffer = 0, int endpointBuffer = 0) {
        client = proxy.client(receiveBuffer);
        client.send(request);
        upstream = endpoint.accept(endpointBuffer);
        upstream.readUntil("\r\n\r\n");
    }

    // One slot, which somebody else has.
    void occupy(bool abortOnClientClose = true) {
        model::Backend backend = patientBackend();
        backend.maxConnections = 1;
        backend.abortOnClientClose = abortOnClientClose;
        proxy.serve({endpoint.port()}, backend);
        other = proxy.client();
        other.send(kGet);
        otherUpstream = endpoint.accept();
        otherUpstream.readUntil("\r\n\r\n");
        others = 1;
    }

    void connectTcp(int receiveBuffer = 0) {
        client = RawConnection::connect(proxy.openListener("tcp", 0, model::ListenerProtocol::tcp),
                                        receiveBuffer);
    }

    void openTcp(int receiveBuffer = 0, int endpointBuffer = 0) {
        connectTcp(receiveBuffer);
        upstream = endpoint.accept(endpointBuffer);
    }

    bool in(std::string_view phase) {
        for (const auto& connection : proxy.connections()) {
            if (connection.state == phase)
                return true;
        }
        return false;
    }

    // Sends until no more is taken and the connection is in that phase.
    void stuff(RawConnection& from, std::string_view phase) {
        const std::string block(1 << 20, 'x');
        EXPECT_TRUE(proxy.eventually([&] {
            bool moved = false;
            while (::send(from.fd(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
                moved = true;
            return !moved && in(phase);
        })) << phase;
    }

    // As stuff(), where no phase of its own tells.
    void stuff(RawConnection& from) {
        const std::string block(1 << 20, 'x');
        int refused = 0;
        EXPECT_TRUE(proxy.eventually([&] {
            const auto sent =
                ::send(from.fd(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            refused = sent > 0 ? 0 : refused + 1;
            return refused == 100;
        }));
    }

    bool onlyOthersLeft() {
        return proxy.eventually([&] { return proxy.counters().activeConnections == others; });
    }

    RawListener endpoint;
    BlackHole nowhere;
    ProxyFixture proxy{patientSettings()};
    RawConnection client;
    RawConnection upstream;
    RawConnection other;
    RawConnection otherUpstream;
    std::uint64_t others = 0;
};

// Reads what there is; true when the end or a reset came behind it.
bool seesTheEnd(RawConnection& connection) {
    connection.readAll();
    return connection.next() == Next::end || connection.next() == Next::reset;
}

struct State {
    const char* name;
    const char* phase;  // as the admin API calls it; "": it is another one's, too
    bool finEnds;       // a client that closes its side ends it: nobody else does
    void (*reach)(Stage&);
};

const State kStates[] = {
    {"TlsHandshake", "tls_handshake", true,
     [](Stage& stage) {
         stage.client = RawConnection::connect(stage.proxy.openSecureListener());
         stage.client.send("\x16\x03\x01");
     }},
    {"Head", "head", true,
     [](Stage& stage) {
         stage.client = stage.proxy.client();
         stage.client.send("GET / HTTP/1.1\r\nHo");
     }},
    {"Idle", "idle", true,
     [](Stage& stage) {
         stage.ask(kGet);
         stage.upstream.send(kOk);
         EXPECT_EQ(stage.client.readResponse().body, "ok");
         stage.upstream.close();
     }},
    {"Queued", "queued", true,
     [](Stage& stage) {
         stage.occupy();
         stage.client = stage.proxy.client();
         stage.client.send(kGet);
     }},
    {"Connecting", "connecting", true,
     [](Stage& stage) {
         stage.proxy.setEndpoints({stage.nowhere.port()});
         stage.client = stage.proxy.client();
         stage.client.send(kGet);
     }},
    {"RequestBody", "request_body", true, [](Stage& stage) { stage.ask(kUpload); }},
    // A FIN waits in the client's kernel, behind what we have no room for.
    {"RequestBlocked", "request_blocked", false,
     [](Stage& stage) {
         stage.ask(kUpload, 0, 4'096);
         stage.stuff(stage.client, "request_blocked");
     }},
    {"AwaitingResponse", "await_response", true, [](Stage& stage) { stage.ask(kGet); }},
    {"ResponseBody", "response_body", true,
     [](Stage& stage) {
         stage.ask(kGet);
         stage.upstream.send(kEndless);
         stage.client.readUntil("\r\n\r\n");
     }},
    {"ClientBlocked", "client_blocked", true,
     [](Stage& stage) {
         stage.ask(kGet, 4'096);
         stage.upstream.send(kEndless);
         stage.stuff(stage.upstream, "client_blocked");
     }},
    {"Tunnel", "tunnel", false,
     [](Stage& stage) {
         stage.ask(kUpgrade);
         stage.upstream.send(kSwitch);
         stage.client.readUntil("\r\n\r\n");
     }},
    {"TunnelTheClientHalfClosed", "tunnel_closing", false,
     [](Stage& stage) {
         stage.ask(kUpgrade);
         stage.upstream.send(kSwitch);
         stage.client.readUntil("\r\n\r\n");
         stage.client.shutdownWrite();
         EXPECT_EQ(stage.upstream.next(), Next::end);
     }},
    {"TunnelTheEndpointHalfClosed", "tunnel_closing", true,
     [](Stage& stage) {
         stage.ask(kUpgrade);
         stage.upstream.send(kSwitch);
         stage.client.readUntil("\r\n\r\n");
         stage.upstream.shutdownWrite();
         EXPECT_EQ(stage.client.next(), Next::end);
     }},
    {"TunnelTheClientBlocked", "client_blocked", false,
     [](Stage& stage) {
         stage.ask(kUpgrade, 4'096);
         stage.upstream.send(kSwitch);
         stage.client.readUntil("\r\n\r\n");
         stage.stuff(stage.upstream, "client_blocked");
     }},
    {"TunnelTheEndpointBlocked", "request_blocked", false,
     [](Stage& stage) {
         stage.ask(kUpgrade, 0, 4'096);
         stage.upstream.send(kSwitch);
         stage.client.readUntil("\r\n\r\n");
         stage.stuff(stage.client, "request_blocked");
     }},
    {"TunnelTheEndpointBlockedAndHalfClosed", "request_blocked", false,
     [](Stage& stage) {
         stage.ask(kUpgrade, 0, 4'096);
         stage.upstream.send(kSwitch);
         stage.client.readUntil("\r\n\r\n");
         stage.upstream.shutdownWrite();
         EXPECT_EQ(stage.client.next(), Next::end);
         stage.stuff(stage.client, "request_blocked");
     }},
    {"TcpQueued", "queued", true,
     [](Stage& stage) {
         stage.occupy();
         stage.connectTcp();
     }},
    {"TcpConnecting", "connecting", false,
     [](Stage& stage) {
         stage.proxy.setEndpoints({stage.nowhere.port()});
         stage.connectTcp();
     }},
    {"TcpTunnel", "tunnel", false, [](Stage& stage) { stage.openTcp(); }},
    {"TcpTheClientBlocked", "tunnel", false,
     [](Stage& stage) {
         stage.openTcp(4'096);
         stage.stuff(stage.upstream);
     }},
    {"TcpTheEndpointBlocked", "tunnel", false,
     [](Stage& stage) {
         stage.openTcp(0, 4'096);
         stage.stuff(stage.client);
     }},
};

class ClientLeaves : public testing::TestWithParam<State> {};

TEST_P(ClientLeaves, ByAReset) {
    Stage stage;
    GetParam().reach(stage);
    ASSERT_TRUE(stage.proxy.eventuallyIn(GetParam().phase));
    stage.client.reset();
    EXPECT_TRUE(stage.onlyOthersLeft());
    EXPECT_TRUE(!stage.upstream.open() || seesTheEnd(stage.upstream));
}

TEST_P(ClientLeaves, ByAClose) {
    if (!GetParam().finEnds)
        return;  // a half-close, with somebody behind it
    Stage stage;
    GetParam().reach(stage);
    ASSERT_TRUE(stage.proxy.eventuallyIn(GetParam().phase));
    stage.client.shutdownWrite();
    EXPECT_TRUE(stage.onlyOthersLeft());
    EXPECT_TRUE(!stage.upstream.open() || seesTheEnd(stage.upstream));
}

INSTANTIATE_TEST_SUITE_P(States, ClientLeaves, testing::ValuesIn(kStates),
                         [](const auto& state) { return std::string(state.param.name); });

class EndpointLeaves : public testing::TestWithParam<State> {
protected:
    // An answer when none had begun, otherwise a broken one.
    static void expectTold(Stage& stage) {
        const std::string got = stage.client.readUntil("\r\n\r\n");
        if (got.starts_with("HTTP/1.1 502"))
            return;
        EXPECT_TRUE(seesTheEnd(stage.client)) << got.substr(0, 100);
        EXPECT_TRUE(stage.onlyOthersLeft());
    }
};

TEST_P(EndpointLeaves, ByAReset) {
    Stage stage;
    GetParam().reach(stage);
    if (!stage.upstream.open())
        return;
    ASSERT_TRUE(stage.proxy.eventuallyIn(GetParam().phase));
    stage.upstream.reset();
    expectTold(stage);
}

TEST_P(EndpointLeaves, ByAClose) {
    Stage stage;
    GetParam().reach(stage);
    if (!stage.upstream.open())
        return;
    ASSERT_TRUE(stage.proxy.eventuallyIn(GetParam().phase));
    stage.upstream.shutdownWrite();
    const std::string_view name = GetParam().name;
    if (!name.starts_with("Tunnel") && !name.starts_with("Tcp"))
        return expectTold(stage);
    EXPECT_TRUE(seesTheEnd(stage.client));  // a half-close: the other way is open
}

INSTANTIATE_TEST_SUITE_P(States, EndpointLeaves, testing::ValuesIn(kStates),
                         [](const auto& state) { return std::string(state.param.name); });

// With abortOnClientClose = false a FIN is a half-close.
class Tolerant : public testing::Test {
protected:
    Tolerant() {
        model::Backend backend = patientBackend();
        backend.abortOnClientClose = false;
        stage.proxy.serve({stage.endpoint.port()}, backend);
    }

    // The worker has seen everything that happened before.
    void roundTrip() {
        RawConnection next = stage.proxy.client();
        next.send(kGet);
        RawConnection second = stage.endpoint.accept();
        second.readUntil("\r\n\r\n");
        second.send(kOk);
        EXPECT_EQ(next.readResponse().body, "ok");
    }

    Stage stage;
};

TEST_F(Tolerant, HalfClosedClientGetsItsAnswer) {
    stage.ask(kGet);
    stage.client.shutdownWrite();
    roundTrip();
    stage.upstream.send(kOk);
    EXPECT_EQ(stage.client.readResponse().body, "ok");
    EXPECT_EQ(stage.client.next(), Next::end);
}

TEST_F(Tolerant, HalfClosedClientWaitsItsTurn) {
    stage.occupy(/*abortOnClientClose=*/false);
    stage.client = stage.proxy.client();
    stage.client.send(kGet);
    stage.client.shutdownWrite();
    ASSERT_TRUE(stage.proxy.eventuallyIn("queued"));
    stage.otherUpstream.send(kOk);
    stage.otherUpstream.readUntil("\r\n\r\n");
    stage.otherUpstream.send(kOk);
    EXPECT_EQ(stage.client.readResponse().body, "ok");
}

TEST_F(Tolerant, RequestIsFinishedWithoutItsClient) {
    stage.ask(kGet);
    ASSERT_TRUE(stage.proxy.eventuallyIn("await_response"));
    stage.client.reset();
    roundTrip();
    EXPECT_TRUE(stage.upstream.quiet());
    stage.upstream.send(kOk);
    EXPECT_TRUE(seesTheEnd(stage.upstream));
    EXPECT_TRUE(stage.proxy.eventually([&] { return stage.proxy.counters().activeRequests == 0; }));
}

TEST_F(Tolerant, ResetEndsWhatTheEndpointHasNotSeen) {
    stage.ask(kUpload);
    stage.client.reset();
    EXPECT_TRUE(seesTheEnd(stage.upstream));
}

// What comes at once still reaches a client that closed its side together with its request.
TEST(PeerClose, QuickAnswerReachesAHalfClosedClient) {
    ScriptedEndpoint endpoint(answerAll("hello"));
    ProxyFixture proxy;
    model::Backend backend;
    backend.abortOnClientClose = false;
    proxy.serve({endpoint.port()}, backend);
    RawConnection client = proxy.client();
    client.send(kGet);
    client.shutdownWrite();
    EXPECT_EQ(client.readResponse().body, "hello");
    EXPECT_EQ(client.next(), Next::end);
}

}  // namespace
}  // namespace evergate::test
