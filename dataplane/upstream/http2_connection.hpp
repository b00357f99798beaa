// SPDX-License-Identifier: Apache-2.0
// One HTTP/2 connection to an endpoint, shared by the requests of a worker (RFC 9113).
//
// It uses a Connection of the pool for its bytes, which brings the rules of every connection:
// connect, TLS, source addresses, counters. It stands once the endpoint's SETTINGS came: who does
// not send them speaks no HTTP/2, and nothing was asked yet. Users are called only from here, after
// nghttp2 has returned; what a turn produced leaves in one send at its end. It belongs to itself
// and dies when it is lost, idle for too long, or done after a GOAWAY, of either side, or the
// endpoint's retirement. One worker thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dataplane/http/head.hpp"
#include "dataplane/http2/nghttp2_ptr.hpp"
#include "dataplane/net/poller.hpp"
#include "dataplane/net/timer_wheel.hpp"
#include "dataplane/upstream/connection.hpp"
#include "dataplane/upstream/http2_stream.hpp"
#include "dataplane/upstream/security.hpp"

namespace evergate::upstream {

class Http2Pool;
struct EndpointState;

struct Http2Callbacks;

struct AllHttp2Tag;
using AllHttp2Hook = ListHook<AllHttp2Tag>;

class Http2Connection final : public net::Retirable,
                              public net::TurnEndHook,
                              public net::Timer,
                              public AllHttp2Hook,
                              public ConnectionUser {
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
    std::int32_t submit(Http2Stream& stream, const http::RequestHead& head, bool tunnel,
                        bool hasBody);
    bool submitTrailers(Http2Stream& stream, std::string_view section);
    void resume(Http2Stream& stream, bool deferred);
    void consume(Http2Stream& stream, std::size_t bytes);
    void detach(Http2Stream& stream);
    bool allowsTunnels() const noexcept;
    void noteReady(Http2Stream& stream);
    void noteHeld(std::size_t before, std::size_t now) noexcept;
    std::uint32_t nowTick() const noexcept;

    Http2Connection* next = nullptr;  // of the same endpoint; kept by the pool

private:
    friend struct Http2Callbacks;
    using Streams = boost::intrusive::list<Http2Stream, boost::intrusive::base_hook<StreamHook>,
                                           boost::intrusive::constant_time_size<false>>;
    using Ready = boost::intrusive::list<Http2Stream, boost::intrusive::base_hook<ReadyHook>,
                                         boost::intrusive::constant_time_size<false>>;

    bool begin();
    void stand();
    void read();
    void flush();
    bool flushBacklog();
    bool produce(std::string& output);
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
    http2::SessionPtr session_;
    Streams streams_;
    Ready ready_;
    Http2Stream* reading_ = nullptr;  // whose fields come now; null: its user has left
    std::string backlog_;             // what the kernel did not take
    std::uint32_t count_ = 0;
    std::uint32_t lastReadTick_ = 0;
    bool secure_ = false;
    bool standing_ = false;
    bool taking_ = true;  // new streams
    bool lost_ = false;
    bool more_ = false;  // to be read, after others had their turn
    bool resting_ = false;
    bool delivering_ = false;
};

}  // namespace evergate::upstream
