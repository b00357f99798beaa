// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/http2_session.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/net/round_trip.hpp"
#include "dataplane/session/http2_engine.hpp"
#include "dataplane/tls/server_certificates.hpp"

namespace evergate::session {

using http2::ErrorCode;
using http2::SettingId;

namespace {

// Turns of writing before others have theirs.
constexpr int kRoundsPerTurn = 4;
// Header blocks in several frames may have so many times what a head may. More is an attack.
constexpr std::size_t kBlocks = 4;
// Whoever floods comes back with a new connection when one is closed. So until so many requests
// were answered in full, or some time has passed, a connection waits in the line of those that have
// much to do.
constexpr std::uint32_t kAcquainted = 32;
constexpr std::chrono::seconds kProbation{5};

}  // namespace

Http2Session::Http2Session(SessionContext& context, SessionOwner& owner, ListenerState& listener,
                           net::Socket socket, const net::SocketAddress& address,
                           std::string_view early)
    : Session(context, listener, address),
      owner_(owner),
      socket_(std::move(socket)),
      multiplexer_(http2::Multiplexer::Role::server, *this, Http2Engine::of(context).streams),
      early_(early) {
    addressSize_ = static_cast<std::uint8_t>(this->address().text(addressText_).size());
    ++context_.counters.http2.connections;
    ++context_.counters.http2.activeConnections;
}

Http2Session::~Http2Session() {
    --context_.counters.http2.activeConnections;
    streams_.clear_and_dispose([](Http2Stream* stream) { delete stream; });
}

void Http2Session::start() {
    // Its streams have no descriptor to ask.
    if (destination() == nullptr)
        setDestination({net::SocketAddress::localOf(socket_.fd()), {}});
    sayHello();
    socket_.setRegistered();
    if (context_.poller.add(socket_.fd(), *this))
        return lose(true);
    hold(std::exchange(early_, {}));
    context_.queue.requeue(*this);
}

void Http2Session::sayHello() {
    const model::Settings& settings = context_.settings();
    const std::array<http2::Setting, 4> said{
        {{SettingId::maxConcurrentStreams, settings.http2MaxStreams},
         {SettingId::maxHeaderListSize, settings.maxHeadBytes},
         {SettingId::enableConnectProtocol, 1},
         {SettingId::noRfc7540Priorities, 1}}};
    multiplexer_.limitStreams(settings.http2MaxStreams);
    multiplexer_.limitBlocks(kBlocks * std::size_t{settings.maxHeadBytes});
    multiplexer_.start(said, windows_.stream(), windows_.connection());
}

bool Http2Session::isStranger() const noexcept {
    return answered_ < kAcquainted &&
           (context_.wheel.nowTick() - acceptedTick()) * net::TimerWheel::kTick < kProbation;
}

void Http2Session::onEvents(std::uint32_t events) {
    if (lost_)
        return;
    socket_.noteEvents(events);
    if (isStranger())
        return context_.queue.requeue(*this);
    if (!holdsInput() || !queued())  // else its turn comes
        service();
}

void Http2Session::resume() {
    if (gone_)
        return;
    std::vector<Http2Stream*> yields;
    yields.swap(yields_);
    for (Http2Stream* const stream : yields) {
        stream->queuedYield = false;
        stream->resume();
    }
    if (!lost_)
        return service();
    scheduleFlush();
}

// Whatever the socket's flags allow.
void Http2Session::service() {
    if (lingering_)
        return drainInput();
    if (!read())
        return;
    runWork();
    scheduleFlush();
}

void Http2Session::runWork() {
    while (!work_.empty()) {
        std::vector<Http2Stream*> work;
        work.swap(work_);
        for (Http2Stream* const stream : work) {
            stream->queuedWork = false;
            stream->work();
        }
        work.clear();
        if (work_.empty())
            work_.swap(work);  // keeps its memory
    }
}

void Http2Session::noteWork(Http2Stream& stream) {
    if (stream.queuedWork)
        return;
    stream.queuedWork = true;
    work_.push_back(&stream);
    scheduleFlush();
}

void Http2Session::noteYield(Http2Stream& stream) {
    if (!stream.queuedYield) {
        stream.queuedYield = true;
        yields_.push_back(&stream);
    }
    context_.queue.requeue(*this);
}

void Http2Session::noteOver(Http2Stream& stream) {
    over_.push_back(&stream);
    scheduleFlush();
}

void Http2Session::consume(http2::Stream& stream, std::size_t size) {
    multiplexer_.consume(stream, size);
    scheduleFlush();
    if (windows_.read(size)) [[unlikely]]
        adjustWindows();
}

// Of all streams, by SETTINGS: those to come begin where these have got to.
void Http2Session::adjustWindows() {
    const bool scarce = context_.buffers.readShare() != net::BufferPool::kLarge;
    if (!windows_.look(std::chrono::steady_clock::now(), net::roundTrip(socket_.fd()), scarce))
        return;
    multiplexer_.changeWindows(windows_.stream(), windows_.connection());
}

void Http2Session::consumeConnection(std::size_t size) {
    if (lost_)
        return;
    multiplexer_.consumeConnection(size);
    scheduleFlush();
}

void Http2Session::resetStream(http2::Stream& stream, ErrorCode code) {
    streamOf(stream).noteReset();
    multiplexer_.reset(stream, code);
    scheduleFlush();
}

void Http2Session::onTurnEnd() {
    if (gone_)
        return;
    for (int round = 0; !lost_ && !lingering_; ++round) {
        runWork();
        if (!flush())
            break;
        if (work_.empty())
            break;
        if (round == kRoundsPerTurn) {
            context_.queue.requeue(*this);
            break;
        }
    }
    runWork();
    sweep();
    if (lost_)
        return leaveIfOver();
    finishIfDone();
    rearm();
}

// Sends what there is, as far as the socket takes it. False: the connection is gone.
bool Http2Session::flush() {
    const bool paused = inputPaused();
    int error = 0;
    if (!pending_.flush(socket_, sent_, error)) {
        lose(false);
        return false;
    }
    while (pending_.empty() && socket_.writable() && work_.empty()) {
        net::Buffer& buffer = context_.scratch();
        const std::size_t size = multiplexer_.send(buffer.data(), BodyFlow::kReadSize);
        const auto said = multiplexer_.takeSent();
        guard_.noteSent(said.frames, said.data);
        if (size == 0)
            break;
        const net::IoResult got = socket_.send(buffer.data(), size);
        if (got.failed()) {
            lose(false);
            return false;
        }
        const auto gone = static_cast<std::size_t>(std::max<ssize_t>(got.bytes, 0));
        sent_ += gone;
        if (gone == size)
            continue;
        const char* const begin = buffer.data() + gone;
        if (size - gone > net::BufferPool::kSmall) {
            const char* const end = buffer.data() + size;
            pending_.adopt(std::move(buffer), begin, end);
        } else if (!pending_.append(context_.buffers, begin, size - gone)) {
            lose(true);
            return false;
        }
    }
    if (paused && !refused_ && !inputPaused() && (socket_.readable() || holdsInput()))
        context_.queue.requeue(*this);
    return true;
}

// The first step of an orderly end: whatever is on its way is still served (RFC 9113 §6.8).
void Http2Session::announceEnd() {
    if (noticeSent_)
        return;
    noticeSent_ = true;
    noticeTick_ = context_.wheel.nowTick();
    multiplexer_.announceEnd();
    scheduleFlush();
}

// Clients ask on one connection for all the hosts they take its certificate to be good for. One
// whose certificate is another wants a connection of its own (RFC 9113 §9.1.2).
bool Http2Session::covers(std::string_view host) {
    if (socket_.layer() == nullptr)
        return true;
    if (coveredBy_ == context_.snapshot && host == coveredHost_)
        return true;
    const std::string_view asked = facts().serverName;
    const auto& certificates = context_.snapshot->snapshot->certificates;
    if (asked.empty() || !certificates)
        return true;
    const tls::ServerContext* const shown = certificates->find(asked);
    if ((shown != nullptr ? shown : &certificates->byDefault()) != &certificates->serving(host))
        return false;
    coveredBy_ = context_.snapshot;
    coveredHost_ = host;
    return true;
}

}  // namespace evergate::session
