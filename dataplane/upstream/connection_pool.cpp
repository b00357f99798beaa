// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/connection_pool.hpp"

#include <cassert>
#include <utility>

#include "dataplane/net/connect.hpp"

namespace evergate::upstream {

ConnectionPool::ConnectionPool(net::Poller& poller, net::TimerWheel& wheel)
    : poller_(poller), wheel_(wheel) {}

ConnectionPool::~ConnectionPool() {
    closeAllIdle();
    assert(open_ == 0);
}

std::unique_ptr<Connection> ConnectionPool::takeIdle(EndpointState& endpoint,
                                                     ConnectionUser& user) {
    while (!endpoint.idle.empty()) {
        auto connection = unlinkIdle(endpoint.idle.front());
        if (connection->socket_.hup() || connection->socket_.readable()) {
            ++counters_.idleClosed;
            discard(std::move(connection));
            continue;
        }
        connection->user_ = &user;
        ++counters_.reuses;
        return connection;
    }
    return nullptr;
}

std::unique_ptr<Connection> ConnectionPool::connect(EndpointState& endpoint, ConnectionUser& user,
                                                    std::error_code& error) {
    int fd = -1;
    ++endpoint.connects;
    ++counters_.connects;
    error = net::startConnect(endpoint.address, fd, options_.userTimeout);
    if (error) {
        ++counters_.connectFailures;
        endpoint.noteConnectFailure(wheel_.nowTick());
        return nullptr;
    }
    auto connection =
        std::make_unique<Connection>(*this, endpoint, net::Socket(fd, /*ready=*/false));
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
    if (endpoint.retired || connection.connecting_ || connection.connectError_ != 0 ||
        endpoint.idleConnections >= options_.idleLimit || !socket.open() || socket.hup() ||
        !socket.writable())
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
    wheel_.arm(*connection, options_.idleTimeout);
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
}

void ConnectionPool::closeAllIdle() {
    while (!all_.empty())
        closeIdleOne(all_.front());
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
    if (connection.connectError_ == 0) {
        connection.endpoint().noteConnected();
        return;
    }
    ++counters_.connectFailures;
    connection.endpoint().noteConnectFailure(wheel_.nowTick());
}

}  // namespace evergate::upstream
