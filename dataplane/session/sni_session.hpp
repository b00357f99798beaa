// SPDX-License-Identifier: Apache-2.0
// A connection of an https listener some of whose hosts pass through, until it has said which host
// it asks for: waits for its ClientHello (tls/client_hello.hpp) and hands it over, untouched.
//
// The ClientHello is looked at where it lies, in the kernel: no buffer is held, and whoever is next
// (TLS that ends here, or the endpoint) gets the connection from its first byte on. What cannot be
// read as a ClientHello, or ends before it, goes to TLS, which says what is wrong. It must be
// complete within handshakeTimeout of the accept, however it trickles. One worker thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/net/socket.hpp"
#include "dataplane/session/phase.hpp"
#include "dataplane/session/session.hpp"

namespace evergate::session {

class SniSession;

class SniOwner {
public:
    // The session is over (not closed: what was counted for it goes on); its owner retires it.
    // `target`: where the connection passes through to, of the current snapshot; null: TLS ends
    // here. `serverName` dies with the next read of any session.
    virtual void onNamed(SniSession& session, ListenerState& listener, net::Socket socket,
                         const routing::Target* target, std::string_view serverName) = 0;

protected:
    ~SniOwner() = default;
};

class SniSession final : public Session {
public:
    SniSession(SessionContext& context, SessionOwner& owner, SniOwner& sniOwner,
               ListenerState& listener, net::Socket socket, const net::SocketAddress& address);

    void start() override;

    void resume() override {}  // never queued

    void closeIfIdle() override;
    void cancel() override;

    std::string_view phaseName() const noexcept override { return name(Phase::handshake); }

    std::string_view endpointText() const noexcept override { return {}; }

    std::uint64_t requests() const noexcept override { return 0; }

    void onEvents(std::uint32_t events) override;
    void onTimer() override;

private:
    void look();
    void handOver(std::string_view serverName);
    void writeLog() const;
    void close();

    SessionOwner& owner_;
    SniOwner& sniOwner_;
    net::Socket socket_;
    bool begun_ = false;  // some of it is here
    bool over_ = false;
};

}  // namespace evergate::session
