// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/http2_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "dataplane/upstream/connection_pool.hpp"
#include "dataplane/upstream/endpoint.hpp"
#include "dataplane/upstream/http2_pool.hpp"

namespace evergate::upstream {
namespace {

// Of all streams together, between two turns: what is received counts as taken here, and is
// bounded by the windows of the streams.
constexpr std::int32_t kConnectionWindow = 8 * 1024 * 1024;
constexpr std::uint32_t kMaxHeaderList = http2::ResponseText::kMaxHead;
// Compressed, of what a head may have: more than that is not meant to be one.
constexpr std::size_t kMaxBlock = 4 * http2::ResponseText::kMaxHead;
// Reads before others have their turn. An endpoint that keeps to its windows never gets there.
constexpr int kReadsPerTurn = 256;
// A stream given up after such a silence: whoever is there may not be there any more.
constexpr std::uint32_t kSilentTicks = 20;
// Idle for so long it gives back what only work needs; compression begins anew then.
constexpr std::chrono::milliseconds kBriefly{1'000};

}  // namespace

Http2Connection::Http2Connection(Http2Pool& pool, EndpointState& endpoint)
    : pool_(pool), endpoint_(&endpoint) {}

Http2Connection::~Http2Connection() = default;

bool Http2Connection::start(const Security& security, std::error_code& error) {
    secure_ = security.context != nullptr;
    engine_ = security.engine;
    carrier_ = pool_.connections_.dial(*endpoint_, *this, error, security);
    return carrier_ != nullptr;
}

std::uint32_t Http2Connection::nowTick() const noexcept {
    return pool_.connections_.nowTick();
}

http::RequestHead& Http2Connection::head() noexcept {
    return pool_.head_;
}

std::string Http2Connection::takeText() noexcept {
    return pool_.takeText();
}

void Http2Connection::keepText(std::string text) noexcept {
    pool_.keepText(std::move(text));
}

void Http2Connection::noteHeld(std::size_t before, std::size_t now) noexcept {
    pool_.held_ += now - before;
}

bool Http2Connection::hasRoom() const noexcept {
    if (!taking_ || lost_ || carrier_ == nullptr)
        return false;
    if (!standing_)
        return count_ < kMaxStreams;
    // Some have no user any more, but are not over.
    const std::size_t most = std::min(kMaxStreams, multiplexer_->peerMaxStreams());
    return std::max<std::size_t>(count_, multiplexer_->streams()) < most;
}

bool Http2Connection::allowsTunnels() const noexcept {
    return multiplexer_->peerAllowsConnect();
}

std::unique_ptr<Connection> Http2Connection::openStream(ConnectionUser& user, bool atOnce) {
    auto layer = std::make_unique<Http2Stream>(*this);
    Http2Stream& stream = *layer;
    auto connection =
        std::make_unique<Connection>(pool_.connections_, *endpoint_, std::move(layer), user);
    stream.setOwner(*connection);
    if (!atOnce) {
        adopt(stream);
        return connection;
    }
    take(stream);
    connection->connecting_ = false;
    connection->requests_ = 1;
    stream.openNow();
    return connection;
}

void Http2Connection::take(Http2Stream& stream) {
    wake();
    stream.setConnection(*this);
    streams_.push_back(stream);
    ++count_;
}

void Http2Connection::adopt(Http2Stream& stream) {
    take(stream);
    if (standing_)
        stream.open();
}

void Http2Connection::stopTaking() noexcept {
    taking_ = false;
}

void Http2Connection::endIfUnused() {
    if (count_ == 0 && carrier_ != nullptr && !delivering_)
        shut();
}

// Events

void Http2Connection::onUpstream(Connection& carrier, std::uint32_t) {
    if (!multiplexer_) {
        if (carrier.connectError() != 0)
            return fail(carrier.connectError(), carrier.handshakeFailure());
        if (secure_ && carrier.socket().layer()->facts().protocol != "h2") {
            endpoint_->noteConnectFailure(nowTick());
            return fail(EPROTO, net::HandshakeFailure::alpn);
        }
        begin();
    }
    read();
    schedule();
}

// Says the preface; the endpoint's SETTINGS will follow.
void Http2Connection::begin() {
    http2::Multiplexer::Handler& handler = *this;
    multiplexer_.emplace(http2::Multiplexer::Role::client, handler, pool_.streams_);
    multiplexer_->limitBlocks(kMaxBlock);
    const http2::Setting settings[] = {{http2::SettingId::enablePush, 0},
                                       {http2::SettingId::maxHeaderListSize, kMaxHeaderList}};
    multiplexer_->start(settings, Http2Stream::kWindow, kConnectionWindow);
}

// The endpoint's first SETTINGS are here.
void Http2Connection::stand() {
    if (std::exchange(standing_, true))
        return;
    std::size_t room = std::max<std::size_t>(multiplexer_->peerMaxStreams(), 1);
    for (auto at = streams_.begin(); at != streams_.end();) {
        Http2Stream& stream = *at++;
        if (room == 0) {
            moveAway(stream);
        } else {
            --room;
            stream.open();
        }
    }
}

// Came while nobody knew how few the endpoint allows: those here may stay for long.
void Http2Connection::moveAway(Http2Stream& stream) {
    std::error_code error;
    Http2Connection* const other = pool_.find(*endpoint_, security(), error);
    if (other == nullptr)
        return stream.refuse(error.value(), net::HandshakeFailure::none);
    streams_.erase(streams_.iterator_to(stream));
    --count_;
    other->adopt(stream);
}

Security Http2Connection::security() const noexcept {
    return {engine_, carrier_->context_, carrier_->serverName_, carrier_->introduction_, true};
}

void Http2Connection::read() {
    net::Socket& socket = carrier_->socket();
    more_ = false;
    for (int i = 0; !lost_ && !multiplexer_->terminated() && socket.readable(); ++i) {
        if (i == kReadsPerTurn) {
            more_ = true;
            pool_.connections_.wheel().arm(*this, std::chrono::milliseconds(1));
            return;
        }
        const net::IoResult got = socket.recv(pool_.input_.get(), Http2Pool::kReadSize);
        if (got.wouldBlock())
            return;
        if (got.bytes <= 0) {
            lost_ = true;
            return;
        }
        lastReadTick_ = nowTick();
        std::string_view bytes(pool_.input_.get(), static_cast<std::size_t>(got.bytes));
        while (!bytes.empty())
            bytes.remove_prefix(multiplexer_->receive(bytes));
        deliver();
    }
}

void Http2Connection::onTurnEnd() {
    if (carrier_ == nullptr || !multiplexer_)
        return settle();
    flush();
    admit();
    deliver();
    settle();
}

// Idle for long enough, or behind with reading.
void Http2Connection::onTimer() {
    if (carrier_ == nullptr)
        return;
    if (std::exchange(more_, false)) {
        if (resting_)
            wake();  // this timer was that of the rest, which begins anew
        read();
        return schedule();
    }
    if (count_ != 0)
        return;
    if (std::exchange(slim_, true))
        return shut();
    multiplexer_->rest();
    ConnectionPool& connections = pool_.connections_;
    connections.wheel().arm(*this, connections.options().idleTimeout - kBriefly);
}

void Http2Connection::schedule() {
    if (carrier_ != nullptr)
        pool_.connections_.poller().atTurnEnd(*this);
}

void Http2Connection::noteReady(Http2Stream& stream) {
    if (!stream.ReadyHook::is_linked())
        ready_.push_back(stream);
    if (!delivering_)
        schedule();
}

// Tells users what happened to their streams. They may end theirs or others and open new ones.
void Http2Connection::deliver() {
    delivering_ = true;
    while (!ready_.empty()) {
        Http2Stream& stream = ready_.front();
        ready_.pop_front();
        Connection& owner = stream.owner();
        const std::uint32_t events = stream.takeEvents();
        if (owner.user() != nullptr)
            owner.user()->onUpstream(owner, events);
    }
    delivering_ = false;
}

// Writing

void Http2Connection::flush() {
    char* const output = pool_.output_.get();
    while (!lost_ && flushBacklog()) {
        const std::size_t size = multiplexer_->send(output, Http2Pool::kFlushSize);
        if (size == 0)
            return;
        net::Socket& socket = carrier_->socket();
        std::size_t sent = 0;
        if (socket.writable()) {
            const net::IoResult result = socket.send(output, size);
            lost_ = result.failed();
            sent = static_cast<std::size_t>(std::max<ssize_t>(result.bytes, 0));
        }
        if (sent != size)
            backlog_.assign(output + sent, size - sent);
    }
}

// False: there is still some, or the connection is lost.
bool Http2Connection::flushBacklog() {
    net::Socket& socket = carrier_->socket();
    while (!backlog_.empty() && socket.writable()) {
        const net::IoResult result = socket.send(backlog_.data(), backlog_.size());
        if (result.failed()) {
            lost_ = true;
            return false;
        }
        backlog_.erase(0, static_cast<std::size_t>(std::max<ssize_t>(result.bytes, 0)));
    }
    if (!backlog_.empty())
        return false;
    backlog_ = std::string();
    return true;
}

// For its streams

bool Http2Connection::mayBegin() const noexcept {
    return !lost_ && multiplexer_ && multiplexer_->hasRoom();
}

void Http2Connection::awaitRoom() noexcept {
    waiting_ = true;
    schedule();
}

// Streams that could not begin, as the endpoint allowed fewer than were waiting for it to stand:
// some are over by now, or this connection begins none any more.
void Http2Connection::admit() {
    const std::size_t most = multiplexer_->peerMaxStreams();
    if (!waiting_ || (!goingAway_ && multiplexer_->streams() >= most))
        return;
    const bool begins = mayBegin();
    taking_ = taking_ && begins;
    std::size_t room = begins ? most - multiplexer_->streams() : streams_.size();
    waiting_ = false;
    for (Http2Stream& stream : streams_) {
        waiting_ = room == 0;
        if (waiting_)
            return;
        room -= stream.admit(begins) ? 1 : 0;
    }
}

http2::Stream& Http2Connection::submit(Http2Stream& stream, const http::RequestHead& head,
                                       bool tunnel, bool hasBody) {
    http2::RequestFields& fields = pool_.fields_;
    fields.assign(head, secure_ ? "https" : "http", tunnel, endpoint_->text);
    http2::Stream& made = *multiplexer_->request(&stream, fields.all(), hasBody);
    // All are as urgent, and no client's upload waits for another's end.
    multiplexer_->prioritize(made, {.incremental = true});
    schedule();
    return made;
}

void Http2Connection::submitTrailers(http2::Stream& stream, std::string_view section) {
    http2::RequestFields& fields = pool_.fields_;
    fields.assignTrailers(section);
    if (!fields.all().empty())
        multiplexer_->sendTrailers(stream, fields.all());
}

void Http2Connection::resume(Http2Stream& stream) {
    if (stream.stream() != nullptr)
        multiplexer_->resume(*stream.stream());
    schedule();
}

void Http2Connection::consume(Http2Stream& stream, std::size_t bytes) {
    if (stream.stream() == nullptr)
        return;
    multiplexer_->consumeStream(*stream.stream(), bytes);
    if (multiplexer_->wantsWrite())
        schedule();
}

// Its user is done with it, or gave it up.
void Http2Connection::detach(Http2Stream& stream) {
    streams_.erase(streams_.iterator_to(stream));
    --count_;
    if (http2::Stream* const its = stream.stream()) {
        its->user = nullptr;
        // Where both messages are whole only the end mark is missing, and will come.
        if (!stream.whole()) {
            multiplexer_->reset(*its, http2::ErrorCode::cancel);
            const std::uint32_t since = std::max(stream.submittedTick(), lastReadTick_);
            taking_ = taking_ && nowTick() - since < kSilentTicks;
        }
    }
    if (!standing_)
        taking_ = false;  // who waited for it did not wait for nothing: the next one begins anew
    schedule();
}

// Ends

void Http2Connection::settle() {
    if (carrier_ == nullptr)
        return;
    const bool over = multiplexer_ && (multiplexer_->terminated() ||
                                       !(multiplexer_->wantsRead() || multiplexer_->wantsWrite()));
    if (!standing_ && (lost_ || over)) {
        endpoint_->noteConnectFailure(nowTick());
        return fail(EPROTO, net::HandshakeFailure::none);
    }
    if (lost_ || over)
        return shut();
    if (count_ != 0)
        return;
    if (!standing_ || !taking_ || endpoint_->retired)
        return shut();
    rest();
}

void Http2Connection::rest() {
    if (std::exchange(resting_, true))
        return;
    ConnectionPool& connections = pool_.connections_;
    ++endpoint_->idleConnections;
    ++pool_.idleCount_;
    const std::chrono::milliseconds limit = connections.options().idleTimeout;
    slim_ = limit <= kBriefly;
    connections.wheel().arm(*this, std::min(limit, kBriefly));
}

void Http2Connection::wake() noexcept {
    if (!std::exchange(resting_, false))
        return;
    --endpoint_->idleConnections;
    --pool_.idleCount_;
    if (!more_)
        pool_.connections_.wheel().disarm(*this);
}

// It never stood: nothing was asked.
void Http2Connection::fail(int error, net::HandshakeFailure failure) {
    lost_ = true;
    for (Http2Stream& stream : streams_)
        stream.refuse(error, failure);
    deliver();
    shut();
}

void Http2Connection::sayGoodbye() {
    if (!multiplexer_ || lost_ || !backlog_.empty())
        return;
    multiplexer_->terminate(http2::ErrorCode::noError);
    flush();
}

void Http2Connection::shut() {
    wake();
    taking_ = false;
    sayGoodbye();
    lost_ = true;
    pool_.unlink(*endpoint_, *this);
    while (!streams_.empty()) {
        Http2Stream& stream = streams_.front();
        streams_.pop_front();
        --count_;
        stream.lose();
    }
    deliver();
    ConnectionPool& connections = pool_.connections_;
    connections.wheel().disarm(*this);
    TurnEndHook::unlink();
    AllHttp2Hook::unlink();
    connections.discard(std::move(carrier_));
    carrier_.reset();
    multiplexer_.reset();  // not later than the pool of its streams
    connections.poller().retire(std::unique_ptr<Http2Connection>(this));
}

}  // namespace evergate::upstream
