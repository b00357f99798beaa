// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/http2_stream.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/composed_head.hpp"
#include "dataplane/http2/request_fields.hpp"
#include "dataplane/net/socket.hpp"
#include "dataplane/upstream/http2_connection.hpp"
#include "dataplane/upstream/websocket_accept.hpp"

namespace evergate::upstream {

using http::Framing;
using http::ProxyError;

namespace {

// An idle stream keeps no more than this of what it once needed.
constexpr std::size_t kKept = 4096;

// Forgets what is used up, when it is all or much.
void dropFront(std::string& text, std::size_t& begin) {
    constexpr std::size_t kMuch = 64 * 1024;
    if (begin != text.size()) {
        if (begin >= kMuch)
            text.erase(0, std::exchange(begin, 0));
        return;
    }
    begin = 0;
    text.clear();
    if (text.capacity() > kKept)
        text = std::string();
}

std::string_view valueOf(const http::RequestHead& head, std::string_view name) noexcept {
    for (const http::HeaderField& field : head.fields) {
        if (http::equalsIgnoreCase(field.name, name))
            return field.value;
    }
    return {};
}

bool asksForTunnel(const http::RequestHead& head) noexcept {
    return http2::isWebSocket(head.upgrade) && head.framing == Framing::none &&
           head.method == "GET";
}

}  // namespace

Http2Stream::Http2Stream(Http2Connection& connection)
    : connection_(&connection), in_(connection.takeText()) {}

Http2Stream::~Http2Stream() {
    if (connection_ != nullptr) {
        for (std::string* const text : {&in_, &out_, &kept_})
            connection_->keepText(std::move(*text));
        in_.clear();
        out_.clear();
        inBegin_ = outBegin_ = 0;
        account();
        connection_->detach(*this);
    }
}

net::StreamFacts Http2Stream::facts() const noexcept {
    net::StreamFacts facts;
    facts.failure = failure_;
    return facts;
}

void Http2Stream::account() noexcept {
    const std::size_t now = inputSize() + outputSize();
    if (connection_ != nullptr && now != accounted_)
        connection_->noteHeld(accounted_, now);
    accounted_ = now;
}

// The user hears of it once the multiplexer is left.
void Http2Stream::tell(std::uint32_t events) {
    net::Socket& socket = owner_->socket();
    if (events & EPOLLIN)
        setReadable(socket, true);
    if (events & EPOLLOUT)
        setWritable(socket, true);
    if (events & (EPOLLRDHUP | EPOLLHUP))
        setEnded(socket, (events & EPOLLHUP) != 0);
    events_ |= events;
    connection_->noteReady(*this);
}

void Http2Stream::open() {
    owner_->connecting_ = false;
    tell(EPOLLOUT);
}

void Http2Stream::refuse(int error, net::HandshakeFailure failure) {
    owner_->connecting_ = false;
    owner_->connectError_ = error;
    failure_ = failure;
    tell(EPOLLRDHUP | EPOLLHUP);
}

// From here on both directions say so, once what came before is read.
void Http2Stream::breakOff(int error) {
    if (readError_ == 0)
        readError_ = error;
    if (writeError_ == 0)
        writeError_ = error;
    tell(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
}

void Http2Stream::fail(ProxyError problem) {
    owner_->problem_ = problem;
    swallowing_ = true;
    in_.clear();
    inBegin_ = 0;
    account();
    readError_ = EPROTO;
    tell(EPOLLIN | EPOLLRDHUP);
}

void Http2Stream::malformed() {
    if (!swallowing_)
        fail(ProxyError::upstreamBadResponse);
}

void Http2Stream::keep(std::string_view body) {
    if (!keeping_)
        return;
    keeping_ = !tunnel_ && kept_.size() + body.size() <= kMaxKept;
    if (keeping_) {
        kept_.append(body);
    } else {
        kept_ = std::string();
    }
}

// The endpoint did nothing with the request.
void Http2Stream::giveBack() {
    if (std::exchange(owner_->unprocessed_, true))
        return;
    owner_->bodyKept_ = keeping_;
    owner_->body_ = std::move(kept_);
}

bool Http2Stream::headSent() const noexcept {
    return connection_->hasSent(headEnd_);
}

void Http2Stream::lose() {
    if (!headSent())
        giveBack();
    if (!inEnded_) {
        breakOff(ECONNRESET);
    } else if (!outEnded_ && writeError_ == 0) {
        writeError_ = EPIPE;
        tell(EPOLLOUT);
    }
    connection_->noteHeld(accounted_, 0);
    connection_ = nullptr;
    stream_ = nullptr;
}

// Reading

net::IoResult Http2Stream::recv(net::Socket& socket, char* data, std::size_t size) noexcept {
    const std::size_t got = std::min(size, inputSize());
    if (got != 0) {
        std::memcpy(data, in_.data() + inBegin_, got);
        inBegin_ += got;
        dropFront(in_, inBegin_);
        account();
        const std::size_t consumed = in_.empty() ? unread_ : std::min(unread_, got);
        unread_ -= consumed;
        if (consumed != 0 && connection_ != nullptr && !inEnded_)
            connection_->consume(*this, consumed);
        if (in_.empty() && !inEnded_ && readError_ == 0)
            setReadable(socket, false);
        return {static_cast<ssize_t>(got), 0};
    }
    if (readError_ != 0)
        return {-1, readError_};
    if (inEnded_)
        return {0, 0};
    setReadable(socket, false);
    return {-1, EAGAIN};
}

void Http2Stream::onFieldsBegin() noexcept {
    response_.begin(in_);
    fieldsBegin_ = true;
}

bool Http2Stream::onField(std::string_view name, std::string_view value) {
    if (std::exchange(fieldsBegin_, false))
        response_.begin(in_);  // the user may have read since, while the block came in pieces
    if (swallowing_)
        return true;
    // Interim heads have no window to fill.
    const bool tooMuch = !response_.final() && inputSize() > 2 * http2::ResponseText::kMaxHead;
    if (!tooMuch && response_.add(name, value, in_))
        return true;
    malformed();
    return false;
}

bool Http2Stream::onFieldsEnd(bool last) {
    if (swallowing_)
        return true;
    keeping_ = false;
    connection_->keepText(std::exchange(kept_, {}));
    const bool trailers = response_.final();
    if (!response_.end(last, in_)) {
        malformed();
        return false;
    }
    if (response_.final() && !trailers) {
        inLeft_ = response_.knowsLength() ? response_.length() : 0;
        owner_->places_ = response_.places();
        inWhole_ = response_.framing() == Framing::none && !response_.isTunnel();
    }
    account();
    tell(EPOLLIN);
    return true;
}

bool Http2Stream::onData(std::string_view data) {
    if (swallowing_ || data.empty())
        return true;
    const Framing framing = response_.framing();
    const bool bodiless = framing == Framing::none && !response_.isTunnel();
    if (bodiless || (response_.knowsLength() && data.size() > inLeft_)) {
        malformed();
        return false;
    }
    if (response_.knowsLength())
        inLeft_ -= data.size();
    in_.append(data);
    inWhole_ = framing == Framing::length && inLeft_ == 0;
    unread_ += data.size();
    account();
    tell(EPOLLIN);
    return true;
}

void Http2Stream::onEnd() {
    if (swallowing_ || inEnded_)
        return;
    if (!response_.final() || inLeft_ != 0)
        return malformed();
    inEnded_ = inWhole_ = true;
    account();
    tell(EPOLLIN | EPOLLRDHUP);
}

// Before its end a close is a reset, or a GOAWAY that leaves this stream out. Behind a whole
// response it only says that the rest of the request is not wanted (RFC 9113 §8.1).
void Http2Stream::onClosed(http2::ErrorCode code) {
    stream_ = nullptr;
    if (swallowing_)
        return;
    if (inEnded_) {
        if (!outEnded_ && writeError_ == 0) {
            writeError_ = EPIPE;
            tell(EPOLLOUT);
        }
        return;
    }
    if (code == http2::ErrorCode::refusedStream || !headSent()) {
        giveBack();
    } else {
        owner_->resetAlone_ = true;
    }
    breakOff(ECONNRESET);
}

// Writing

net::IoResult Http2Stream::sendv(net::Socket& socket, const iovec* parts, int count) noexcept {
    if (writeError_ != 0)
        return {-1, writeError_};
    if (!submitted_ && !connection_->mayBegin()) [[unlikely]]
        return wait(socket);
    std::size_t total = 0;
    bool full = false;
    for (int i = 0; i < count && !full; ++i) {
        const std::string_view bytes(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
        const std::size_t taken = take(bytes);
        total += taken;
        full = taken < bytes.size();
    }
    account();
    if (full) {
        blocked_ = true;
        setWritable(socket, false);
        if (total == 0)
            return writeError_ != 0 ? net::IoResult{-1, writeError_} : net::IoResult{-1, EAGAIN};
    }
    if (submitted_ && !swallowing_ && connection_ != nullptr)
        connection_->resume(*this);
    return {static_cast<ssize_t>(total), 0};
}

net::IoResult Http2Stream::wait(net::Socket& socket) noexcept {
    waiting_ = true;
    setWritable(socket, false);
    connection_->awaitRoom();
    return {-1, EAGAIN};
}

bool Http2Stream::admit(bool begins) {
    if (!std::exchange(waiting_, false))
        return false;
    begins ? tell(EPOLLOUT) : onClosed(http2::ErrorCode::refusedStream);
    return true;
}

std::size_t Http2Stream::take(std::string_view bytes) {
    std::size_t done = 0;
    if (!submitted_)
        done = takeHead(bytes);
    while (done < bytes.size() && writeError_ == 0) {
        const std::size_t taken = takeBody(bytes.substr(done));
        if (taken == 0)
            break;
        keep(bytes.substr(done, taken));
        done += taken;
    }
    return done;
}

std::size_t Http2Stream::takeHead(std::string_view bytes) {
    std::string pieces = std::exchange(out_, {});
    const std::size_t before = pieces.size();
    if (before != 0)
        pieces.append(bytes);
    http::RequestHead& head = connection_->head();
    const http::ParseStatus status = http::readComposedRequest(before != 0 ? pieces : bytes, head);
    if (status == http::ParseStatus::incomplete) {
        out_ = before != 0 ? std::move(pieces) : std::string(bytes);
        return bytes.size();
    }
    submitted_ = true;
    if (status == http::ParseStatus::error) {
        fail(ProxyError::upstreamBadResponse);
        return bytes.size();
    }
    const std::size_t size = head.headBytes - before;
    submit(head);
    return size;
}

void Http2Stream::submit(const http::RequestHead& head) {
    tunnel_ = asksForTunnel(head);
    if (tunnel_ && !connection_->allowsTunnels())
        return fail(ProxyError::upstreamNoWebSocket);
    if (head.framing == Framing::chunked) {
        chunks_.emplace();
    } else if (head.framing == Framing::length) {
        outLeft_ = head.contentLength;
    }
    if (tunnel_) {
        response_.reset(http2::ResponseTo::upgrade,
                        webSocketAccept(valueOf(head, "sec-websocket-key")));
    } else if (head.head) {
        response_.reset(http2::ResponseTo::head);
    }
    outEnded_ = !tunnel_ && !chunks_ && outLeft_ == 0;
    if (!outEnded_) {
        out_ = connection_->takeText();
        kept_ = connection_->takeText();
    }
    stream_ = &connection_->submit(*this, head, tunnel_, !outEnded_);
    headEnd_ = connection_->queuedUpTo();
    endSent_ = outEnded_;
    submittedTick_ = connection_->nowTick();
}

std::size_t Http2Stream::takeBody(std::string_view bytes) {
    if (swallowing_ || outEnded_)
        return bytes.size();
    const std::size_t room = kMaxOutput - std::min(kMaxOutput, outputSize());
    bytes = bytes.substr(0, room);
    if (bytes.empty())
        return 0;
    if (chunks_)
        return takeChunked(bytes);
    if (!tunnel_) {
        bytes = bytes.substr(
            0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), outLeft_)));
        outLeft_ -= bytes.size();
        outEnded_ = outLeft_ == 0;
    }
    out_.append(bytes);
    return bytes.size();
}

std::size_t Http2Stream::takeChunked(std::string_view bytes) {
    std::size_t done = 0;
    while (done < bytes.size() && !chunks_->done() && !chunks_->failed()) {
        const auto step = chunks_->next(bytes.substr(done));
        out_.append(step.data);
        done += step.consumed;
    }
    if (chunks_->failed()) {
        breakOff(EPROTO);
        return bytes.size();
    }
    outEnded_ = chunks_->done();
    return done;
}

void Http2Stream::shutdownWrite(net::Socket&) noexcept {
    if (!tunnel_ || outEnded_ || connection_ == nullptr)
        return;
    outEnded_ = true;
    connection_->resume(*this);
}

http2::Multiplexer::Piece Http2Stream::read(char* into, std::size_t room) {
    using What = http2::Multiplexer::Piece::What;
    const std::size_t size = std::min(room, outputSize());
    std::memcpy(into, out_.data() + outBegin_, size);
    outBegin_ += size;
    dropFront(out_, outBegin_);
    account();
    if (blocked_ && outputSize() <= kMaxOutput / 2) {
        blocked_ = false;
        tell(EPOLLOUT);
    }
    if (outEnded_ && outputSize() == 0) {
        endSent_ = true;
        if (chunks_ && !chunks_->trailers().empty())
            connection_->submitTrailers(*stream_, chunks_->trailers());
        return {What::last, size};
    }
    return {size == 0 && outputSize() == 0 ? What::none : What::some, size};
}

}  // namespace evergate::upstream
