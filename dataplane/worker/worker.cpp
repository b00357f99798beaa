// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/worker.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "dataplane/http/compose.hpp"

namespace evergate::worker {

namespace {

constexpr std::chrono::milliseconds kDrainIdleGrace{1'000};
constexpr std::size_t kListenersRemembered = 1024;
// How long those that have more to do than fits a turn keep the others waiting.
constexpr std::chrono::microseconds kQueueSlice{50};

// Small enough that what workers have reserved and do not use is little of the whole.
std::size_t bufferStep(const WorkerPoolOptions& options) noexcept {
    constexpr std::size_t kMost = 1024 * 1024;
    constexpr std::size_t kStepsPerWorker = 32;
    return std::min(kMost, options.bufferBytes / (kStepsPerWorker * std::max(1u, options.workers)));
}

// What encoders of responses may hold, of a worker's part of all buffers.
std::size_t compressionShare(const WorkerPoolOptions& options) noexcept {
    constexpr std::size_t kPart = 4;
    return options.bufferBytes == 0 ? session::CompressorPool::kUsualLimit
                                    : options.bufferBytes / (kPart * std::max(1u, options.workers));
}

// Splicing to a peer that is gone is an error code, nothing else.
void blockBrokenPipe() noexcept {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

// Twice what a session waits: the kernel's part is the case where nobody waits any more.
std::chrono::milliseconds userTimeout(const model::Settings& settings) noexcept {
    return 2 * settings.writeTimeout;
}

}  // namespace

Worker::Worker(unsigned index, std::uint64_t seed, AccessLogWriter* log,
               const WorkerPoolOptions& options, SharedLimits& limits, upstream::SlotTable& slots)
    : index_(index),
      listenerDrain_(options.listenerDrain),
      limits_(limits),
      overload_(options.overloadLag),
      work_(boost::asio::make_work_guard(io_)),
      buffers_({}, limits.bufferBudget(), bufferStep(options)),
      pool_(poller_, wheel_),
      registry_(pool_, slots, index),
      context_(poller_, wheel_, buffers_, pool_, registry_, *this),
      ticker_(poller_) {
    poller_.keepTimeFor(wheel_);
    poller_.beforeEvents([this] { runPosts(); });
    pool_.options().sources = net::SourceAddresses(options.sources, index);
    context_.tls = &tls_;
    context_.compressors.limitTo(compressionShare(options));
    context_.random = upstream::Random(seed);
    context_.snapshot = new session::HeldSnapshot(std::make_shared<const routing::Snapshot>());
    if (log != nullptr) {
        log_ = std::make_unique<AccessLogBuffer>(*log);
        context_.log = log_.get();
    }
}

Worker::~Worker() = default;

void Worker::start() {
    poller_.turn([this] { tick(); });
    ticker_.start(net::TimerWheel::kTick);
    thread_ = std::thread([this] { run(); });
    const std::string name = "worker-" + std::to_string(index_);
    pthread_setname_np(thread_.native_handle(), name.c_str());
}

void Worker::run() {
    blockBrokenPipe();
    while (!ended_) {
        if (queueDue_) {
            poller_.poll();
        } else {
            poller_.wait();
        }
        if (ticker_.due() || queueDue_)
            poller_.turn([this] { otherWork(); });
    }
}

// What was posted when the events of this batch were taken, and not what it posts itself: sockets
// get their turn between the parts of a long report. A post behind the exchange wakes the thread
// anew.
void Worker::runPosts() {
    if (!posted_.load(std::memory_order_acquire) || !posted_.exchange(false))
        return;
    for (const std::uint64_t due = posts_.load(std::memory_order_acquire); postsRun_ != due;
         ++postsRun_)
        io_.poll_one();
}

// What is no event of a socket.
void Worker::otherWork() {
    if (ticker_.due()) {
        noteLag(std::chrono::steady_clock::now() - ticker_.take());
        tick();
    }
    if (queueDue_)
        runQueue();
}

void Worker::stop() {
    if (!thread_.joinable())
        return;
    post([this] {
        for (auto& acceptor : acceptors_)
            poller_.retire(std::move(acceptor));
        acceptors_.clear();
        cancelSessions();
        pool_.closeAllIdle();
        ended_ = true;  // behind the end of this turn, when what was retired dies
    });
    thread_.join();
}

void Worker::cancelSessions() {
    while (!sessions_.empty())
        sessions_.front().cancel();
}

// Ten times a second: deadlines, the date, and what a drain waits for.
void Worker::tick() {
    const auto now = std::chrono::steady_clock::now();
    wheel_.advance(now);
    buffers_.look(tls_.backlogBytes() + pool_.heldBytes() + context_.compressors.bytes());
    // Those that had to wait for memory; one that finds none now comes back with the next tick.
    if (!queue_.empty() && !queueDue_)
        runQueue();
    const std::int64_t second = std::chrono::duration_cast<std::chrono::seconds>(
                                    std::chrono::system_clock::now().time_since_epoch())
                                    .count();
    if (second != dateSecond_) {
        dateSecond_ = second;
        http::writeHttpDate(second, context_.date_);
    }
    if (log_)
        log_->flush();
    registry_.lookAtQueues();
    drainClosedListeners();
    dropFinishedListeners();
    if (drained_)
        checkDrained();
}

// As late as the tick is, so long waits everything that comes in.
void Worker::noteLag(std::chrono::steady_clock::duration late) {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(
        std::max(late, std::chrono::steady_clock::duration(0)));
    overload_.note(micros);
    context_.shedShare = overload_.share();
    loopLag_.observe(
        static_cast<std::uint32_t>(std::min<std::int64_t>(micros.count(), UINT32_MAX)));
}

void Worker::publish(WorkerPublication& publication) {
    // What waits in the queue of a listener that goes is still served as before.
    for (const std::string& name : *publication.close)
        closeListener(takeAcceptor(name));
    if (publication.endpoints)
        updateEndpoints(*publication.endpoints);
    const routing::Snapshot& snapshot = *publication.snapshot;
    for (const routing::BackendSpec& backend : snapshot.backends) {
        registry_.setPolicy(backend.id, backend.policy);
        registry_.setTrust(backend.id, backend.trust);
    }
    context_.snapshot = new session::HeldSnapshot(publication.snapshot);
    pool_.options().idleTimeout = snapshot.settings.upstreamIdleTimeout;
    pool_.options().userTimeout =
        std::max(upstream::ConnectionPool::kUserTimeout, userTimeout(snapshot.settings));
    refreshListeners(snapshot);
    for (auto& [name, socket] : publication.open)
        replaceListener(snapshot, name, std::move(socket));
    for (const routing::BackendId id : *publication.forget)
        registry_.remove(id);
    for (const routing::BackendId id : publication.recycled->backends)
        registry_.recycle(id);
    for (const std::uint32_t index : publication.recycled->routes)
        context_.routeTraffic.reset(index);
}

void Worker::updateEndpoints(const std::vector<EndpointsUpdate>& updates) {
    for (const EndpointsUpdate& update : updates)
        registry_.setEndpoints(update.backend, *update.endpoints);
}

void Worker::receiveSlot(routing::BackendId backend, upstream::EndpointSlotsPtr slot) {
    registry_.receiveSlot(backend, std::move(slot));
}

void Worker::lookAtQueue(routing::BackendId backend) {
    registry_.lookAtQueue(backend);
}

void Worker::setHealth(const std::vector<health::EndpointHealth>& changes) {
    for (const health::EndpointHealth& change : changes)
        registry_.setHealth(change.backend, change.address, change.port, change.up);
}

void Worker::setEjected(const std::vector<EjectionChange>& changes) {
    for (const EjectionChange& change : changes)
        registry_.setEjected(change.backend, change.address, change.port, change.ejected);
}

// The new one listens before the old one goes: where they share a port nobody is turned away.
void Worker::replaceListener(const routing::Snapshot& snapshot, const std::string& name,
                             net::Socket socket) {
    if (context_.draining)
        return;
    std::unique_ptr<Acceptor> old = takeAcceptor(name);
    openListener(snapshot, name, socket.release());
    closeListener(std::move(old));
}

void Worker::openListener(const routing::Snapshot& snapshot, const std::string& name, int fd) {
    const auto at =
        std::find_if(snapshot.listeners.begin(), snapshot.listeners.end(),
                     [&](const routing::ListenerSpec& spec) { return spec.name == name; });
    auto state = std::make_unique<ListenerEntry>();
    state->name = name;
    state->connections = limits_.clients.listener(name);
    if (at != snapshot.listeners.end()) {
        state->protocol = at->listener.protocol;
        state->routeIndex = at->routeIndex;
        state->backendId = at->backendId;
        state->backend = at->listener.backend;
        state->sources = at->sources;
        state->introducers = at->introducers;
        state->maxConnections = at->listener.maxConnections;
    }
    const net::SocketAddress local = net::SocketAddress::localOf(fd);
    state->address = local.textWithPort();
    state->port = local.port();
    auto acceptor = std::make_unique<Acceptor>(poller_, wheel_, *this, *state, fd);
    acceptor->setUserTimeout(userTimeout(snapshot.settings));
    if (!acceptor->listen())
        state->closed = true;
    listeners_.push_back(std::move(state));
    acceptors_.push_back(std::move(acceptor));
}

std::unique_ptr<Acceptor> Worker::takeAcceptor(const std::string& name) {
    const auto at = std::find_if(acceptors_.begin(), acceptors_.end(), [&](const auto& acceptor) {
        return acceptor->listener().name == name;
    });
    if (at == acceptors_.end())
        return nullptr;
    std::unique_ptr<Acceptor> acceptor = std::move(*at);
    acceptors_.erase(at);
    return acceptor;
}

void Worker::closeListener(std::unique_ptr<Acceptor> acceptor) {
    if (!acceptor)
        return;
    // Deadlines begin now, also when what was applied before took long.
    wheel_.setNow(std::chrono::steady_clock::now());
    acceptor->close();
    acceptor->listener().closed = true;
    acceptor->listener().closedTick = wheel_.nowTick();
    pausesOfClosed_ += acceptor->pauses();
    if (acceptedBefore_.size() == kListenersRemembered)
        acceptedBefore_.erase(acceptedBefore_.begin());
    acceptedBefore_[{acceptor->listener().name, acceptor->listener().address}] +=
        acceptor->listener().accepted;
    poller_.retire(std::move(acceptor));
}

// Every listener, also one whose connections finish, learns its place in the new routing table.
void Worker::refreshListeners(const routing::Snapshot& snapshot) {
    for (const auto& state : listeners_) {
        state->routeIndex = -1;
        for (const routing::ListenerSpec& spec : snapshot.listeners) {
            if (spec.name != state->name)
                continue;
            state->routeIndex = spec.routeIndex;
            state->backendId = spec.backendId;
            state->backend = spec.listener.backend;
            state->sources = spec.sources;
            state->introducers = spec.introducers;
            state->maxConnections = spec.listener.maxConnections;
        }
    }
    for (const auto& acceptor : acceptors_)
        acceptor->setUserTimeout(userTimeout(snapshot.settings));
}

// Connections of a listener that is gone end when they are idle, and at a deadline in any case.
void Worker::drainClosedListeners() {
    const bool any =
        std::any_of(listeners_.begin(), listeners_.end(),
                    [](const ListenerPtr& state) { return state->closed && state->active != 0; });
    if (!any || context_.draining)
        return;
    for (auto at = sessions_.begin(); at != sessions_.end();) {
        session::Session& session = *at++;
        if (!session.listener().closed)
            continue;
        const auto age =
            (wheel_.nowTick() - session.listener().closedTick) * net::TimerWheel::kTick;
        if (age >= listenerDrain_) {
            session.cancel();
        } else if (age >= kDrainIdleGrace) {
            session.closeIfIdle();
        }
    }
}

void Worker::dropFinishedListeners() {
    std::erase_if(listeners_, [this](const ListenerPtr& state) {
        return state->closed && state->active == 0 &&
               std::none_of(acceptors_.begin(), acceptors_.end(), [&](const auto& acceptor) {
                   return &acceptor->listener() == state.get();
               });
    });
}

void Worker::setTicketKeys(std::shared_ptr<const tls::TicketKeys> keys) {
    tls_.setTicketKeys(std::move(keys));
}

void Worker::setStaples(std::shared_ptr<const tls::Staples> staples) {
    tls_.setStaples(std::move(staples));
}

void Worker::requeue(session::Session& session) {
    if (session.queued())
        return;
    session.setQueued(true);
    queue_.push_back(&session);
    // Without memory the tick is soon enough: most of the queue waits for it.
    if (!buffers_.starved())
        queueDue_ = true;
}

void Worker::forget(session::Session& session) {
    std::replace(queue_.begin(), queue_.end(), &session, static_cast<session::Session*>(nullptr));
}

// As many as fit into a slice of time: then it is the turn of what has come in meanwhile. Whoever
// is forgotten meanwhile is taken out of the queue itself, so they stay in it until their turn.
void Worker::runQueue() {
    queueDue_ = false;
    const auto end = std::chrono::steady_clock::now() + kQueueSlice;
    const std::size_t due = queue_.size();
    std::size_t done = 0;
    while (done < due) {
        session::Session* const session = std::exchange(queue_[done++], nullptr);
        if (session == nullptr)
            continue;
        session->setQueued(false);
        session->resume();
        // Those that wait for memory have a turn in every tick.
        if (!buffers_.starved() && std::chrono::steady_clock::now() >= end)
            break;
    }
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(done));
    queueDue_ = !queue_.empty() && !buffers_.starved();
}

void Worker::drain(std::chrono::milliseconds timeout, std::function<void(std::size_t)> done) {
    const auto now = std::chrono::steady_clock::now();
    context_.draining = true;
    wheel_.setNow(now);
    for (const auto& acceptor : acceptors_) {
        acceptor->close();
        acceptor->listener().closed = true;
        acceptor->listener().closedTick = wheel_.nowTick();
    }
    drainUntil_ = now + timeout;
    drainIdleAt_ = now + std::min(kDrainIdleGrace, timeout / 2);
    if (drained_) {  // asked twice: the last word on the time, an answer to both
        done = [first = std::move(drained_), second = std::move(done)](std::size_t cut) {
            first(cut);
            second(cut);
        };
    }
    drained_ = std::move(done);
    checkDrained();
}

void Worker::checkDrained() {
    const auto now = std::chrono::steady_clock::now();
    if (now >= drainIdleAt_) {
        for (auto at = sessions_.begin(); at != sessions_.end();)
            (at++)->closeIfIdle();
    }
    const std::size_t left = sessions_.size();
    if (left != 0 && now < drainUntil_)
        return;
    cancelSessions();
    std::exchange(drained_, nullptr)(left);
}

}  // namespace evergate::worker
