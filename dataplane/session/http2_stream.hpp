// SPDX-License-Identifier: Apache-2.0
// One HTTP/2 stream: to its Exchange it is a client connection that speaks HTTP/1.1, by way of a
// Socket without a descriptor whose StreamLayer translates (http2_stream_layer.cpp). A final
// response is not translated: its head comes as fields, its body as it is and its end by a call.
//
// Owned by its Http2Session from the first frame until both the multiplexer and the exchange are
// done with it, then kept for reuse. What the client sends is held until the exchange reads it and
// only then acknowledged: at most a window. What the exchange sends is held until there is room for
// it: at most kOutbox, and little while the client's windows are closed. A stream that runs or has
// something to send has a deadline. One worker thread.
#pragma once

#include <boost/intrusive/list_hook.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dataplane/http/chunked.hpp"
#include "dataplane/http2/multiplexer.hpp"
#include "dataplane/http2/request_text.hpp"
#include "dataplane/net/socket.hpp"
#include "dataplane/net/timer_wheel.hpp"
#include "dataplane/session/byte_queue.hpp"
#include "dataplane/session/exchange.hpp"

namespace evergate::session {

class Http2Session;

using Http2StreamHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<class Http2Stream>,
                                     boost::intrusive::link_mode<boost::intrusive::normal_link>>;

class Http2Stream final : public ExchangeOwner, public net::Timer, public Http2StreamHook {
public:
    // Bytes of a response that wait to be sent.
    static constexpr std::size_t kOutbox = 64 * 1024;

    explicit Http2Stream(SessionContext& context);
    ~Http2Stream() override;

    void begin(Http2Session& session, http2::Stream& frames);
    void recycle() noexcept;  // once it is over

    // What the client sends. The request begins with the next work().
    void accept(std::unique_ptr<http2::RequestText> text, bool ended);
    void noteReset() noexcept;  // by the connection: a request that has not begun never does
    void refuse(http::ProxyError error, const char* detail, bool ended);
    void onData(std::string_view bytes);
    void onEnd(std::string_view trailers);
    void onClosed();  // the multiplexer knows it no more

    // What the multiplexer asks for, and the end of the response sent.
    http2::Multiplexer::Piece provide(char* into, std::size_t room);
    void onEndSent();

    void work();     // its flags changed
    void resume();   // after onExchangeYield
    void abandon();  // without waiting for anything

    // The response is not out yet, and the client has not been told otherwise.
    bool answering() const noexcept { return !closed_ && !weReset_ && !endSent_; }

    bool started() const noexcept { return started_; }

    std::string_view endpointText() const noexcept {
        return exchange_ ? exchange_->endpointText() : std::string_view();
    }

    void onTimer() override;
    void onExchangeEvent() override;
    void onExchangeYield() override;

    void onLeftover(std::string_view) override {}  // a stream carries one request

    std::string_view takeLeftover() override { return {}; }

    std::size_t takeHead(const http::ResponseHead& head, const http::ResponseFacts& facts) override;

    bool queuedWork = false;   // kept by the session
    bool queuedYield = false;  // likewise

private:
    class Layer;

    // http2_stream_layer.cpp
    net::IoResult receive(char* data, std::size_t size);
    std::size_t receiveChunk(char* data, std::size_t size);
    void noteReadable() noexcept;
    net::IoResult send(const iovec* parts, int count);
    bool takeSent(std::string_view& bytes);
    bool takeHeadText(std::string_view& bytes);
    bool submitHead(const http::ResponseHead& head);
    void submitResponse(http::Framing framing, std::uint64_t length);
    bool mayHaveTrailers() const noexcept;
    bool takeBody(std::string_view& bytes);
    void takeChunks(std::string_view& bytes);
    std::size_t outboxLimit() const noexcept;
    void queue(std::string_view bytes);
    void endResponse();
    void takeOutput(char* into, std::size_t size) noexcept;
    void sendTrailers();
    void resumeData();

    ClientFacts facts() noexcept;
    void start(const http2::RequestText& text);
    void newExchange();

    bool wanted() const noexcept { return exchange_ != nullptr || text_ != nullptr; }

    void forgo() noexcept;
    void settle();
    void endExchange();
    void discardInput();
    void consume(std::size_t size);
    void reset(http2::ErrorCode code);
    void breakOff();
    void rearm();
    std::uint64_t progressOf(Phase phase) const noexcept;
    void checkOver();

    // A tunnel that each side has ended in order (RFC 8441 §5), however late that is read.
    bool hasHalfClosed() const noexcept { return tunnel_ && remoteEnded_ && endSent_ && !weReset_; }

    enum class Out : std::uint8_t { head, body, done };

    SessionContext& context_;
    Http2Session* session_ = nullptr;
    http2::Stream* frames_ = nullptr;  // null: closed_
    std::unique_ptr<Exchange> exchange_;
    std::unique_ptr<http2::RequestText> text_;  // of the request that has not begun yet
    net::Socket socket_;
    ByteQueue inbox_;
    ByteQueue outbox_;
    std::string headText_;  // the beginning of a response head
    std::string tail_;      // the end of a chunked request body
    std::string trailers_;  // of the response, unless decoder_ has them
    std::size_t tailSent_ = 0;
    http::ChunkedDecoder decoder_;
    std::uint64_t remaining_ = 0;
    std::uint64_t taken_ = 0;                      // to be sent
    std::uint64_t progress_ = 0;                   // when the deadline was last armed
    http::Framing framing_ = http::Framing::none;  // of the response
    Out out_ = Out::head;
    Phase armed_ = Phase::count_;
    bool started_ : 1 = false;
    bool headRequest_ : 1 = false;
    bool chunked_ : 1 = false;  // the exchange expects chunks
    bool tailMade_ : 1 = false;
    bool webSocket_ : 1 = false;
    bool tunnel_ : 1 = false;
    bool remoteEnded_ : 1 = false;   // END_STREAM came
    bool endSent_ : 1 = false;       // END_STREAM left
    bool stopAfterEnd_ : 1 = false;  // then the rest of the request is not wanted
    bool closed_ : 1 = false;
    bool weReset_ : 1 = false;
    bool brokenOff_ : 1 = false;  // the response ends here, unfinished
    bool over_ : 1 = false;
};

}  // namespace evergate::session
