// SPDX-License-Identifier: Apache-2.0
// A client connection as its worker sees it, whatever it speaks.
//
// Owned by the worker from accept to onSessionClosed(). One worker thread.
#pragma once

#include <boost/intrusive/list_hook.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "dataplane/net/address.hpp"
#include "dataplane/net/poller.hpp"
#include "dataplane/net/proxy_header.hpp"
#include "dataplane/net/socket.hpp"
#include "dataplane/net/timer_wheel.hpp"
#include "dataplane/session/session_context.hpp"

namespace evergate::session {

using SessionHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<class Session>,
                                     boost::intrusive::link_mode<boost::intrusive::normal_link>>;

class Session : public net::EventHandler, public net::Timer, public SessionHook {
public:
    Session(SessionContext& context, ListenerState& listener, const net::SocketAddress& address);
    ~Session() override;

    virtual void start() = 0;        // reads at once; may close before it returns
    virtual void resume() = 0;       // its turn, after a requeue
    virtual void closeIfIdle() = 0;  // drain: close when nothing is under way
    virtual void cancel() = 0;       // drain deadline: cut now
    virtual std::string_view phaseName() const noexcept = 0;
    virtual std::string_view endpointText() const noexcept = 0;
    virtual std::uint64_t requests() const noexcept = 0;

    const net::SocketAddress& address() const noexcept { return address_; }

    // Where the client connected to, by its PROXY protocol header; null: to the socket's address.
    const net::ProxiedDestination* destination() const noexcept { return destination_.get(); }

    void setDestination(const net::ProxiedDestination& destination) {
        destination_ = std::make_unique<const net::ProxiedDestination>(destination);
    }

    const ListenerState& listener() const noexcept { return listener_; }

    std::uint32_t acceptedTick() const noexcept { return acceptedTick_; }

    // Before start(): the connection was accepted by `before`, and its handshake began then.
    void goOnFrom(const Session& before) noexcept { acceptedTick_ = before.acceptedTick_; }

    // Whether it waits in the worker's queue; kept by the Requeue.
    bool queued() const noexcept { return queued_; }

    void setQueued(bool queued) noexcept { queued_ = queued; }

    // Under which its client is counted; 0: it is not. Kept by whoever counts.
    std::uint64_t clientKey() const noexcept { return clientKey_; }

    void setClientKey(std::uint64_t key) noexcept { clientKey_ = key; }

protected:
    std::chrono::milliseconds sinceAccept() const noexcept;
    // Before another session goes on with the connection: that one counts as accepted in place of
    // this one. Neither events nor deadlines come any more.
    void stepAside(const net::Socket& socket) noexcept;
    // Our last word is out, but closing now would reset the connection and could destroy it on its
    // way (RFC 9112 §9.6): takes what the client still sends, which `discarded` counts. False: that
    // was the end of it, or too much.
    bool discardInput(net::Socket& socket, std::uint32_t& discarded);

    SessionContext& context_;
    ListenerState& listener_;

private:
    net::SocketAddress address_;
    std::unique_ptr<const net::ProxiedDestination> destination_;
    std::uint64_t clientKey_ = 0;
    std::uint32_t acceptedTick_ = 0;
    bool queued_ = false;
};

// The worker: takes a closed session out of its books and retires it.
class SessionOwner {
public:
    virtual void onSessionClosed(Session& session) = 0;
    // In place of that: its client speaks HTTP/2. `bytes`: what was read of it. An owner that does
    // not know it lets the connection go.
    virtual void onHttp2(Session& session, ListenerState& listener, net::Socket socket,
                         std::string_view bytes);

protected:
    ~SessionOwner() = default;
};

}  // namespace evergate::session
