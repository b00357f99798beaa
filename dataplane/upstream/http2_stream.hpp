// SPDX-License-Identifier: Apache-2.0
// One stream of a shared HTTP/2 connection to an endpoint, as the layer of a Connection that its
// user takes for a connection of its own: HTTP/1.1 goes in, HTTP/1.1 comes out.
//
// What is sent is a request we composed: its head is submitted as fields, the framing of its body
// taken off, its trailers submitted behind it. The head that is received was put into HTTP/1.1 when
// it came; the body is as it is.
// Bounded both ways: the endpoint may send what fits its window, which opens as the user reads; the
// user may send ahead kMaxOutput. Nothing here calls the user: it hears from the Http2Connection
// once the multiplexer has returned. One worker thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dataplane/http/chunked.hpp"
#include "dataplane/http/head.hpp"
#include "dataplane/http2/multiplexer.hpp"
#include "dataplane/http2/response_text.hpp"
#include "dataplane/net/stream_layer.hpp"
#include "dataplane/upstream/connection.hpp"

namespace evergate::upstream {

class Http2Connection;

struct StreamTag;
struct ReadyTag;
using StreamHook = ListHook<StreamTag>;
using ReadyHook = ListHook<ReadyTag>;

class Http2Stream final : public net::StreamLayer, public StreamHook, public ReadyHook {
public:
    // The endpoint's share of a stream's memory, and the user's.
    static constexpr std::int32_t kWindow = 256 * 1024;
    static constexpr std::size_t kMaxOutput = 128 * 1024;
    // Of a body, to be sent again elsewhere when the endpoint refuses the stream.
    static constexpr std::size_t kMaxKept = 8 * 1024;

    explicit Http2Stream(Http2Connection& connection);

    ~Http2Stream() override;

    net::Handshake handshake(net::Socket&) noexcept override { return net::Handshake::done; }

    net::IoResult recv(net::Socket& socket, char* data, std::size_t size) noexcept override;
    net::IoResult sendv(net::Socket& socket, const iovec* parts, int count) noexcept override;

    void onWritable(net::Socket&) noexcept override {}

    void shutdownWrite(net::Socket& socket) noexcept override;

    void closing(net::Socket&) noexcept override {}

    bool peekClosed(net::Socket&) noexcept override { return true; }  // it is never kept

    net::StreamFacts facts() const noexcept override;

    std::string_view trailers() const noexcept override { return response_.trailers(); }

    // The rest is for its connection.
    void setOwner(Connection& owner) noexcept { owner_ = &owner; }

    // Before anything was sent.
    void setConnection(Http2Connection& connection) noexcept { connection_ = &connection; }

    Connection& owner() noexcept { return *owner_; }

    http2::Stream* stream() const noexcept { return stream_; }  // null: not submitted, or over

    std::uint32_t takeEvents() noexcept { return std::exchange(events_, 0); }

    std::uint32_t submittedTick() const noexcept { return submittedTick_; }

    bool whole() const noexcept { return endSent_ && inWhole_; }  // both ways

    bool ended() const noexcept { return inEnded_; }

    void openNow() noexcept { setWritable(owner_->socket(), true); }

    void open();  // the connection stands: the user may send, and is told so
    void refuse(int error, net::HandshakeFailure failure);
    bool admit(bool begins);  // false: it did not wait; `begins`: it may now, else it never may
    void lose();              // the connection is gone

    void malformed();  // against the rules of messages: the stream ends, the user hears why

    // False: malformed, and said so; the stream must end.
    bool onField(std::string_view name, std::string_view value);
    void onFieldsBegin() noexcept;
    bool onFieldsEnd(bool last);
    bool onData(std::string_view data);
    void onEnd();                          // END_STREAM
    void onClosed(http2::ErrorCode code);  // both ways, or by a reset
    // Of the request's body.
    http2::Multiplexer::Piece read(char* into, std::size_t room);

private:
    std::size_t take(std::string_view bytes);
    std::size_t takeHead(std::string_view bytes);
    std::size_t takeBody(std::string_view bytes);
    std::size_t takeChunked(std::string_view bytes);
    void submit(const http::RequestHead& head);
    net::IoResult wait(net::Socket& socket) noexcept;
    bool headSent() const noexcept;
    void fail(http::ProxyError problem);
    void keep(std::string_view body);
    void giveBack();
    void breakOff(int error);
    void tell(std::uint32_t events);
    void account() noexcept;

    std::size_t outputSize() const noexcept { return out_.size() - outBegin_; }

    std::size_t inputSize() const noexcept { return in_.size() - inBegin_; }

    Http2Connection* connection_;  // null: gone
    Connection* owner_ = nullptr;
    std::string in_;  // for the user: heads of HTTP/1.1, the body
    std::size_t inBegin_ = 0;
    std::size_t unread_ = 0;  // body bytes in it: of the window
    std::string out_;         // DATA, or the beginning of a head
    std::string kept_;        // the request's body, as it came, until there is an answer
    std::size_t outBegin_ = 0;
    http2::ResponseText response_;
    std::optional<http::ChunkedDecoder> chunks_;  // of the request
    std::uint64_t outLeft_ = 0;                   // of a Content-Length: not taken yet
    std::uint64_t inLeft_ = 0;
    std::size_t accounted_ = 0;
    http2::Stream* stream_ = nullptr;
    std::uint64_t headEnd_ = UINT64_MAX;  // in what the connection sends
    std::uint32_t events_ = 0;
    std::uint32_t submittedTick_ = 0;
    int readError_ = 0;
    int writeError_ = 0;
    net::HandshakeFailure failure_ = net::HandshakeFailure::none;
    bool submitted_ = false;
    bool waiting_ = false;      // to be submitted: there were enough streams
    bool fieldsBegin_ = false;  // none of them has come yet
    bool blocked_ = false;      // the user waits for room
    bool tunnel_ = false;       // asked for one
    bool keeping_ = true;
    bool outEnded_ = false;    // the request is taken whole
    bool endSent_ = false;     // and so it left
    bool inWhole_ = false;     // the response is, by its length or its end
    bool inEnded_ = false;     // END_STREAM
    bool swallowing_ = false;  // a request that goes nowhere: its answer is a problem
};

}  // namespace evergate::upstream
