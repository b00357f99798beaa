// SPDX-License-Identifier: Apache-2.0
// One side of an HTTP/2 connection without its socket (RFC 9113): octets in, calls of a Handler
// out; calls in, octets out.
//
// It knows frames, streams, windows, SETTINGS and HPACK (hpack/), and holds the peer to their
// rules; what a header block says is for the handler to judge (RequestText, ResponseText). A peer
// that breaks a rule loses its stream or its connection, by the error code of the RFC, and the
// handler hears of it first. Bounded: a frame has kMaxFrame octets, a header block what
// limitBlocks() says, bodies are passed on as they come and asked for when there is room for them,
// answers to frames wait up to kMaxAnswers.
//
// A handler may call anything here but receive(), send() and rest(), and must not destroy it. A
// stream whose reset was asked for gets no more calls but its onClosed(). Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/hpack/decoder.hpp"
#include "dataplane/hpack/encoder.hpp"
#include "dataplane/http2/frame.hpp"
#include "dataplane/http2/out_queue.hpp"
#include "dataplane/http2/protocol.hpp"
#include "dataplane/http2/send_order.hpp"
#include "dataplane/http2/stream.hpp"
#include "dataplane/http2/stream_pool.hpp"
#include "dataplane/http2/stream_table.hpp"

namespace evergate::http2 {

class Multiplexer final : private hpack::FieldSink {
public:
    enum class Role : std::uint8_t { server, client };

    // What a peer did against the rules.
    enum class Breach : std::uint8_t {
        connection,   // which ends
        stream,       // which is reset
        headerFlood,  // a header block without end
        settings,     // very many of them in a frame
        unanswered,   // many frames that want an answer, which it does not read
    };

    // What there is of a body to send.
    struct Piece {
        enum class What : std::uint8_t {
            some,    // `size` octets, and more to come
            last,    // `size` octets, and it ends behind them
            none,    // not now: ask again after resume()
            broken,  // it ends here, unfinished: the stream is reset
        };

        What what = What::none;
        std::size_t size = 0;
    };

    class Handler {
    public:
        // The head of every frame that keeps to the rules so far.
        virtual void onFrame(const FrameHead&) {}

        // All of a DATA frame has come, `size` without padding.
        virtual void onDataFrame(std::size_t size, bool last) {
            (void)size;
            (void)last;
        }

        virtual void onSettings(bool ack) = 0;

        // The peer takes no streams above `last`; those are over next, as refusedStream.
        virtual void onGoaway(std::uint32_t last, ErrorCode code) {
            (void)last;
            (void)code;
        }

        // A header block that nobody will hear: its stream is over, or refused.
        virtual void onUnheard() {}

        // A header block begins; `opens`: with it the stream.
        virtual void onFieldsBegin(Stream& stream, bool opens) = 0;
        // Views are good during the call. False: enough, nothing more is read.
        virtual bool onField(Stream& stream, std::string_view name, std::string_view value) = 0;
        virtual void onFieldsEnd(Stream& stream, bool last) = 0;
        // Of the windows, until it is consumed.
        virtual void onData(Stream& stream, std::string_view bytes) = 0;
        virtual void onEnd(Stream& stream) = 0;  // of the body, without trailers
        // It is over: for both sides, or by a reset of either.
        virtual void onClosed(Stream& stream, ErrorCode code) = 0;

        // `stream`: that of Breach::stream.
        virtual void onBreach(Breach breach, Stream* stream) = 0;

        // Up to `room` octets of the body, which may be none; trailers by sendTrailers().
        virtual Piece onRead(Stream& stream, char* into, std::size_t room) = 0;

        virtual void onEndSent(Stream&) {}

    protected:
        ~Handler() = default;
    };

    Multiplexer(Role role, Handler& handler, StreamPool& pool) noexcept;
    ~Multiplexer();
    Multiplexer(const Multiplexer&) = delete;
    Multiplexer& operator=(const Multiplexer&) = delete;

    // Says the preface and `settings`, with windows of so many octets.
    void start(std::span<const Setting> settings, std::int32_t streamWindow,
               std::int32_t connectionWindow);

    // Server: more than so many streams at once are refused.
    void limitStreams(std::uint32_t most) noexcept { maxStreams_ = most; }

    // Octets of a header block in several frames, and of what one unpacks to that nobody hears.
    // More: Breach::headerFlood.
    void limitBlocks(std::size_t most) noexcept { maxBlock_ = most; }

    // Takes one frame, or what there is of it, off the front of `bytes`: how much was taken.
    std::size_t receive(std::string_view bytes);
    // What is to be sent, as far as it fits: how much was written. More may follow at once. Bodies
    // want room for 2 KiB at least.
    std::size_t send(char* into, std::size_t room);

    bool wantsRead() const noexcept;
    bool wantsWrite() const noexcept;

    // Client: a new stream, its request. Null: the peer allows none, or there are no numbers left.
    Stream* request(void* user, std::span<const hpack::Field> fields, bool hasBody);

    bool hasRoom() const noexcept;  // for one more

    // Server: an interim response, or the final one. With a body onRead() is asked for it.
    void respond(Stream& stream, std::span<const hpack::Field> fields, bool last);
    void respondWithBody(Stream& stream, std::span<const hpack::Field> fields);
    // From within onRead(), together with Piece::What::last.
    void sendTrailers(Stream& stream, std::span<const hpack::Field> fields);
    void resume(Stream& stream) noexcept;  // there is something to be read again
    void reset(Stream& stream, ErrorCode code);

    // The handler is done with so much of what came: the peer may send that much more.
    void consume(Stream& stream, std::size_t size);
    void consumeStream(Stream& stream, std::size_t size);
    void consumeConnection(std::size_t size);
    // Streams that begin from now on, and those there are, get another window.
    void changeWindows(std::int32_t streamWindow, std::int32_t connectionWindow);
    // By the request's field; a PRIORITY_UPDATE goes before it (RFC 9218 §7).
    void prioritize(Stream& stream, Priority priority) noexcept;

    void announceEnd();              // server: GOAWAY that leaves all streams in (§6.8)
    void endAfterLast();             // GOAWAY: those the peer opens from here on are not served
    void terminate(ErrorCode code);  // GOAWAY, and nothing more is read or begun
    void rest() noexcept;            // idle: gives back the memory that only work needs

    bool terminated() const noexcept { return closing_; }

    // More of a header block is to come.
    bool inHeaders() const noexcept {
        return blockStream_ != 0 || (inFrame_ && frame_.type == FrameType::headers);
    }

    std::size_t queued() const noexcept { return queue_.size(); }

    std::size_t streams() const noexcept { return streams_.size(); }

    std::int64_t sendWindow() const noexcept { return sendWindow_; }

    const Stream* find(std::uint32_t id) noexcept { return streams_.find(id); }

    // What was queued so far is out once sentUpTo() is as much.
    std::uint64_t queuedUpTo() const noexcept { return queue_.committed(); }

    std::uint64_t sentUpTo() const noexcept { return queue_.taken(); }

    // Frames since the last time it was asked; answers to the peer's are not among them.
    struct Sent {
        std::uint32_t frames = 0;
        std::uint32_t data = 0;  // of them
    };

    Sent takeSent() noexcept {
        const Sent sent = sent_;
        sent_ = {};
        return sent;
    }

    // Of the peer's SETTINGS:
    std::uint32_t peerMaxStreams() const noexcept { return peerMaxStreams_; }

    bool peerAllowsConnect() const noexcept { return peerAllowsConnect_; }

private:
    static constexpr std::uint32_t kMaxAnswers = 1'000;
    static constexpr std::size_t kMaxEarly = 16;

    struct Early {
        std::uint32_t stream;
        Priority priority;
    };

    // multiplexer_receive.cpp
    std::size_t takePreface(std::string_view bytes);
    std::size_t takeHead(std::string_view bytes);
    void beginFrame();
    std::size_t takePayload(std::string_view bytes);
    std::size_t takePiece(std::string_view bytes);
    void receiveFrame(std::string_view payload);
    void beginData();
    void countBody(Stream& stream);
    std::size_t takeData(std::string_view bytes);
    std::size_t takePadLength(std::string_view bytes);
    void receiveData(std::string_view bytes);
    void discardData(std::size_t size);
    void endData();
    bool isOver(std::uint32_t id);
    Stream* heardStream() noexcept;
    bool isIdle(std::uint32_t id) const noexcept;

    // multiplexer_headers.cpp
    void receiveHeaders(std::string_view payload);
    void receiveContinuation(std::string_view payload);
    bool unwrap(std::string_view& payload);
    void beginBlock();
    void beginRequestBlock();
    void beginResponseBlock();
    void open(std::uint32_t id);
    void receiveBlock(std::string_view block);
    void endBlock(Stream& stream);
    bool onField(std::string_view name, std::string_view value) override;

    // multiplexer_control.cpp
    void receiveReset(std::string_view payload);
    void receiveSettings(std::string_view payload);
    ErrorCode apply(SettingId id, std::uint32_t value);
    bool moveSendWindows(std::int64_t delta);
    void receiveSettingsAck();
    void receivePing(std::string_view payload);
    void receiveGoaway(std::string_view payload);
    void receiveWindowUpdate(std::string_view payload);
    void receivePriority(std::string_view payload);
    void receivePriorityUpdate(std::string_view payload);
    void noteEarly(std::uint32_t id, Priority priority);
    void applyEarly(Stream& stream) noexcept;
    void move(Stream& stream, Priority priority) noexcept;

    // multiplexer.cpp
    Stream& add(std::uint32_t id, void* user);
    bool bodyIsWhole(Stream& stream);
    void endRemote(Stream& stream);
    void endLocal(Stream& stream);
    void close(Stream& stream, ErrorCode code);
    void closeLater(Stream& stream, ErrorCode code);
    void reportEnded();
    void fail(ErrorCode code, Breach breach = Breach::connection);
    void failStream(Stream& stream, ErrorCode code);
    std::uint32_t lastServed() const noexcept;
    void openConnectionWindow();
    void changeStreamWindows(std::int32_t size);
    void changeConnectionWindow(std::int32_t size);

    // multiplexer_send.cpp
    char* reserve(std::size_t size);
    void queueText(std::string_view text);
    void queueFrame(FrameType type, std::uint8_t flags, std::uint32_t stream,
                    std::string_view payload);
    void queueNumber(FrameType type, std::uint32_t stream, std::uint32_t number);
    void queueGoaway(std::uint32_t last, ErrorCode code);
    void queueSettings(std::span<const Setting> settings);
    void queueAnswer(FrameType type, std::string_view payload);
    void queueHeaders(std::uint32_t stream, std::span<const hpack::Field> fields, bool last);
    std::size_t splitBlock(char* begin, std::size_t block, std::uint32_t stream,
                           std::uint8_t flags) noexcept;
    std::size_t sendData(char* into, std::size_t room);
    std::size_t sendPiece(Stream& stream, char* into, std::size_t room);
    void enqueue(Stream& stream) noexcept;
    void resumeStalled() noexcept;

    Handler& handler_;
    StreamPool& pool_;
    StreamTable streams_;  // owned
    SendOrder order_;      // of those with something to send, as far as their windows are known
    StreamList stalled_;   // of those that wait for the connection's window
    StreamList ended_;     // for us, or reset: the handler is to hear of it
    OutQueue queue_;
    hpack::Decoder decoder_;
    hpack::Encoder encoder_;
    std::string partial_;                // of a frame's payload
    std::string block_;                  // of a header block
    std::vector<std::int32_t> shrinks_;  // of windows, one for each SETTINGS not acknowledged
    std::vector<Early> early_;           // priorities of streams to come
    std::int64_t sendWindow_ = kDefaultWindow;
    std::int64_t receiveWindow_ = kDefaultWindow;
    std::int64_t consumed_ = 0;                       // of it; negative: so much is to stay away
    std::int32_t peerWindow_ = kDefaultWindow;        // of new streams, ours to send
    std::int32_t streamWindow_ = kDefaultWindow;      // likewise, the peer's
    std::int32_t connectionWindow_ = kDefaultWindow;  // the peer's
    std::int64_t shrinking_ = 0;                      // sum of shrinks_
    std::size_t maxBlock_ = 64 * 1024;
    std::size_t unheard_ = 0;  // octets that a block unpacked to for nobody
    std::uint32_t maxStreams_ = 100;
    std::uint32_t peerMaxStreams_ = UINT32_MAX;
    std::uint32_t lastPeerStream_ = 0;
    std::uint32_t forgivenUpTo_ = 0;  // it may not know that these are over
    std::uint32_t acceptUpTo_ = kMaxStreamId;
    std::uint32_t nextStream_ = 1;
    std::uint32_t blockStream_ = 0;  // of a block that goes on
    std::uint32_t left_ = 0;         // of the frame's payload
    std::uint32_t padLeft_ = 0;
    std::uint32_t dataSize_ = 0;  // without padding
    std::uint32_t answers_ = 0;   // in the queue
    Sent sent_;
    FrameHead frame_;
    Stream* heard_ = nullptr;  // while a block is read; null: nobody wants it
    char head_[kFrameHead] = {};
    std::uint8_t headSize_ = 0;
    std::uint8_t prefaceLeft_ = 0;
    const Role role_;
    bool inFrame_ : 1 = false;
    bool padUnread_ : 1 = false;
    bool settingsSeen_ : 1 = false;
    bool blockLast_ : 1 = false;   // END_STREAM
    bool blockOpens_ : 1 = false;  // its stream
    bool peerAllowsConnect_ : 1 = false;
    bool goawaySent_ : 1 = false;
    bool goawayReceived_ : 1 = false;
    bool closing_ : 1 = false;
};

}  // namespace evergate::http2
