// SPDX-License-Identifier: Apache-2.0
// What one worker knows about one endpoint: its address, its connections, how it did lately.
//
// Reference-counted within one worker thread (no atomics): the backend holds it while it is in
// the configuration, every connection and request that uses it holds it too, so a removed endpoint
// stays valid until the last of them is gone.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "dataplane/net/address.hpp"
#include "dataplane/upstream/connection.hpp"
#include "dataplane/upstream/outlier_tally.hpp"
#include "dataplane/upstream/peak_ewma.hpp"
#include "dataplane/upstream/slots.hpp"

namespace evergate::tls {
class ResumableSession;
}  // namespace evergate::tls

namespace evergate::upstream {

class Http2Connection;

struct RetiredTag;
using RetiredHook = ListHook<RetiredTag>;

struct EndpointState : RetiredHook {
    EndpointState(const net::SocketAddress& where, std::string name, std::uint32_t initialWeight);

    ~EndpointState();
    EndpointState(const EndpointState&) = delete;
    EndpointState& operator=(const EndpointState&) = delete;

    // After a failed connect the endpoint is left alone for about a second while others exist.
    static constexpr std::uint32_t kBackOffTicks = 10;

    std::uint16_t port() const noexcept { return address.port(); }

    bool backingOff(std::uint32_t nowTick) const noexcept {
        return consecutiveFailures != 0 && nowTick - lastFailureTick < kBackOffTicks;
    }

    // `limit`: of its backend; 0: none.
    bool full(std::uint32_t limit) const noexcept {
        return limit != 0 && slots && slots->full(limit);
    }

    // What the checks say, active and passive.
    bool healthy() const noexcept { return up && !ejected; }

    void noteConnected() noexcept { consecutiveFailures = 0; }

    void noteConnectFailure(std::uint32_t nowTick) {
        ++connectFailures;
        ++consecutiveFailures;
        lastFailureTick = nowTick;
        if (watch) [[unlikely]]
            watch->noteFailure();
    }

    // A connect that another one overtook: no failure, but a reason to try others for a while.
    void noteSlowConnect(std::uint32_t nowTick) noexcept {
        ++consecutiveFailures;
        lastFailureTick = nowTick;
    }

    // Resets, timeouts and bad responses of an established connection.
    void noteFailure() {
        ++failures;
        if (watch) [[unlikely]]
            watch->noteFailure();
    }

    // A whole response, or a connection that carries bytes. A 5xx went wrong, but is no failure of
    // the connection.
    void noteServed(std::uint16_t status) {
        if (!watch) [[likely]]
            return;
        if (status >= 500) {
            watch->noteFailure();
        } else {
            watch->tally->noteSuccess();
        }
    }

    // Last byte of the request -> head of the response.
    void noteLatency(std::uint64_t micros, std::uint64_t nowMicros) noexcept {
        latency.observe(micros, nowMicros);
        if (watch)
            watch->tally->noteLatency(micros);
    }

    // Slow start: full for an endpoint that is in none.
    static constexpr std::uint32_t kFullShare = 1'000;

    std::uint32_t share(std::uint32_t nowTick) const noexcept {
        return risingTicks == 0 ? kFullShare : risingShare(nowTick);
    }

    net::SocketAddress address;
    std::uint32_t weight;
    std::uint32_t activeRequests = 0;   // kept by the sessions
    std::uint32_t openConnections = 0;  // kept by Connection
    std::uint32_t idleConnections = 0;  // kept by ConnectionPool
    bool up = true;                     // what the active health checks say
    bool ejected = false;               // what the passive ones say
    bool usable = true;                 // of both; kept by the registry, which knows about panic
    bool retired = false;               // left the configuration: no new requests, nothing pooled
    std::uint32_t consecutiveFailures = 0;
    std::uint32_t lastFailureTick = 0;
    std::uint32_t risingSince = 0;        // slow start: tick at which it began
    std::uint32_t risingTicks = 0;        // and how long it takes; 0: none
    PeakEwma latency;                     // of backends that ask for it
    std::unique_ptr<OutlierWatch> watch;  // null: no passive checks
    EndpointSlotsPtr slots;               // null: no limit. Counts activeRequests of all workers
    std::uint64_t affinity = 0;           // its name in affinity cookies, once there is one
    std::uint64_t requests = 0;           // kept by Connection::noteRequest()
    std::uint64_t connects = 0;
    std::uint64_t connectFailures = 0;
    std::uint64_t failures = 0;
    // The TLS session to resume; made when first asked for.
    tls::ResumableSession& resumable();

    std::string text;                  // "10.1.2.3:8080", for logs, metrics and X-headers
    IdleList idle;                     // last in, first out; kept by ConnectionPool
    Http2Connection* http2 = nullptr;  // the first of a chain; kept by Http2Pool

private:
    std::uint32_t risingShare(std::uint32_t nowTick) const noexcept;

    friend void intrusive_ptr_add_ref(EndpointState* endpoint) noexcept { ++endpoint->references_; }

    friend void intrusive_ptr_release(EndpointState* endpoint) noexcept {
        if (--endpoint->references_ == 0)
            delete endpoint;
    }

    std::uint32_t references_ = 0;
    std::unique_ptr<tls::ResumableSession> resumable_;
};

using EndpointPtr = boost::intrusive_ptr<EndpointState>;
using RetiredEndpoints =
    boost::intrusive::list<EndpointState, boost::intrusive::base_hook<RetiredHook>,
                           boost::intrusive::constant_time_size<false>>;

inline void Connection::noteRequest() noexcept {
    ++requests_;
    ++endpoint_->requests;
}

}  // namespace evergate::upstream
