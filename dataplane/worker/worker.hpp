// SPDX-License-Identifier: Apache-2.0
// One thread of the data plane: its listening sockets, upstream pools, timers, counters and current
// snapshot. Nothing in here is shared; the pool reaches it by post only. The thread waits in its
// poller; the io_context is no more than the queue of what was posted.
//
// Methods marked (worker) run on the worker's own thread.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/intrusive/list.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dataplane/net/buffer_pool.hpp"
#include "dataplane/net/poller.hpp"
#include "dataplane/net/timer_wheel.hpp"
#include "dataplane/session/introduction.hpp"
#include "dataplane/session/session.hpp"
#include "dataplane/session/session_context.hpp"
#include "dataplane/session/sni_session.hpp"
#include "dataplane/tls/engine.hpp"
#include "dataplane/upstream/connection_pool.hpp"
#include "dataplane/upstream/registry.hpp"
#include "dataplane/worker/acceptor.hpp"
#include "dataplane/worker/access_log_writer.hpp"
#include "dataplane/worker/client_limits.hpp"
#include "dataplane/worker/handshake_limits.hpp"
#include "dataplane/worker/outlier_monitor.hpp"
#include "dataplane/worker/overload.hpp"
#include "dataplane/worker/ticker.hpp"
#include "dataplane/worker/worker_pool.hpp"

namespace evergate::worker {

// A part of a Publication for one worker: its own (bound) sockets, everything else shared and
// const.
struct WorkerPublication {
    std::shared_ptr<const routing::Snapshot> snapshot;
    std::shared_ptr<const std::vector<EndpointsUpdate>> endpoints;
    std::vector<std::pair<std::string, net::Socket>> open;
    std::shared_ptr<const std::vector<std::string>> close;
    std::shared_ptr<const std::vector<routing::BackendId>> forget;
    std::shared_ptr<const RecycledIds> recycled;
};

// A listener, and how many connections it may have.
struct ListenerEntry : session::ListenerState {
    std::shared_ptr<ConnectionCount> connections;  // of all workers
    std::uint32_t maxConnections = 0;              // 0: no limit of its own
    std::uint64_t refused = 0;
};

// What all workers keep to together; outlives them.
struct SharedLimits {
    SharedLimits(const WorkerPoolOptions& options, std::uint64_t seed)
        : clients(options.maxConnections),
          handshakes(options.handshakeRate, options.handshakeRatePerClient, seed),
          buffers(options.bufferBytes) {}

    // Null: no limit.
    net::BufferBudget* bufferBudget() noexcept { return buffers.limit() == 0 ? nullptr : &buffers; }

    ClientLimits clients;
    HandshakeLimits handshakes;
    net::BufferBudget buffers;
};

// Which backends to tell about.
struct BackendSelection {
    std::vector<routing::BackendId> ids;  // empty: all
    bool endpoints = true;                // one by one, too
};

class Worker final : public session::IntroductionOwner,
                     public session::SniOwner,
                     public session::Requeue,
                     public AcceptorOwner {
public:
    // `limits` and `slots` outlive the worker.
    Worker(unsigned index, std::uint64_t seed, AccessLogWriter* log,
           const WorkerPoolOptions& options, SharedLimits& limits, upstream::SlotTable& slots);
    ~Worker() override;  // stop() first

    void start();  // begins the thread
    void stop();   // ends and joins it; sessions are cut

    template <typename F>
    void post(F&& work) {
        boost::asio::post(io_, std::forward<F>(work));
        posts_.fetch_add(1, std::memory_order_release);
        if (!posted_.exchange(true))
            poller_.wakeUp();
    }

    void publish(WorkerPublication& publication);                        // (worker)
    void updateEndpoints(const std::vector<EndpointsUpdate>& updates);   // (worker)
    void setHealth(const std::vector<health::EndpointHealth>& changes);  // (worker)
    void setEjected(const std::vector<EjectionChange>& changes);         // (worker)
    // (worker) What other workers' requests left to those that wait here.
    void receiveSlot(routing::BackendId backend, upstream::EndpointSlotsPtr slot);
    void lookAtQueue(routing::BackendId backend);  // (worker)
    // (worker), or before start()
    void setTicketKeys(std::shared_ptr<const tls::TicketKeys> keys);
    void setStaples(std::shared_ptr<const tls::Staples> staples);  // (worker)
    // (worker) The next part of what was asked for, from `next` on. True: that was the last of it.
    bool reportStats(std::size_t& next, std::vector<WorkerStats>& into) const;
    bool reportBackends(const BackendSelection& selection, std::size_t& next,
                        std::vector<BackendStats>& into) const;
    bool reportRoutes(std::size_t& next, std::vector<RouteStats>& into) const;
    std::vector<ConnectionInfo> connections(std::size_t limit) const;  // (worker)
    // (worker) Runs `done` with the number of connections cut, once, when none is left.
    void drain(std::chrono::milliseconds timeout, std::function<void(std::size_t)> done);

private:
    using Sessions =
        boost::intrusive::list<session::Session, boost::intrusive::base_hook<session::SessionHook>>;
    using ListenerPtr = std::unique_ptr<ListenerEntry>;

    WorkerStats stats() const;
    void run();
    void runPosts();
    void otherWork();
    void tick();
    void noteLag(std::chrono::steady_clock::duration late);
    void checkDrained();
    void replaceListener(const routing::Snapshot& snapshot, const std::string& name,
                         net::Socket socket);
    void openListener(const routing::Snapshot& snapshot, const std::string& name, int fd);
    std::unique_ptr<Acceptor> takeAcceptor(const std::string& name);
    void closeListener(std::unique_ptr<Acceptor> acceptor);
    void refreshListeners(const routing::Snapshot& snapshot);
    void drainClosedListeners();
    void dropFinishedListeners();
    void cancelSessions();

    void onSessionClosed(session::Session& session) override;
    void onHttp2(session::Session& session, session::ListenerState& listener, net::Socket socket,
                 std::string_view bytes) override;
    void requeue(session::Session& session) override;
    void forget(session::Session& session) override;
    void runQueue();
    void onAccepted(session::ListenerState& listener, int fd,
                    const net::SocketAddress& peer) override;
    void onIntroduced(session::ListenerState& listener, net::Socket socket,
                      const net::SocketAddress& client,
                      const net::ProxiedDestination* destination) override;
    void onNamed(session::SniSession& named, session::ListenerState& listener, net::Socket socket,
                 const routing::Target* target, std::string_view serverName) override;
    session::Session* sessionFor(session::ListenerState& listener, net::Socket& socket,
                                 const net::SocketAddress& client);
    void begin(session::Session& session, std::uint64_t clientKey);
    void goOn(session::Session& before, session::Session& session);
    http::ProxyError admit(const session::ListenerState& listener, const net::SocketAddress* client,
                           std::uint64_t& clientKey);
    bool shared(const net::SocketAddress& client) const;
    bool speaksOnlyHttp2() const noexcept;
    bool secure(const session::ListenerState& listener, net::Socket& socket,
                const net::SocketAddress& client);
    bool freeDescriptors() override;
    void onRefused(session::ListenerState& listener, net::Socket socket,
                   const net::SocketAddress& peer) override;
    void refuse(session::ListenerState& listener, net::Socket socket,
                const net::SocketAddress& client, http::ProxyError error);
    void logRefusal(const session::ListenerState& listener, const net::SocketAddress& client,
                    http::ProxyError error, bool answered);

    // Every ListenerState here is one.
    static ListenerEntry& entryOf(session::ListenerState& listener) noexcept {
        return static_cast<ListenerEntry&>(listener);
    }

    static const ListenerEntry& entryOf(const session::ListenerState& listener) noexcept {
        return static_cast<const ListenerEntry&>(listener);
    }

    unsigned index_;
    std::chrono::milliseconds listenerDrain_;
    SharedLimits& limits_;
    Overload overload_;
    upstream::DurationHistogram loopLag_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::atomic<std::uint64_t> posts_{0};
    std::atomic<bool> posted_{false};  // something was, since the thread looked
    std::uint64_t postsRun_ = 0;
    bool ended_ = false;
    tls::Engine tls_;
    net::TimerWheel wheel_;
    net::BufferPool buffers_;
    net::Poller poller_;
    upstream::ConnectionPool pool_;
    upstream::Registry registry_;
    session::SessionContext context_;
    std::unique_ptr<AccessLogBuffer> log_;
    Ticker ticker_;
    std::vector<ListenerPtr> listeners_;  // open ones and those whose connections still run
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    std::uint64_t pausesOfClosed_ = 0;
    // What listeners that are gone had accepted, by name and address: they may come back.
    std::map<std::pair<std::string, std::string>, std::uint64_t> acceptedBefore_;
    Sessions sessions_;
    std::vector<session::Session*> queue_;
    bool queueDue_ = false;
    std::int64_t dateSecond_ = 0;
    std::chrono::steady_clock::time_point drainIdleAt_;
    std::chrono::steady_clock::time_point drainUntil_;
    std::function<void(std::size_t)> drained_;
    std::thread thread_;
};

}  // namespace evergate::worker
