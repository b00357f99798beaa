// SPDX-License-Identifier: Apache-2.0
// One client connection of a tcp or tls listener, or one that passes through an https listener by
// the name it asks for: bytes both ways to one endpoint.
//
// Two BodyFlows between the client's socket and an upstream connection; a close is passed on as a
// half-close (where TLS ends here: FIN as close_notify and back), a reset as a reset, and so is an
// end without close_notify: anybody may have sent it. Both sockets are registered from the start,
// so that the client's going is seen while the endpoint is being connected to. Owned by its worker;
// one thread.
//
// Deadlines: handshakeTimeout for TLS with the client; the backend's queueTimeout while its
// endpoints are at their connection limit; its connectTimeout per attempt, of which hedgeConnect
// passes before a second endpoint is connected to as well; then tunnelTimeout
// without a byte either way, halfCloseTimeout once one side has ended, and writeTimeout for a
// receiver that takes nothing, whatever the other direction does.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "dataplane/session/body_flow.hpp"
#include "dataplane/session/phase.hpp"
#include "dataplane/session/session.hpp"
#include "dataplane/upstream/admission.hpp"
#include "dataplane/upstream/connection.hpp"
#include "dataplane/upstream/hedge.hpp"

namespace evergate::session {

class TcpSession final : public Session, public upstream::ConnectionUser, public upstream::Waiter {
public:
    // To the listener's backend; with a layer on `socket` after its handshake.
    TcpSession(SessionContext& context, SessionOwner& owner, ListenerState& listener,
               net::Socket socket, const net::SocketAddress& address);
    // To where `target` of the current snapshot leads; the client asked for `serverName`, and
    // nothing was read from it.
    TcpSession(SessionContext& context, SessionOwner& owner, ListenerState& listener,
               net::Socket socket, const net::SocketAddress& address, const routing::Target& target,
               std::string_view serverName);
    ~TcpSession() override;

    void start() override;
    void resume() override;

    void closeIfIdle() override {}  // never known to be idle: cut at the drain deadline

    void cancel() override;
    std::string_view phaseName() const noexcept override;
    std::string_view endpointText() const noexcept override;

    std::uint64_t requests() const noexcept override { return 1; }

    void onEvents(std::uint32_t events) override;
    void onTimer() override;
    void onUpstream(upstream::Connection& connection, std::uint32_t events) override;

private:
    enum class State : std::uint8_t { handshake, queued, connecting, tunnel, closed };
    enum class Ending : std::uint8_t { close, reset };
    static constexpr std::size_t kMaxTried = 11;  // as many retries as validation allows, and one

    // One direction: its bytes, and since when its receiver has been taking none.
    struct Way {
        BodyFlow flow;
        std::uint64_t received = 0;  // as last counted
        std::uint64_t sent = 0;
        std::uint32_t stalledSince = 0;  // tick; of a blocked flow
        bool stalled = false;
        bool ended = false;
    };

    // What a connection that passes through was routed by; outlives its snapshot.
    struct Passage {
        std::string route;
        std::string serverName;
    };

    void noteForLog(const std::string& backend);
    void shakeHands();
    void handshakeFailed(net::HandshakeFailure failure);
    void connectNext(http::ProxyError reason, upstream::EndpointState* granted = nullptr);
    http::ProxyError pickNext(upstream::EndpointState*& picked);
    bool leftQueue() const noexcept;
    void leaveQueue();
    upstream::Wish wish() const noexcept;
    upstream::EndpointState* chooseEndpoint() override;
    bool suits(const upstream::EndpointState& endpoint) const override;

    bool selective() const noexcept override { return triedCount_ != 0; }

    void onSlot(upstream::EndpointState& endpoint) override;
    void onBackendGone() override;
    bool connectTo(upstream::EndpointState& endpoint);
    void connectFailed(http::ProxyError error);
    std::string introduce() const;
    bool mayHedge() const noexcept;
    void beginHedge();
    void releaseUpstream(Ending ending);
    void beginTunnel();

    void pump();
    bool pumpWay(Way& way, net::Socket& from, net::Socket& to);
    void noteProgress();
    void noteStall(Way& way);
    std::chrono::milliseconds timeLeft() const noexcept;
    void rearm();
    void fail(http::ProxyError error, Ending ending);
    void close(Ending ending);
    void writeLog() const;
    http::TlsRecord tlsRecord() const;

    SessionOwner& owner_;
    net::Socket socket_;
    upstream::BackendState& backend_;
    const std::shared_ptr<const model::Backend> policy_;
    std::unique_ptr<upstream::Connection> connection_;
    upstream::EndpointPtr endpoint_;
    upstream::Hedge hedge_;
    std::array<const upstream::EndpointState*, kMaxTried> tried_{};
    Way up_;
    Way down_;
    std::chrono::steady_clock::time_point startedAt_;
    std::chrono::steady_clock::time_point queuedAt_;
    std::int64_t startedUnixMicros_ = 0;
    std::uint32_t connectMicros_ = 0;  // until its endpoint had answered
    std::string backendName_;          // for the log
    std::unique_ptr<const Passage> passage_;
    std::uint32_t idleSince_ = 0;  // tick
    http::ProxyError error_ = http::ProxyError::none;
    net::HandshakeFailure handshakeFailure_ = net::HandshakeFailure::none;
    std::uint8_t triedCount_ = 0;
    bool hedged_ = false;  // a second connect was begun, or there was nobody for it
    bool served_ = true;   // the client is of the networks that may come here
    State state_ = State::connecting;
};

}  // namespace evergate::session
