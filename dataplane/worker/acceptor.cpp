// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/acceptor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "dataplane/net/connect.hpp"
#include "dataplane/net/listen.hpp"

namespace evergate::worker {

namespace {

constexpr int kPerEvent = 64;
// A handshake costs as much as twenty requests: others get their turn between them.
constexpr int kPerEventTls = 4;
constexpr int kBacklog = 4096;
constexpr int kOnClose = 65'536;
constexpr std::chrono::milliseconds kPause{100};

bool somebodyWaits(int listener) noexcept {
    pollfd entry{listener, POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
}

net::Socket openReserve() noexcept {
    return net::Socket(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

Acceptor::Acceptor(net::Poller& poller, net::TimerWheel& wheel, AcceptorOwner& owner,
                   session::ListenerState& listener, int fd)
    : poller_(poller),
      wheel_(wheel),
      owner_(owner),
      listener_(listener),
      fd_(fd),
      reserve_(openReserve()) {}

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
    reserve_.close();
}

void Acceptor::onEvents(std::uint32_t) {
    const bool tls = listener_.protocol == model::ListenerProtocol::https ||
                     listener_.protocol == model::ListenerProtocol::tls;
    if (fd_ >= 0 && !acceptSome(tls ? kPerEventTls : kPerEvent))
        pause();
}

// False: nothing can be accepted for now.
bool Acceptor::acceptSome(int limit) {
    for (int i = 0; i < limit; ++i) {
        net::SocketAddress peer;
        const int fd = net::acceptOne(fd_, peer);
        if (fd >= 0) {
            owner_.onAccepted(listener_, fd, peer);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return true;
        if (errno == EMFILE || errno == ENFILE) {
            // The kernel says so before it looks whether anybody waits.
            if (!somebodyWaits(fd_))
                return true;
            if (owner_.freeDescriptors() || refuseOne())
                continue;
            return false;
        }
        // A firewall's word on one connection (accept(2)); anything else concerns all of them.
        if (errno != EPERM)
            return false;
    }
    return true;
}

// Takes one connection with the reserved descriptor, only to say that there are no more.
bool Acceptor::refuseOne() {
    if (!reserve_)
        return false;
    reserve_.close();
    net::SocketAddress peer;
    net::Socket socket(net::acceptOne(fd_, peer));
    const bool accepted = socket.open();
    if (accepted)
        owner_.onRefused(listener_, std::move(socket), peer);
    reserve_ = openReserve();
    return accepted;
}

void Acceptor::setUserTimeout(std::chrono::milliseconds timeout) noexcept {
    if (fd_ >= 0)
        net::setUserTimeout(fd_, timeout);
}

void Acceptor::pause() {
    ++pauses_;
    poller_.remove(fd_);
    wheel_.arm(*this, kPause);
}

void Acceptor::onTimer() {
    if (!reserve_)
        reserve_ = openReserve();
    if (fd_ >= 0 && poller_.addListener(fd_, *this))
        wheel_.arm(*this, kPause);
}

}  // namespace evergate::worker
