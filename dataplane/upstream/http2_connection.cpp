// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/http2_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "dataplane/upstream/connection_pool.hpp"
#include "dataplane/upstream/endpoint.hpp"
#include "dataplane/upstream/http2_callbacks.hpp"
#include "dataplane/upstream/http2_pool.hpp"

namespace evergate::upstream {
namespace {

// Of all streams together, between two turns: what is received counts as taken here, and is
// bounded by the windows of the streams.
constexpr std::int32_t kConnectionWindow = 8 * 1024 * 1024;
constexpr std::uint32_t kMaxHeaderList = http2::ResponseText::kMaxHead;
// One send; what more there is follows it.
constexpr std::size_t kFlushSize = 64 * 1024;
// Reads before others have their turn. An endpoint that keeps to its windows never gets there.
constexpr int kReadsPerTurn = 256;
// A stream given up after such a silence: whoever is there may not be there any more.
constexpr std::uint32_t kSilentTicks = 20;

std::uint32_t remoteLimit(nghttp2_session* session) noexcept {
    return nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

}  // namespace

Http2Connection::Http2Connection(Http2Pool& pool, EndpointState& endpoint)
    : pool_(pool), endpoint_(&endpoint) {}

Http2Connection::~Http2Connection() = default;

bool Http2Connection::start(const Security& security, std::error_code& error) {
    secure_ = security.context != nullptr;
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
    return count_ < (standing_ ? std::min(kMaxStreams, remoteLimit(session_.get())) : kMaxStreams);
}

bool Http2Connection::allowsTunnels() const noexcept {
    return nghttp2_session_get_remote_settings(session_.get(),
                                               NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

std::unique_ptr<Connection> Http2Connection::openStream(ConnectionUser& user, bool atOnce) {
    wake();
    auto layer = std::make_unique<Http2Stream>(*this);
    Http2Stream& stream = *layer;
    auto connection =
        std::make_unique<Connection>(pool_.connections_, *endpoint_, std::move(layer), user);
    stream.setOwner(*connection);
    streams_.push_back(stream);
    ++count_;
    if (atOnce) {
        connection->connecting_ = false;
        connection->requests_ = 1;
        stream.openNow();
    } else if (standing_) {
        stream.open();
    }
    return connection;
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
    if (!session_) {
        if (carrier.connectError() != 0)
            return fail(carrier.connectError(), carrier.handshakeFailure());
        const bool agreed = !secure_ || carrier.socket().layer()->facts().protocol == "h2";
        if (!agreed || !begin()) {
            endpoint_->noteConnectFailure(nowTick());
            return fail(EPROTO, agreed ? net::HandshakeFailure::none : net::HandshakeFailure::alpn);
        }
    }
    read();
    schedule();
}

// Says the preface; the endpoint's SETTINGS will follow.
bool Http2Connection::begin() {
    nghttp2_session* session = nullptr;
    nghttp2_mem memory = pool_.memory_.hooks();
    if (!pool_.callbacks_ || !pool_.options_ ||
        nghttp2_session_client_new3(&session, pool_.callbacks_.get(), this, pool_.options_.get(),
                                    &memory) != 0)
        return false;
    session_.reset(session);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, Http2Stream::kWindow},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMaxHeaderList}};
    return nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings)) ==
               0 &&
           nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                                 kConnectionWindow) == 0;
}

// The endpoint's first SETTINGS are here.
void Http2Connection::stand() {
    if (std::exchange(standing_, true))
        return;
    for (Http2Stream& stream : streams_)
        stream.open();
}

void Http2Connection::read() {
    net::Socket& socket = carrier_->socket();
    more_ = false;
    for (int i = 0; !lost_ && socket.readable(); ++i) {
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
        const ssize_t taken = nghttp2_session_mem_recv(
            session_.get(), reinterpret_cast<const std::uint8_t*>(pool_.input_.get()),
            static_cast<std::size_t>(got.bytes));
        if (taken < 0)
            lost_ = true;
        deliver();
    }
}

void Http2Connection::onTurnEnd() {
    if (carrier_ == nullptr || !session_)
        return settle();
    flush();
    deliver();
    settle();
}

// Idle for long enough, or behind with reading.
void Http2Connection::onTimer() {
    if (carrier_ == nullptr)
        return;
    if (std::exchange(more_, false)) {
        read();
        return schedule();
    }
    if (count_ == 0)
        shut();
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
    std::string& output = pool_.output_;
    while (!lost_ && flushBacklog()) {
        output.clear();
        if (!produce(output) || output.empty())
            return;
        net::Socket& socket = carrier_->socket();
        std::size_t sent = 0;
        if (socket.writable()) {
            const net::IoResult result = socket.send(output.data(), output.size());
            lost_ = result.failed();
            sent = static_cast<std::size_t>(std::max<ssize_t>(result.bytes, 0));
        }
        if (sent != output.size())
            backlog_.assign(output, sent);
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

bool Http2Connection::produce(std::string& output) {
    while (output.size() < kFlushSize) {
        const std::uint8_t* part = nullptr;
        const ssize_t size = nghttp2_session_mem_send(session_.get(), &part);
        if (size < 0)
            lost_ = true;
        if (size <= 0)
            break;
        output.append(reinterpret_cast<const char*>(part), static_cast<std::size_t>(size));
    }
    return !lost_;
}

// For its streams

std::int32_t Http2Connection::submit(Http2Stream& stream, const http::RequestHead& head,
                                     bool tunnel, bool hasBody) {
    if (lost_ || !session_)
        return -1;
    http2::RequestFields& fields = pool_.fields_;
    fields.assign(head, secure_ ? "https" : "http", tunnel, endpoint_->text);
    nghttp2_data_provider body{};
    body.read_callback = &Http2Callbacks::onRead;
    const std::int32_t id = nghttp2_submit_request(
        session_.get(), nullptr, fields.data(), fields.size(), hasBody ? &body : nullptr, &stream);
    if (id < 0)
        taking_ = false;  // it has no stream ids left
    schedule();
    return id;
}

bool Http2Connection::submitTrailers(Http2Stream& stream, std::string_view section) {
    http2::RequestFields& fields = pool_.fields_;
    fields.assignTrailers(section);
    return nghttp2_submit_trailer(session_.get(), stream.id(), fields.data(), fields.size()) == 0;
}

void Http2Connection::resume(Http2Stream& stream, bool deferred) {
    if (deferred && stream.id() > 0)
        nghttp2_session_resume_data(session_.get(), stream.id());
    schedule();
}

void Http2Connection::consume(Http2Stream& stream, std::size_t bytes) {
    if (stream.id() <= 0)
        return;
    nghttp2_session_consume_stream(session_.get(), stream.id(), bytes);
    if (nghttp2_session_want_write(session_.get()) != 0)
        schedule();
}

// Its user is done with it, or gave it up.
void Http2Connection::detach(Http2Stream& stream) {
    if (reading_ == &stream)
        reading_ = nullptr;
    streams_.erase(streams_.iterator_to(stream));
    --count_;
    const std::int32_t id = stream.id();
    if (id > 0 && session_) {
        nghttp2_session_set_stream_user_data(session_.get(), id, nullptr);
        // Where both messages are whole only the end mark is missing, and will come.
        if (!stream.whole())
            nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
        const std::uint32_t since = std::max(stream.submittedTick(), lastReadTick_);
        if (!stream.whole() && nowTick() - since >= kSilentTicks)
            taking_ = false;
    }
    if (!standing_)
        taking_ = false;  // who waited for it did not wait for nothing: the next one begins anew
    schedule();
}

// Ends

void Http2Connection::settle() {
    if (carrier_ == nullptr)
        return;
    const bool over = session_ && nghttp2_session_want_read(session_.get()) == 0 &&
                      nghttp2_session_want_write(session_.get()) == 0;
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
    connections.wheel().arm(*this, connections.options().idleTimeout);
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
    if (!session_ || lost_ || !backlog_.empty())
        return;
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
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
    session_.reset();  // not later than the memory it is made of
    connections.poller().retire(std::unique_ptr<Http2Connection>(this));
}

}  // namespace evergate::upstream
