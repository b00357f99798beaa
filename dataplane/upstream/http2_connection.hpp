// SPDX-License-Identifier: Apache-2.0
// One HTTP/2 connection to an endpoint, shared by the requests of a worker (RFC 9113).
//
// It uses a Connection of the pool for its bytes, which brings the rules of every connection:
// connect, TLS, source addresses, counters. It stands once the endpoint's SETTINGS came: who does
// not send them speaks no HTTP/2, and nothing was asked yet. Users are called only from here, after
// the multiplexer has returned; what a turn produced leaves in one send at its end. It belongs to
// itself and dies when it is lost, idle for too long, or done after a GOAWAY, of either side, or
// the endpoint's retirement. One worker thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/http/head.hpp"
#include "dataplane/http2/multiplexer.hpp"
#include "dataplane/net/poller.hpp"
#include "dataplane/net/timer_wheel.hpp"
#include "dataplane/upstream/connection.hpp"
#include "dataplane/upstream/http2_stream.hpp"
#include "dataplane/upstream/security.hpp"

namespace evergate::upstream {

class Http2Pool;
struct EndpointState;

struct AllHttp2Tag;
using AllHttp2Hook = ListHook<AllHttp2Tag>;

class Http2Connection final : public net::Retirable,
                              public net::TurnEndHook,
                              public net::Timer,
                              public AllHttp2Hook,
                              public ConnectionUser,
                              private http2::Multiplexer::Handler {
public:
    // Streams at once, as far as the endpoint allows: beyond, another connection shares the work.
    static constexpr std::uint32_t kMaxStreams = 128;

    Http2Connection(Http2Pool& pool, EndpointState& endpoint);
    ~Http2Connection() override;

    // Begins to connect; false: it failed at once.
    bool start(const Security& security, std::error_code& error);

    bool suits(const Security& security) const noexcept { return carrier_->suits(security); }

    bool standing() const noexcept { return standing_; }

    bool hasRoom() const noexcept;
    // A stream for `user`. Requires hasRoom(). `atOnce`: it may send now; else it hears of it.
    std::unique_ptr<Connection> openStream(ConnectionUser& user, bool atOnce);
    void stopTaking() noexcept;  // no new streams; ends with its last one
    void endIfUnused();

    void onUpstream(Connection& carrier, std::uint32_t events) override;
    void onTurnEnd() override;
    void onTimer() override;

    // For its streams.
    http::RequestHead& head() noexcept;
    std::string takeText() noexcept;
    void keepText(std::string text) noexcept;
    bool mayBegin() const noexcept;  // a request; else the stream hears when it may, or never may
    void awaitRoom() noexcept;
    http2::Stream& submit(Http2Stream& stream, const http::RequestHead& head, bool tunnel,
                          bool hasBody);  // requires mayBegin()
    void submitTrailers(http2::Stream& stream, std::string_view section);

    std::uint64_t queuedUpTo() const noexcept { return multiplexer_->queuedUpTo(); }

    // The endpoint may have seen what was queued until then.
    bool hasSent(std::uint64_t upTo) const noexcept {
        return multiplexer_ && multiplexer_->sentUpTo() >= upTo;
    }

    void resume(Http2Stream& stream);
    void consume(Http2Stream& stream, std::size_t bytes);
    void detach(Http2Stream& stream);
    bool allowsTunnels() const noexcept;
    void noteReady(Http2Stream& stream);
    void noteHeld(std::size_t before, std::size_t now) noexcept;
    std::uint32_t nowTick() const noexcept;

    Http2Connection* next = nullptr;  // of the same endpoint; kept by the pool

private:
    using Streams = boost::intrusive::list<Http2Stream, boost::intrusive::base_hook<StreamHook>,
                                           boost::intrusive::constant_time_size<false>>;
    using Ready = boost::intrusive::list<Http2Stream, boost::intrusive::base_hook<ReadyHook>,
                                         boost::intrusive::constant_time_size<false>>;

    // http2_handler.cpp
    void onSettings(bool ack) override;
    void onGoaway(std::uint32_t last, http2::ErrorCode code) override;
    void onFieldsBegin(http2::Stream& stream, bool opens) override;
    bool onField(http2::Stream& stream, std::string_view name, std::string_view value) override;
    void onFieldsEnd(http2::Stream& stream, bool last) override;
    void onData(http2::Stream& stream, std::string_view bytes) override;
    void onEnd(http2::Stream& stream) override;
    void onClosed(http2::Stream& stream, http2::ErrorCode code) override;
    void onBreach(http2::Multiplexer::Breach breach, http2::Stream* stream) override;
    http2::Multiplexer::Piece onRead(http2::Stream& stream, char* into, std::size_t room) override;

    void begin();
    void stand();
    void moveAway(Http2Stream& stream);
    Security security() const noexcept;
    void take(Http2Stream& stream);
    void adopt(Http2Stream& stream);  // it hears when it may send
    void read();
    void flush();
    bool flushBacklog();
    void admit();
    void deliver();
    void settle();
    void schedule();
    void rest();
    void wake() noexcept;
    void fail(int error, net::HandshakeFailure failure);
    void sayGoodbye();
    void shut();

    Http2Pool& pool_;
    boost::intrusive_ptr<EndpointState> endpoint_;
    std::unique_ptr<Connection> carrier_;  // null: it is over
    std::optional<http2::Multiplexer> multiplexer_;
    Streams streams_;
    Ready ready_;
    std::string backlog_;  // what the kernel did not take
    std::uint32_t count_ = 0;
    std::uint32_t lastReadTick_ = 0;
    tls::Engine* engine_ = nullptr;
    bool secure_ = false;
    bool standing_ = false;
    bool taking_ = true;      // new streams
    bool goingAway_ = false;  // the endpoint said GOAWAY
    bool waiting_ = false;    // streams, to begin
    bool lost_ = false;
    bool more_ = false;  // to be read, after others had their turn
    bool resting_ = false;
    bool slim_ = false;  // and has given back what it can
    bool delivering_ = false;
};

}  // namespace evergate::upstream
