// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/dataplane/session/session_storm.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "dataplane/net/connect.hpp"
#include "dataplane/net/listen.hpp"
#include "dataplane/tls/stream.hpp"

namespace evergate::session::test {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMostRead = 100'000;
constexpr std::size_t kMuch = 6'000'000;  // more than the kernel takes
constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

class OneId : public routing::BackendIds {
public:
    routing::BackendId idOf(const std::string&) override { return 0; }
};

net::Socket listening(int backlog, int receiveBuffer = 0) {
    const auto fd =
        net::openListener(*net::SocketAddress::parse("127.0.0.1", 0), {.reusePort = false});
    EXPECT_TRUE(fd);
    if (receiveBuffer != 0)
        ::setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, sizeof receiveBuffer);
    EXPECT_FALSE(net::startListening(*fd, backlog));
    return net::Socket(*fd);
}

std::uint16_t portOf(const net::Socket& socket) {
    return net::SocketAddress::localOf(socket.fd()).port();
}

std::vector<int> epollDescriptors() {
    std::vector<int> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        if (std::filesystem::read_symlink(entry, gone) == "anon_inode:[eventpoll]")
            found.push_back(std::stoi(entry.path().filename()));
    }
    return found;
}

net::Socket connected(std::uint16_t port, int receiveBuffer) {
    net::Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (receiveBuffer != 0)
        ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &receiveBuffer, sizeof receiveBuffer);
    const auto address = net::SocketAddress::parse("127.0.0.1", port);
    ::connect(socket.fd(), address->native(), address->nativeSize());
    return socket;
}

}  // namespace

StormTls::StormTls() {
    std::vector<model::KeyedProblem> problems;
    certificates =
        tls::ServerCertificates::compile({}, tls::Certificate::selfSigned(), nullptr, problems);
    std::string wrong;
    trust = tls::ClientContext::make(false, "", wrong);
    EXPECT_TRUE(certificates && trust) << wrong;
}

Storm::Storm(std::uint64_t seed, const StormTls& tls)
    : random_(seed), shared_(tls), epolls_(epollDescriptors()) {
    manners_ = 15 + below(100);
    tolerant_ = oneIn(3);
    context_.tls = &engine_;
    context_.random = upstream::Random(seed);
    front_ = listening(64);
    for (int i = 0; i < 2; ++i)
        endpointListeners_.push_back(listening(64, oneIn(2) ? 4'096 : 0));
    {
        const net::Socket gone = listening(1);
        refusedPort_ = portOf(gone);
    }
    blackHole_ = listening(0);
    for (int i = 0; i < 3; ++i)
        fillers_.push_back(connected(portOf(blackHole_), 0));
    setPolicy();
    setEndpoints();
}

Storm::~Storm() {
    while (!sessions_.empty())
        sessions_.begin()->first->cancel();
    pool_.closeAllIdle();
    run();
}

// A new revision; requests under way keep theirs.
void Storm::publish(const std::shared_ptr<const model::Backend>& policy) {
    model::Config config;
    model::Route route;
    route.backend = "b";
    for (ListenerState* state : {&http_, &https_}) {
        state->name = state == &http_ ? "http" : "https";
        state->protocol =
            state == &http_ ? model::ListenerProtocol::http : model::ListenerProtocol::https;
        config.put({model::Kind::listener, state->name},
                   model::Listener{"127.0.0.1", 1, state->protocol, ""});
        route.listeners.push_back(state->name);
    }
    tcp_.protocol = model::ListenerProtocol::tcp;
    config.put({model::Kind::backend, "b"}, *policy);
    config.put({model::Kind::route, "r"}, route);
    OneId ids;
    auto snapshot = std::make_shared<routing::Snapshot>();
    snapshot->backends.push_back({0, "b", policy});
    snapshot->routes = routing::compile(config, ids);
    for (ListenerState* state : {&http_, &https_})
        state->routeIndex = snapshot->routes.listenerIndex(state->name);
    context_.snapshot = new HeldSnapshot(std::move(snapshot));
}

void Storm::setPolicy() {
    model::Backend policy;
    policy.maxConnections = oneIn(2) ? 0 : static_cast<std::uint32_t>(1 + below(2));
    policy.maxPending = static_cast<std::uint32_t>(below(4));
    policy.retries = static_cast<std::uint32_t>(below(3));
    policy.abortOnClientClose = !tolerant_ || oneIn(2);
    policy.affinityCookie = oneIn(5) ? "stick" : "";
    policy.balance =
        oneIn(2) ? model::BalanceAlgorithm::leastRequest : model::BalanceAlgorithm::roundRobin;
    const auto shared = std::make_shared<const model::Backend>(policy);
    registry_.setPolicy(0, shared);
    publish(shared);
}

void Storm::setEndpoints() {
    model::Endpoints all;
    for (const net::Socket& listener : endpointListeners_) {
        if (!oneIn(4))
            all.endpoints.push_back({"127.0.0.1", portOf(listener), 1});
    }
    if (oneIn(3))
        all.endpoints.push_back({"127.0.0.1", refusedPort_, 1});
    if (oneIn(4))
        all.endpoints.push_back({"127.0.0.1", portOf(blackHole_), 1});
    std::sort(all.endpoints.begin(), all.endpoints.end());
    registry_.setEndpoints(0, all);
    for (const auto& endpoint : registry_.backend(0).endpoints)
        everyEndpoint_.push_back(endpoint);
}

std::size_t Storm::someSize() {
    static constexpr std::size_t kMost[] = {2, 3'000, 60'000, 4'000'000};
    return below(kMost[below(4)] + 1);
}

std::string Storm::request() {
    const std::string body(oneIn(3) ? kMuch : someSize(), 'b');
    const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
    switch (below(9)) {
        case 0:
            return "GET / HTTP/1.0\r\n\r\n";
        case 1:
            return "POST / HTTP/1.1\r\nHost: a\r\n" + length + "\r\n" + body;
        case 2:
            return "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" + length + "\r\n" + body;
        case 3:
            return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n0\r\n\r\n";
        case 4:
            return "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n" + body;
        case 5:
            return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
        case 6:
            return oneIn(3) ? "nonsense\r\n\r\n" : "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
        default:
            return "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    }
}

std::string Storm::answer() {
    const std::string body(oneIn(3) ? kMuch : someSize(), 'a');
    std::string interims;
    while (oneIn(4))
        interims += oneIn(2) ? "HTTP/1.1 100 Continue\r\n\r\n" : "HTTP/1.1 103 Early\r\n\r\n";
    switch (below(9)) {
        case 0:
            return interims;
        case 1:
            return interims + "HTTP/1.1 200 OK\r\n\r\n" + body;
        case 2:
            return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
        case 3:
            return std::string(kSwitch) + body;
        case 4:
            return oneIn(2) ? "SSH-2.0\r\n\r\n"
                            : "HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        case 5:
            return "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbeginning";
        default:
            return interims + "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                   "\r\n\r\n" + body;
    }
}

void Storm::connect() {
    auto peer = std::make_unique<Peer>();
    peer->socket = connected(portOf(front_), oneIn(3) ? 2'048 : 0);
    peer->reads = !oneIn(3);
    pollfd entry{front_.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&entry, 1, 10'000), 1);
    net::SocketAddress address;
    const int fd = net::acceptOne(front_.fd(), address);
    ASSERT_GE(fd, 0);
    for (std::uint64_t i = below(3); i > 0; --i)
        peer->output += request();
    const std::uint64_t kind = below(6);
    if (kind == 0) {
        peer->socket.setLayer(tls::Stream::client(clientEngine_, shared_.trust, "a", resumable_));
        peer->shaken = false;
    }
    clients_.push_back(std::move(peer));
    begin(kind == 0 ? https_ : kind == 1 ? tcp_ : http_, fd, kind == 0);
}

void Storm::begin(ListenerState& state, int fd, bool secure) {
    net::Socket socket(fd);
    const net::SocketAddress address = net::SocketAddress::localOf(fd);
    if (secure)
        socket.setLayer(tls::Stream::server(engine_, shared_.certificates));
    Session* session = nullptr;
    if (state.protocol == model::ListenerProtocol::tcp) {
        session = new TcpSession(context_, *this, state, std::move(socket), address);
    } else {
        session = new ClientSession(context_, *this, state, std::move(socket), address);
    }
    ++begun_;
    sessions_[session] = {fd, now_};
    session->start();
}

void Storm::acceptAll() {
    for (const net::Socket& listener : endpointListeners_) {
        net::SocketAddress address;
        for (int fd = -1; (fd = net::acceptOne(listener.fd(), address)) >= 0;) {
            auto peer = std::make_unique<Peer>();
            peer->socket = net::Socket(fd);
            peer->reads = !oneIn(3);
            peer->asked = !peer->reads;
            endpoints_.push_back(std::move(peer));
        }
    }
}

void Storm::receive(Peer& peer) {
    std::string space(1 + someSize() % kMostRead, '\0');
    const net::IoResult got = peer.socket.recv(space.data(), space.size());
    peer.asked |= got.bytes > 0;
    peer.upgrade |= space.find("Upgrade: x") != std::string::npos;
}

// One thing a peer does. `socket` blocks never: what does not go is tried again another time.
void Storm::act(Peer& peer) {
    if (!peer.socket.open())
        return;
    peer.socket.noteEvents(EPOLLIN | EPOLLOUT);
    if (!peer.shaken) {
        peer.shaken = peer.socket.handshake() == net::Handshake::done;
        if (!peer.shaken && !oneIn(8))
            return;
    }
    switch (const std::uint64_t what = below(manners_); what) {
        case 0:
            return peer.socket.closeWithReset();
        case 1:
            return peer.socket.close();
        case 2:
        case 3:
            return peer.socket.shutdownWrite();
        default:
            if (!peer.shaken)
                return;
            if (peer.reads && (what < manners_ / 2 || peer.output.empty()))
                return receive(peer);
            if (peer.output.empty())
                return;
            const std::size_t some = oneIn(2) ? peer.output.size() : 1 + someSize();
            const std::size_t size = std::min(peer.output.size(), some);
            const net::IoResult sent = peer.socket.send(peer.output.data(), size);
            if (sent.bytes > 0)
                peer.output.erase(0, static_cast<std::size_t>(sent.bytes));
    }
}

void Storm::step() {
    const std::uint64_t what = below(100);
    if (what < 8) {
        if (clients_.size() < 8)
            connect();
    } else if (what < 25) {
        acceptAll();
    } else if (what < 55) {
        if (clients_.empty())
            return;
        Peer& client = *clients_[below(clients_.size())];
        if (client.output.empty() && oneIn(3))
            client.output = request();
        for (std::uint64_t i = 1 + below(4); i > 0; --i)
            act(client);
    } else if (what < 88) {
        if (endpoints_.empty())
            return;
        Peer& endpoint = *endpoints_[below(endpoints_.size())];
        if (endpoint.output.empty() && (std::exchange(endpoint.asked, false) || oneIn(12)))
            endpoint.output = endpoint.upgrade && !oneIn(3) ? std::string(kSwitch) : answer();
        for (std::uint64_t i = 1 + below(4); i > 0; --i)
            act(endpoint);
    } else if (what < 94) {
        advance(std::chrono::milliseconds(below(300)));
    } else if (what < 95) {
        advance(std::chrono::seconds(below(90)));
    } else if (what < 96) {
        setPolicy();
    } else if (what < 97) {
        setEndpoints();
    } else if (!sessions_.empty()) {
        const auto any = std::next(sessions_.begin(), static_cast<long>(below(sessions_.size())));
        what < 98 ? any->first->cancel() : any->first->closeIfIdle();
    }
    run();
    const auto gone = [](const auto& peer) { return !peer->socket.open(); };
    std::erase_if(clients_, gone);
    std::erase_if(endpoints_, gone);
}

void Storm::run() {
    for (bool more = true; more;) {
        io_.restart();
        more = io_.poll() != 0 || !due_.empty();
        std::vector<Session*> due;
        due.swap(due_);
        for (Session*& session : due) {
            if (sessions_.contains(session)) {
                session->setQueued(false);
                session->resume();
            }
        }
    }
}

void Storm::advance(std::chrono::milliseconds time) {
    now_ += time;
    wheel_.advance(now_);
    registry_.lookAtQueues();
}

void Storm::onSessionClosed(Session& session) {
    EXPECT_EQ(sessions_.erase(&session), 1u);
    poller_.retire(std::unique_ptr<net::Retirable>(&session));
}

void Storm::requeue(Session& session) {
    if (session.queued())
        return;
    session.setQueued(true);
    due_.push_back(&session);
}

void Storm::forget(Session& session) {
    std::erase(due_, &session);
}

}  // namespace evergate::session::test
