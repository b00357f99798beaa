// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/connection.hpp"

#include <sys/epoll.h>

#include "dataplane/upstream/connection_pool.hpp"
#include "dataplane/upstream/endpoint.hpp"

namespace evergate::upstream {

Connection::Connection(ConnectionPool& pool, EndpointState& endpoint, net::Socket socket)
    : pool_(pool), endpoint_(&endpoint), socket_(std::move(socket)) {
    ++endpoint_->openConnections;
    ++pool_.open_;
}

Connection::~Connection() {
    if (counted_)
        pool_.uncount(*this);
}

void Connection::onEvents(std::uint32_t events) {
    socket_.noteEvents(events);
    if (connecting_)
        finishConnect(events);
    if (connecting_)
        return;
    if (user_) {
        user_->onUpstream(*this, events);
    } else {
        pool_.onIdleEvent(*this);
    }
}

void Connection::finishConnect(std::uint32_t events) {
    if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
        return;
    connecting_ = false;
    if (events & (EPOLLERR | EPOLLHUP))
        connectError_ = socket_.pendingError();
    pool_.onConnectDone(*this);
}

void Connection::onTimer() {
    if (!user_)
        pool_.onIdleTimeout(*this);
}

}  // namespace evergate::upstream
