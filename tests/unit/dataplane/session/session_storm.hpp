// SPDX-License-Identifier: Apache-2.0
// A worker's sessions among clients and endpoints that do random things from one seed: connect,
// send a part of something, read or not, half-close, reset, refuse, answer too early or never.
//
// One thread; real sockets on loopback; time moves by the seed only. After every step the promises
// every session makes in every state are checked from outside: a deadline of it is in the wheel,
// and the kernel's own list of the epoll descriptor names each of its sockets.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/session/client_session.hpp"
#include "dataplane/session/tcp_session.hpp"
#include "dataplane/tls/engine.hpp"
#include "dataplane/tls/resumable_session.hpp"
#include "dataplane/tls/server_certificates.hpp"
#include "tests/unit/dataplane/net/nested_poller.hpp"

namespace evergate::session::test {

// What all storms share, because it takes time to make.
struct StormTls {
    StormTls();

    std::shared_ptr<const tls::ServerCertificates> certificates;
    std::shared_ptr<const tls::ClientContext> trust;
};

class Storm final : public SessionOwner, public Requeue {
public:
    Storm(std::uint64_t seed, const StormTls& tls);
    ~Storm();

    void step();   // one random event, and everything that follows from it
    void check();  // what must hold between events
    void everyoneLeaves();
    void expectNothingLeft();

    // Names of the phases seen so far.
    const std::set<std::string_view>& phases() const noexcept { return phases_; }

private:
    // A client, or a connection an endpoint has accepted.
    struct Peer {
        net::Socket socket;
        std::string output;    // to be sent, little by little
        bool shaken = true;    // TLS: the handshake is done
        bool asked = false;    // endpoints: something was read, nothing answered
        bool upgrade = false;  // it asked for that
        bool reads = true;
    };

    using Peers = std::vector<std::unique_ptr<Peer>>;

    struct Client {
        int fd = -1;
        std::chrono::steady_clock::time_point since;
    };

    void onSessionClosed(Session& session) override;
    void requeue(Session& session) override;
    void forget(Session& session) override;

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

    bool oneIn(std::uint64_t n) { return below(n) == 0; }

    std::size_t someSize();
    std::string request();
    std::string answer();
    void publish(const std::shared_ptr<const model::Backend>& policy);
    void setPolicy();
    void setEndpoints();
    void connect();
    void begin(ListenerState& state, int fd, bool secure);
    void acceptAll();
    void act(Peer& peer);
    void receive(Peer& peer);
    void leave(Peers& peers);
    bool mayOutliveItsClient(const Session& session, const Client& client) const;
    void expectNoRequestWithoutClient();
    void run();
    void advance(std::chrono::milliseconds time);
    std::map<int, std::uint32_t> watched() const;

    std::mt19937_64 random_;
    const StormTls& shared_;
    boost::asio::io_context io_{1};
    std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
    net::TimerWheel wheel_{now_};
    net::BufferPool buffers_;
    net::test::NestedPoller poller_{io_};
    std::vector<int> epolls_;  // the poller's, and Asio's
    upstream::ConnectionPool pool_{poller_, wheel_};
    upstream::Registry registry_{pool_};
    SessionContext context_{poller_, wheel_, buffers_, pool_, registry_, *this};
    tls::Engine engine_;
    tls::Engine clientEngine_;
    tls::ResumableSession resumable_;
    ListenerState http_;
    ListenerState https_;
    ListenerState tcp_;
    net::Socket front_;
    std::vector<net::Socket> endpointListeners_;
    std::uint16_t refusedPort_ = 0;
    net::Socket blackHole_;
    std::vector<net::Socket> fillers_;
    std::vector<upstream::EndpointPtr> everyEndpoint_;
    Peers clients_;
    Peers endpoints_;
    std::map<Session*, Client> sessions_;
    std::vector<Session*> due_;
    std::set<std::string_view> phases_;
    std::uint64_t begun_ = 0;
    std::uint64_t manners_ = 0;  // how seldom peers leave
    bool tolerant_ = false;      // a FIN may be a half-close
};

}  // namespace evergate::session::test
