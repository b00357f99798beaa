// SPDX-License-Identifier: Apache-2.0
// One client connection of a tcp listener: bytes both ways to one endpoint.
//
// Two BodyFlows between the client's socket and an upstream connection; a close is passed on as a
// half-close, a reset as a reset. Owned by its worker; one thread.
#pragma once

#include "dataplane/session/body_flow.hpp"
#include "dataplane/session/phase.hpp"
#include "dataplane/session/session.hpp"
#include "dataplane/upstream/connection.hpp"

namespace evergate::session {

class TcpSession final : public Session, public upstream::ConnectionUser {
public:
    TcpSession(SessionContext& context, SessionOwner& owner, ListenerState& listener,
               net::Socket socket, const net::SocketAddress& address);
    ~TcpSession() override;

    void start() override;
    void resume() override;
    void closeIfIdle() override;
    void cancel() override;
    std::string_view phaseName() const noexcept override;
    std::string_view endpointText() const noexcept override;

    std::uint64_t requests() const noexcept override { return 1; }

    void onEvents(std::uint32_t events) override;
    void onTimer() override;
    void onUpstream(upstream::Connection& connection, std::uint32_t events) override;

private:
    SessionOwner& owner_;
    net::Socket socket_;
};

}  // namespace evergate::session
