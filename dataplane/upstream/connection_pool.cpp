// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/connection_pool.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "dataplane/net/connect.hpp"
#include "dataplane/upstream/http2_pool.hpp"

namespace evergate::upstream {

namespace {

// Idle connections looked at for one that suits; where many server names share an endpoint, not
// finding one costs a new connection, not a search.
constexpr int kLookedAt = 32;

// Those that belong to one client wait for its next request only.
constexpr std::chrono::milliseconds kIntroducedIdle{15'000};

}  // namespace

ConnectionPool::ConnectionPool(net::Poller& poller, net::TimerWheel& wheel)
    : poller_(poller), wheel_(wheel) {}

ConnectionPool::~ConnectionPool() {
    closeAllIdle();
    http2_.reset();
    assert(open_ == 0);
}

Http2Pool& ConnectionPool::http2() {
    if (!http2_)
        http2_ = std::make_unique<Http2Pool>(*this);
    return *http2_;
}

std::uint32_t ConnectionPool::idle() const noexcept {
    return idle_ + (http2_ ? http2_->idle() : 0);
}

std::size_t ConnectionPool::heldBytes() const noexcept {
    return http2_ ? http2_->heldBytes() : 0;
}

std::unique_ptr<Connection> ConnectionPool::takeIdle(EndpointState& endpoint, ConnectionUser& user,
                                                     const Security& security) {
    if (security.http2) [[unlikely]] {
        auto stream = http2().take(endpoint, user, security);
        counters_.reuses += stream ? 1 : 0;
        return stream;
    }
    int looked = 0;
    for (auto at = endpoint.idle.begin(); at != endpoint.idle.end() && looked < kLookedAt;) {
        Connection& idle = *at++;
        if (idle.socket_.hup() || idle.socket_.readable()) {
            closeIdleOne(idle);
            continue;
        }
        if (!idle.suits(security)) {
            ++looked;
            continue;
        }
        auto connection = unlinkIdle(idle);
        connection->user_ = &user;
        ++counters_.reuses;
        return connection;
    }
    return nullptr;
}

std::unique_ptr<Connection> ConnectionPool::connect(EndpointState& endpoint, ConnectionUser& user,
                                                    std::error_code& error,
                                                    const Security& security) {
    if (security.http2) [[unlikely]]
        return http2().connect(endpoint, user, error, security);
    return dial(endpoint, user, error, security);
}

std::unique_ptr<Connection> ConnectionPool::dial(EndpointState& endpoint, ConnectionUser& user,
                                                 std::error_code& error, const Security& security) {
    int fd = -1;
    ++endpoint.connects;
    ++counters_.connects;
    error = net::startConnect(endpoint.address, fd, options_.userTimeout, &options_.sources);
    if (error) {
        ++counters_.connectFailures;
        if (!net::lacksResources(error))
            endpoint.noteConnectFailure(wheel_.nowTick());
        return nullptr;
    }
    auto connection =
        std::make_unique<Connection>(*this, endpoint, net::Socket(fd, /*ready=*/false));
    if (!connection->secure(endpoint, security)) {
        error = std::make_error_code(std::errc::protocol_error);
        return nullptr;
    }
    error = poller_.add(fd, *connection);
    if (error)
        return nullptr;  // never registered: no event can name it
    connection->socket_.setRegistered();
    connection->user_ = &user;
    return connection;
}

bool ConnectionPool::worthKeeping(Connection& connection) {
    const EndpointState& endpoint = connection.endpoint();
    net::Socket& socket = connection.socket_;
    if (connection.stream_ || endpoint.retired || connection.connecting_ ||
        connection.connectError_ != 0 || endpoint.idleConnections >= options_.idleLimit ||
        !socket.open() || socket.hup() || !socket.writable())
        return false;
    // Usually a late edge for bytes already read; stray bytes or an unseen end are also possible.
    return !socket.readable() || !socket.peekClosed();
}

void ConnectionPool::putIdle(std::unique_ptr<Connection> connection) {
    if (!worthKeeping(*connection)) {
        discard(std::move(connection));
        return;
    }
    connection->user_ = nullptr;
    wheel_.arm(*connection, connection->introduction_.empty()
                                ? options_.idleTimeout
                                : std::min(options_.idleTimeout, kIntroducedIdle));
    ++idle_;
    ++connection->endpoint().idleConnections;
    all_.push_front(*connection);
    EndpointState& endpoint = connection->endpoint();
    endpoint.idle.push_front(*connection.release());
}

std::unique_ptr<Connection> ConnectionPool::unlinkIdle(Connection& connection) {
    EndpointState& endpoint = connection.endpoint();
    endpoint.idle.erase(endpoint.idle.iterator_to(connection));
    all_.erase(all_.iterator_to(connection));
    --endpoint.idleConnections;
    --idle_;
    wheel_.disarm(connection);
    return std::unique_ptr<Connection>(&connection);
}

void ConnectionPool::uncount(Connection& connection) noexcept {
    connection.counted_ = false;
    --connection.endpoint_->openConnections;
    --open_;
}

void ConnectionPool::discard(std::unique_ptr<Connection> connection, bool reset) {
    if (!connection)
        return;
    connection->user_ = nullptr;
    wheel_.disarm(*connection);
    if (reset) {
        connection->socket_.closeWithReset();
    } else {
        connection->socket_.close();
    }
    if (connection->counted_)
        uncount(*connection);
    poller_.retire(std::move(connection));
}

void ConnectionPool::closeIdleOne(Connection& connection) {
    ++counters_.idleClosed;
    discard(unlinkIdle(connection));
}

void ConnectionPool::closeIdle(EndpointState& endpoint) {
    while (!endpoint.idle.empty())
        closeIdleOne(endpoint.idle.front());
    if (http2_)
        http2_->closeIdle(endpoint);
}

void ConnectionPool::closeAllIdle() {
    while (!all_.empty())
        closeIdleOne(all_.front());
    if (http2_)
        http2_->closeAllIdle();
}

void ConnectionPool::onIdleEvent(Connection& connection) {
    net::Socket& socket = connection.socket_;
    if (socket.hup() || (socket.readable() && socket.peekClosed()))
        closeIdleOne(connection);
}

void ConnectionPool::onIdleTimeout(Connection& connection) {
    closeIdleOne(connection);
}

void ConnectionPool::onConnectDone(Connection& connection) {
    if (const net::StreamLayer* layer = connection.socket_.layer(); layer && connection.reached_) {
        const net::StreamFacts facts = layer->facts();
        if (connection.connectError_ == 0) {
            counters_.tls.countDone(facts);
        } else if (facts.failure != net::HandshakeFailure::none) {
            counters_.tls.countFailed(facts.failure);
        }
    }
    if (connection.connectError_ == 0) {
        const auto took = std::chrono::steady_clock::now() - connection.begun_;
        counters_.connectDurations.observe(static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
        connection.endpoint().noteConnected();
        return;
    }
    ++counters_.connectFailures;
    // The name may be the client's Host: what it asked for is not held against the endpoint.
    if (connection.failedByName()) {
        ++connection.endpoint().connectFailures;
        return;
    }
    connection.endpoint().noteConnectFailure(wheel_.nowTick());
}

}  // namespace evergate::upstream
