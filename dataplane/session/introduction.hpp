// SPDX-License-Identifier: Apache-2.0
// A connection from a load balancer, until it has said whose it is: waits for the PROXY protocol
// header (net/proxy_header.hpp), takes it off and hands the connection over, untouched behind it.
//
// The header is looked at where it lies, in the kernel, and taken only when it is complete: no
// buffer is held, and whatever speaks next (TLS too) finds its first byte first. It must be
// complete within headTimeout of the accept, however it trickles. A connection without a proper
// header is cut: there is nobody to answer to. One worker thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/net/proxy_header.hpp"
#include "dataplane/net/socket.hpp"
#include "dataplane/session/session.hpp"

namespace evergate::session {

class IntroductionOwner : public SessionOwner {
public:
    // `destination`: where the client connected to; null: to us.
    virtual void onIntroduced(ListenerState& listener, net::Socket socket,
                              const net::SocketAddress& client,
                              const net::ProxiedDestination* destination) = 0;

protected:
    ~IntroductionOwner() = default;
};

class Introduction final : public Session {
public:
    Introduction(SessionContext& context, IntroductionOwner& owner, ListenerState& listener,
                 net::Socket socket, const net::SocketAddress& peer);

    void start() override;

    void resume() override {}  // never queued

    void closeIfIdle() override;
    void cancel() override;

    std::string_view phaseName() const noexcept override { return "proxy_header"; }

    std::string_view endpointText() const noexcept override { return {}; }

    std::uint64_t requests() const noexcept override { return 0; }

    void onEvents(std::uint32_t events) override;
    void onTimer() override;

private:
    void look();
    void handOver(const net::ProxyHeader& header);
    void fail(ProxyHeaderOutcome outcome, const char* problem);
    void writeLog(const char* problem) const;
    void close();

    IntroductionOwner& owner_;
    net::Socket socket_;
    bool begun_ = false;  // some of it is here
    bool closed_ = false;
};

}  // namespace evergate::session
