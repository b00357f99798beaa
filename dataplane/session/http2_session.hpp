// SPDX-License-Identifier: Apache-2.0
// One HTTP/2 client connection (RFC 9113): a Multiplexer for its frames, a stream of its own for
// each request.
//
// Takes over from a ClientSession, with the socket and what was read. What its streams have to say
// is gathered and leaves in one send at the end of the poller's turn. It outlives its socket while
// exchanges finish on their own. Deadlines: for the client's first frames and whole header blocks,
// for a socket that takes no bytes, and between requests; a request's are its stream's. A turn
// takes so many frames and no more, and a request begins behind them: one that is cancelled at once
// costs next to nothing. One worker thread.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/http2/flood_guard.hpp"
#include "dataplane/http2/multiplexer.hpp"
#include "dataplane/http2/request_text.hpp"
#include "dataplane/http2/upload_windows.hpp"
#include "dataplane/net/socket.hpp"
#include "dataplane/session/http2_stream.hpp"
#include "dataplane/session/pending.hpp"
#include "dataplane/session/session.hpp"

namespace evergate::session {

class Http2Session final : public Session,
                           public net::TurnEndHook,
                           private http2::Multiplexer::Handler {
public:
    // `early`: what was read from the socket before.
    Http2Session(SessionContext& context, SessionOwner& owner, ListenerState& listener,
                 net::Socket socket, const net::SocketAddress& address, std::string_view early);
    ~Http2Session() override;

    void start() override;
    void resume() override;
    void closeIfIdle() override;
    void cancel() override;
    std::string_view phaseName() const noexcept override;
    std::string_view endpointText() const noexcept override;

    std::uint64_t requests() const noexcept override { return requests_; }

    void onEvents(std::uint32_t events) override;
    void onTimer() override;
    void onTurnEnd() override;

    // For its streams, which call what concerns frames only while they are not closed.
    http2::Multiplexer& multiplexer() noexcept { return multiplexer_; }

    bool refused() const noexcept { return refused_; }

    void scheduleFlush() { context_.poller.atTurnEnd(*this); }

    void consume(http2::Stream& stream, std::size_t size);
    void consumeConnection(std::size_t size);
    void resetStream(http2::Stream& stream, http2::ErrorCode code);
    void noteWork(Http2Stream& stream);
    void noteYield(Http2Stream& stream);
    void noteOver(Http2Stream& stream);
    // Whether the certificate the client saw is that of `host`, as far as it asked for one.
    bool covers(std::string_view host);

    std::string_view addressText() const noexcept { return {addressText_, addressSize_}; }

    net::StreamFacts facts() const noexcept {
        return socket_.layer() != nullptr ? socket_.layer()->facts() : net::StreamFacts();
    }

    const net::PeerIdentity* verifiedPeer() const noexcept {
        return socket_.layer() != nullptr ? socket_.layer()->verifiedPeer() : nullptr;
    }

private:
    using Breach = http2::Multiplexer::Breach;
    using Streams =
        boost::intrusive::list<Http2Stream, boost::intrusive::base_hook<Http2StreamHook>>;
    enum class Wait : std::uint8_t { none, begin, head, write, idle, linger };
    // Idle for so long, a connection gives memory back.
    static constexpr std::chrono::milliseconds kRest{1'000};

    // http2_frames.cpp
    void onFrame(const http2::FrameHead& frame) override;
    void onDataFrame(std::size_t size, bool last) override;
    void onSettings(bool ack) override;
    void onUnheard() override;
    void onFieldsBegin(http2::Stream& stream, bool opens) override;
    bool onField(http2::Stream& stream, std::string_view name, std::string_view value) override;
    void onFieldsEnd(http2::Stream& stream, bool last) override;
    void onData(http2::Stream& stream, std::string_view bytes) override;
    void onEnd(http2::Stream& stream) override;
    void onClosed(http2::Stream& stream, http2::ErrorCode code) override;
    void onBreach(Breach breach, http2::Stream* stream) override;
    http2::Multiplexer::Piece onRead(http2::Stream& stream, char* into, std::size_t room) override;
    void onEndSent(http2::Stream& stream) override;
    bool addTrailer(std::string_view name, std::string_view value);
    void beginRequest(Http2Stream& request, http2::Stream& stream, bool ended);
    void count(http2::FloodGuard::Kind kind);
    void countUnless(bool usual, http2::FloodGuard::Kind kind);
    void refuse(http2::Refusal refusal, http2::ErrorCode code);
    bool noteRefusal(http2::Refusal refusal) noexcept;

    static Http2Stream& streamOf(const http2::Stream& stream) noexcept {
        return *static_cast<Http2Stream*>(stream.user);
    }

    // http2_session_read.cpp
    bool read();
    void readHeld();
    void hold(net::Buffer input, std::string_view rest);
    void hold(std::string_view rest);
    void dropHeld() noexcept;

    bool isStranger() const noexcept;

    bool holdsInput() const noexcept { return !heldInput_.empty(); }

    std::string_view feed(std::string_view input);
    bool inputPaused() const noexcept;

    // http2_session.cpp
    void sayHello();
    void adjustWindows();
    void service();
    void runWork();
    bool flush();
    void announceEnd();

    // http2_session_end.cpp
    void sweep();
    void finishIfDone();
    void linger();
    void drainInput();
    void dropStreams();
    void lose(bool reset);
    void leaveIfOver();
    Wait waitsFor() const noexcept;
    void rearm();
    std::chrono::milliseconds timeFor(Wait wait) const noexcept;
    void noteIdle(bool idle) noexcept;
    void rest() noexcept;

    SessionOwner& owner_;
    net::Socket socket_;
    http2::Multiplexer multiplexer_;
    Streams streams_;
    std::vector<Http2Stream*> work_;
    std::vector<Http2Stream*> yields_;
    std::vector<Http2Stream*> over_;
    std::unique_ptr<http2::RequestText> text_;  // of the header block that comes in
    std::string trailers_;                      // likewise
    std::string early_;
    net::Buffer held_;            // with what was read and waits for the next turn:
    std::string_view heldInput_;  // that
    std::string coveredHost_;
    SnapshotPtr coveredBy_;
    Pending pending_;
    http2::FloodGuard guard_;
    http2::UploadWindows windows_;
    std::uint64_t sent_ = 0;
    std::uint64_t requests_ = 0;
    std::uint32_t answered_ = 0;      // in full
    std::uint64_t progress_ = 0;      // sent_ when the deadline was last armed
    std::uint32_t turnCost_ = 0;      // of the frames of this turn
    std::uint32_t trailerBytes_ = 0;  // of the block that comes in
    std::uint32_t discarded_ = 0;
    std::uint32_t noticeTick_ = 0;
    Wait armed_ = Wait::none;
    std::uint8_t addressSize_ = 0;
    bool settingsSeen_ : 1 = false;
    bool settingsAcked_ : 1 = false;
    bool badTrailers_ : 1 = false;
    bool refused_ : 1 = false;     // the client broke the rules
    bool noticeSent_ : 1 = false;  // it was told that we shall close
    bool goawaySent_ : 1 = false;
    bool lingering_ : 1 = false;
    bool lost_ : 1 = false;  // the socket is closed
    bool gone_ : 1 = false;
    bool idle_ : 1 = false;     // counted as such
    bool resting_ : 1 = false;  // idle, and its memory is given back
    char addressText_[net::SocketAddress::kMaxText];
};

}  // namespace evergate::session
