// SPDX-License-Identifier: Apache-2.0
// What a worker lends to its sessions. Everything here outlives every session of that worker and is
// used on its thread only.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/http/access_log.hpp"
#include "dataplane/http/head.hpp"
#include "dataplane/http/proxy_error.hpp"
#include "dataplane/net/buffer_pool.hpp"
#include "dataplane/net/poller.hpp"
#include "dataplane/net/splice_pipe.hpp"
#include "dataplane/net/timer_wheel.hpp"
#include "dataplane/routing/snapshot.hpp"
#include "dataplane/session/compressor_pool.hpp"
#include "dataplane/session/counters.hpp"
#include "dataplane/upstream/balancer.hpp"
#include "dataplane/upstream/connection_pool.hpp"
#include "dataplane/upstream/registry.hpp"

namespace evergate::tls {
class Engine;
}  // namespace evergate::tls

namespace evergate::session {

class Session;
class Exchange;
class Http2Engine;

// This worker's handle on a snapshot: counted without atomics, so a request can hold it for
// nothing.
struct HeldSnapshot : boost::intrusive_ref_counter<HeldSnapshot, boost::thread_unsafe_counter> {
    explicit HeldSnapshot(std::shared_ptr<const routing::Snapshot> what)
        : snapshot(std::move(what)) {}

    std::shared_ptr<const routing::Snapshot> snapshot;
};

using SnapshotPtr = boost::intrusive_ptr<const HeldSnapshot>;

// One listener as this worker's sessions see it. Lives until its last connection is gone.
struct ListenerState {
    std::string name;
    std::string address;  // "0.0.0.0:80"
    model::ListenerProtocol protocol = model::ListenerProtocol::http;
    std::uint16_t port = 0;
    int routeIndex = -1;                                     // of the worker's current snapshot
    routing::BackendId backendId = 0;                        // tcp
    std::string backend;                                     // tcp: its name
    std::shared_ptr<const routing::SourceNetworks> sources;  // tcp: null: everybody is served
    // Whose connections begin with a PROXY protocol header; null: nobody's.
    std::shared_ptr<const routing::SourceNetworks> introducers;
    std::uint64_t accepted = 0;
    std::uint64_t active = 0;
    bool closed = false;  // accepts no more; its connections finish
    std::uint32_t closedTick = 0;

    std::string_view scheme() const noexcept {
        return protocol == model::ListenerProtocol::https ? "https" : "http";
    }
};

// Runs sessions that have more to do in the worker's next turn, so that none starves the others.
class Requeue {
public:
    virtual ~Requeue() = default;
    virtual void requeue(Session& session) = 0;
    virtual void forget(Session& session) = 0;  // the session dies
};

// Where access-log lines go: appends only, never blocks.
class AccessLogSink {
public:
    virtual ~AccessLogSink() = default;
    virtual void write(const http::AccessRecord& record) = 0;
};

struct SessionContext {
    SessionContext(net::Poller& thePoller, net::TimerWheel& theWheel, net::BufferPool& theBuffers,
                   upstream::ConnectionPool& thePool, upstream::Registry& theRegistry,
                   Requeue& theQueue);
    ~SessionContext();

    net::Poller& poller;
    net::TimerWheel& wheel;
    net::BufferPool& buffers;
    upstream::ConnectionPool& pool;
    upstream::Registry& registry;
    Requeue& queue;
    AccessLogSink* log = nullptr;  // null: no access log
    tls::Engine* tls = nullptr;    // set before the first backend that wants TLS

    net::SplicePipe pipe;
    Counters counters;
    CompressorPool compressors{buffers};
    upstream::TrafficTable routeTraffic;  // by routing::Target::statsIndex
    model::Backend defaultPolicy;         // deadlines of requests that have no backend
    upstream::Random random{1};
    SnapshotPtr snapshot;  // current; never null once the worker serves
    bool draining = false;
    http::RequestHead requestHead;  // reused by every parse; views die with the next read
    http::ResponseHead responseHead;
    std::vector<std::unique_ptr<Exchange>> spareExchanges;
    std::unique_ptr<Http2Engine> http2;  // made with the first connection that speaks it
    // How much of what is new is turned away because the worker is behind, of kEverything.
    static constexpr std::uint32_t kEverything = 256;
    std::uint32_t shedShare = 0;

    // Why something new is turned away right now; usually it is not.
    http::ProxyError refusal() noexcept {
        if (shedShare == 0 && !buffers.full()) [[likely]]
            return http::ProxyError::none;
        return turnAway();
    }

    const model::Settings& settings() const noexcept { return snapshot->snapshot->settings; }

    // The buffer all reads go to. Whoever needs its bytes beyond the current event moves it out;
    // the next caller then gets another one.
    net::Buffer& scratch() {
        if (!scratch_)
            scratch_ = buffers.large();
        return scratch_;
    }

    // IMF-fixdate of this second, refreshed by the worker.
    std::string_view date() const noexcept { return {date_, 29}; }

    char date_[30] = "Thu, 01 Jan 1970 00:00:00 GMT";

private:
    http::ProxyError turnAway() noexcept;

    net::Buffer scratch_;
    std::uint32_t shedSum_ = 0;
};

}  // namespace evergate::session
