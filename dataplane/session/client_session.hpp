// SPDX-License-Identifier: Apache-2.0
// One HTTP/1.1 client connection: TLS first where the listener wants it, then reads a request head,
// lets an Exchange carry the request, repeats. One that turns out to speak HTTP/2 is given away.
//
// Owned by its worker (SessionOwner). While idle it owns no buffer. In every state a deadline is
// armed; once it waits for its client the socket is registered, and while it waits for an endpoint
// it is registered after one coarse tick, so that short exchanges cost no epoll_ctl. One worker
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "dataplane/net/address.hpp"
#include "dataplane/net/poller.hpp"
#include "dataplane/net/socket.hpp"
#include "dataplane/net/timer_wheel.hpp"
#include "dataplane/session/exchange.hpp"
#include "dataplane/session/session.hpp"
#include "dataplane/session/session_context.hpp"

namespace evergate::session {

class ClientSession final : public Session, public ExchangeOwner {
public:
    ClientSession(SessionContext& context, SessionOwner& owner, ListenerState& listener,
                  net::Socket socket, const net::SocketAddress& address);

    void start() override;
    void resume() override;
    void closeIfIdle() override;
    void cancel() override;

    std::string_view phaseName() const noexcept override { return name(phase()); }

    std::string_view endpointText() const noexcept override;

    std::uint64_t requests() const noexcept override { return requests_; }

    Phase phase() const noexcept;

    void onEvents(std::uint32_t events) override;
    void onTimer() override;
    void onExchangeEvent() override;
    void onExchangeYield() override;
    void onLeftover(std::string_view bytes) override;
    std::string_view takeLeftover() override;

private:
    void advance();
    bool shakeHands();
    void handshakeFailed(net::HandshakeFailure failure);
    void logHandshake(const net::StreamFacts& facts);
    bool takeRequest();
    bool parseHeld();
    bool parse(char* data, std::size_t size, net::Buffer& buffer);
    bool readMore();
    void keepPartial(const char* data, std::size_t size);
    void makeRoom();
    bool agreedOnHttp2(std::string_view protocol) const noexcept;
    bool onlyHttp2() const noexcept;
    bool speaksHttp2(std::string_view bytes) const noexcept;
    void handOver(std::string_view bytes);
    void refuse(http::ProxyError error, const char* detail);
    std::unique_ptr<Exchange> newExchange();
    ClientFacts facts() noexcept;
    void settle();
    bool endExchange();
    void linger();
    void drainInput();
    void rearm();
    std::chrono::milliseconds timeFor(Phase phase) noexcept;
    bool needsClient() const noexcept;
    void noteIdle(bool idle) noexcept;
    void ensureRegistered();
    void cutExchange();
    void close();

    SessionOwner& owner_;
    net::Socket socket_;
    std::unique_ptr<Exchange> exchange_;
    net::Buffer input_;  // a partial head, or requests that came early
    std::uint32_t inputBegin_ = 0;
    std::uint32_t inputEnd_ = 0;
    std::size_t scanned_ = 0;
    std::uint64_t requests_ = 0;
    std::uint64_t progress_ = 0;   // Exchange::progress() when the deadline was last armed
    std::uint32_t discarded_ = 0;  // while lingering
    Phase armed_ = Phase::count_;
    std::uint8_t addressSize_ = 0;
    bool handshaking_ = false;
    bool lingering_ = false;
    bool closed_ = false;
    bool lazy_ = false;  // what is armed is the next look at the client, not a deadline
    bool idle_ = false;  // counted as such
    char addressText_[net::SocketAddress::kMaxText];
};

}  // namespace evergate::session
