// SPDX-License-Identifier: Apache-2.0
// One listening socket of one worker: accepts, and hands connections over.
//
// When the process runs out of descriptors, idle connections give way; when there are none, a
// descriptor kept in reserve serves to tell each client so. When even that fails (no memory),
// accepting pauses for a tick instead of spinning on a level-triggered socket. Closing accepts what
// the kernel already completed first, so that no client that got through the handshake is reset.
// Owned by its worker; one thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "dataplane/net/poller.hpp"
#include "dataplane/net/socket.hpp"
#include "dataplane/net/timer_wheel.hpp"
#include "dataplane/session/session_context.hpp"

namespace evergate::worker {

class AcceptorOwner {
public:
    virtual void onAccepted(session::ListenerState& listener, int fd,
                            const net::SocketAddress& peer) = 0;
    // No descriptor is left. True: some were given back.
    virtual bool freeDescriptors() = 0;
    // Tells the client why and closes the connection.
    virtual void onRefused(session::ListenerState& listener, net::Socket socket,
                           const net::SocketAddress& peer) = 0;

protected:
    ~AcceptorOwner() = default;
};

class Acceptor final : public net::EventHandler, public net::Timer {
public:
    // Takes the bound socket. The listener state outlives it.
    Acceptor(net::Poller& poller, net::TimerWheel& wheel, AcceptorOwner& owner,
             session::ListenerState& listener, int fd);
    ~Acceptor() override;

    bool listen();  // false: errno of listen()
    void close();   // accepts what waits, then closes
    // How long sent bytes may stay without an acknowledgement (TCP_USER_TIMEOUT); what is accepted
    // inherits it, so that a client that takes nothing keeps no memory in the kernel for ever.
    void setUserTimeout(std::chrono::milliseconds timeout) noexcept;

    session::ListenerState& listener() noexcept { return listener_; }

    std::uint64_t pauses() const noexcept { return pauses_; }

    void onEvents(std::uint32_t events) override;
    void onTimer() override;

private:
    bool acceptSome(int limit);
    bool refuseOne();
    void pause();

    net::Poller& poller_;
    net::TimerWheel& wheel_;
    AcceptorOwner& owner_;
    session::ListenerState& listener_;
    int fd_;
    net::Socket reserve_;
    std::uint64_t pauses_ = 0;
};

}  // namespace evergate::worker
