// SPDX-License-Identifier: Apache-2.0
// Opens upstream connections and keeps the idle ones of one worker, per endpoint, last in first
// out.
//
// Outlives every connection it made. An idle connection found dead (peer closed, stray bytes), idle
// for too long or of a retired endpoint is closed at once; nothing dead waits to be handed out,
// apart from those whose event sits in the batch being dispatched: users retry stale ones.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <system_error>

#include "dataplane/net/connect.hpp"
#include "dataplane/net/handshake_counts.hpp"
#include "dataplane/net/poller.hpp"
#include "dataplane/net/timer_wheel.hpp"
#include "dataplane/upstream/connection.hpp"
#include "dataplane/upstream/endpoint.hpp"
#include "dataplane/upstream/traffic_counters.hpp"

namespace evergate::upstream {

class Http2Pool;

class ConnectionPool {
public:
    static constexpr std::chrono::milliseconds kUserTimeout{120'000};

    struct Options {
        std::chrono::milliseconds idleTimeout{60'000};
        std::uint32_t idleLimit = 512;  // per endpoint and worker
        // TCP_USER_TIMEOUT. It also ends writes to a peer that acknowledges but takes nothing, so
        // it must exceed the deadlines the sessions have for that.
        std::chrono::milliseconds userTimeout = kUserTimeout;
        net::SourceAddresses sources{};  // none: the kernel chooses
    };

    struct Counters {
        std::uint64_t connects = 0;
        std::uint64_t connectFailures = 0;
        std::uint64_t reuses = 0;
        std::uint64_t idleClosed = 0;  // by the peer, by timeout, over the limit
        net::HandshakeCounts tls;
        DurationHistogram connectDurations;
    };

    ConnectionPool(net::Poller& poller, net::TimerWheel& wheel);
    ~ConnectionPool();
    ConnectionPool(const ConnectionPool&) = delete;
    ConnectionPool& operator=(const ConnectionPool&) = delete;

    Options& options() noexcept { return options_; }

    net::Poller& poller() noexcept { return poller_; }

    net::TimerWheel& wheel() noexcept { return wheel_; }

    std::uint32_t nowTick() const noexcept { return wheel_.nowTick(); }

    const Counters& counters() const noexcept { return counters_; }

    std::uint32_t open() const noexcept { return open_; }  // idle and in use

    std::uint32_t idle() const noexcept;

    // What HTTP/2 streams hold because its receiver did not take it yet.
    std::size_t heldBytes() const noexcept;

    // Null when there is none that suits. No system call. Of HTTP/2: a stream of a connection that
    // others may be using.
    std::unique_ptr<Connection> takeIdle(EndpointState& endpoint, ConnectionUser& user,
                                         const Security& security = {});
    // Null with `error` when it failed at once (the endpoint is told). Otherwise connecting and
    // registered: the user hears when it is done. The connect deadline is the user's: on
    // expiry discard it and call endpoint().noteConnectFailure().
    std::unique_ptr<Connection> connect(EndpointState& endpoint, ConnectionUser& user,
                                        std::error_code& error, const Security& security = {});
    // Keeps it for the next request; closes it instead when that makes no sense.
    void putIdle(std::unique_ptr<Connection> connection);
    // Closes the socket now; the object dies after the current batch. Null is fine.
    void discard(std::unique_ptr<Connection> connection, bool reset = false);

    void closeIdle(EndpointState& endpoint);
    void closeAllIdle();

private:
    friend class Connection;
    friend class Http2Connection;
    std::unique_ptr<Connection> dial(EndpointState& endpoint, ConnectionUser& user,
                                     std::error_code& error, const Security& security);
    Http2Pool& http2();
    void onIdleEvent(Connection& connection);
    void onIdleTimeout(Connection& connection);
    void onConnectDone(Connection& connection);
    void uncount(Connection& connection) noexcept;
    std::unique_ptr<Connection> unlinkIdle(Connection& connection);
    void closeIdleOne(Connection& connection);
    bool worthKeeping(Connection& connection);

    net::Poller& poller_;
    net::TimerWheel& wheel_;
    Options options_;
    Counters counters_;
    AllIdleList all_;
    std::unique_ptr<Http2Pool> http2_;  // null until it is asked for
    std::uint32_t open_ = 0;
    std::uint32_t idle_ = 0;
};

}  // namespace evergate::upstream
