// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/acceptor.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "dataplane/net/listen.hpp"

namespace evergate::worker {

namespace {

constexpr int kPerEvent = 64;
constexpr int kBacklog = 4096;
constexpr int kOnClose = 65'536;
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

Acceptor::Acceptor(net::Poller& poller, net::TimerWheel& wheel, AcceptorOwner& owner,
                   session::ListenerState& listener, int fd)
    : poller_(poller), wheel_(wheel), owner_(owner), listener_(listener), fd_(fd) {}

Acceptor::~Acceptor() {
    if (fd_ >= 0)
        ::close(fd_);
}

bool Acceptor::listen() {
    return !net::startListening(fd_, kBacklog) && !poller_.addListener(fd_, *this);
}

void Acceptor::close() {
    if (fd_ < 0)
        return;
    acceptSome(kOnClose);
    ::close(fd_);
    fd_ = -1;
}

void Acceptor::onEvents(std::uint32_t) {
    if (fd_ >= 0 && !acceptSome(kPerEvent))
        pause();
}

// False: out of descriptors or memory.
bool Acceptor::acceptSome(int limit) {
    for (int i = 0; i < limit; ++i) {
        net::SocketAddress peer;
        const int fd = net::acceptOne(fd_, peer);
        if (fd >= 0) {
            owner_.onAccepted(listener_, fd, peer);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            return false;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return true;
        // Anything else concerns that one connection (ECONNABORTED and the like, see accept(2)).
    }
    return true;
}

void Acceptor::pause() {
    ++pauses_;
    poller_.remove(fd_);
    wheel_.arm(*this, kPause);
}

void Acceptor::onTimer() {
    if (fd_ >= 0 && poller_.addListener(fd_, *this))
        wheel_.arm(*this, kPause);
}

}  // namespace evergate::worker
