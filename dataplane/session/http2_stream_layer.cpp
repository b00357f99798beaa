// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/http2_stream_layer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dataplane/http/composed_head.hpp"
#include "dataplane/session/http2_engine.hpp"
#include "dataplane/session/http2_session.hpp"

namespace evergate::session {

using http::Framing;
using http::ParseStatus;
using net::IoResult;

namespace {

// A chunk's header and the line end behind it.
constexpr std::size_t kChunkRoom = BodyFlow::kFramingRoom + 2;
// Bytes of a response that wait for a client whose windows are closed: less than one read.
constexpr std::size_t kStalledOutbox = 12 * 1024;

constexpr IoResult kWouldBlock{-1, EAGAIN};

}  // namespace

IoResult Http2Stream::Layer::recv(net::Socket&, char* data, std::size_t size) noexcept {
    return stream_.receive(data, size);
}

IoResult Http2Stream::Layer::sendv(net::Socket&, const iovec* parts, int count) noexcept {
    return stream_.send(parts, count);
}

// The end of a tunnel's way to the client.
void Http2Stream::Layer::shutdownWrite(net::Socket&) noexcept {
    if (stream_.tunnel_ && !stream_.closed_)
        stream_.endResponse();
}

void Http2Stream::Layer::endMessage(std::string_view trailers) noexcept {
    stream_.trailers_ = trailers;
    stream_.endResponse();
}

bool Http2Stream::Layer::peekClosed(net::Socket&) noexcept {
    return stream_.closed_;
}

net::StreamFacts Http2Stream::Layer::facts() const noexcept {
    return stream_.session_->facts();
}

const net::PeerIdentity* Http2Stream::Layer::verifiedPeer() const noexcept {
    return stream_.session_->verifiedPeer();
}

std::size_t Http2Stream::Layer::room() const noexcept {
    const std::size_t most = stream_.outboxLimit();
    return most - std::min(most, stream_.outbox_.size());
}

// A response that the client lets us send none of is not read ahead but for a little.
std::size_t Http2Stream::outboxLimit() const noexcept {
    if (closed_)
        return kOutbox;
    const bool stalled = frames_->sendWindow <= 0 || session_->multiplexer().sendWindow() <= 0;
    return stalled ? kStalledOutbox : kOutbox;
}

void Http2Stream::noteReadable() noexcept {
    Layer::readable(socket_,
                    !inbox_.empty() || tailSent_ < tail_.size() || (remoteEnded_ && webSocket_));
}

IoResult Http2Stream::receive(char* data, std::size_t size) {
    if (closed_ && !hasHalfClosed())
        return {-1, ECONNRESET};
    std::size_t got = 0;
    if (chunked_) {
        got = receiveChunk(data, size);
    } else {
        got = std::min(size, inbox_.size());
        inbox_.take(data, got);
        if (got == 0 && remoteEnded_)
            return {0, 0};
        if (got != 0)
            consume(got);
    }
    noteReadable();
    return got == 0 ? kWouldBlock : IoResult{static_cast<ssize_t>(got), 0};
}

std::size_t Http2Stream::receiveChunk(char* data, std::size_t size) {
    std::size_t got = 0;
    if (!inbox_.empty() && size > kChunkRoom) {
        const std::size_t part = std::min(inbox_.size(), size - kChunkRoom);
        got = http::writeChunkHeader(part, data);
        inbox_.take(data + got, part);
        got += part;
        data[got++] = '\r';
        data[got++] = '\n';
        consume(part);
    }
    if (inbox_.empty() && tailSent_ < tail_.size()) {
        const std::size_t part = std::min(size - got, tail_.size() - tailSent_);
        std::memcpy(data + got, tail_.data() + tailSent_, part);
        tailSent_ += part;
        got += part;
    }
    return got;
}

IoResult Http2Stream::send(const iovec* parts, int count) {
    if (closed_ || weReset_)
        return {-1, EPIPE};
    std::size_t taken = 0;
    for (int i = 0; i < count; ++i) {
        const std::size_t size = parts[i].iov_len;
        std::string_view bytes(static_cast<const char*>(parts[i].iov_base), size);
        if (!takeSent(bytes))
            return {-1, EPIPE};
        taken += size - bytes.size();
        if (!bytes.empty()) {
            Layer::writable(socket_, false);
            break;
        }
    }
    if (outbox_.size() >= kStalledOutbox && outbox_.size() >= outboxLimit())
        Layer::writable(socket_, false);
    return taken == 0 ? kWouldBlock : IoResult{static_cast<ssize_t>(taken), 0};
}

// Takes what it can off the front of `bytes`. False: that was no HTTP.
bool Http2Stream::takeSent(std::string_view& bytes) {
    while (!bytes.empty()) {
        const std::size_t before = bytes.size();
        if (out_ == Out::done)
            return false;
        if (!(out_ == Out::head ? takeHeadText(bytes) : takeBody(bytes)))
            return false;
        if (bytes.size() == before)
            return true;  // no room
    }
    return true;
}

bool Http2Stream::takeHeadText(std::string_view& bytes) {
    Http2Engine& engine = *context_.http2;
    const std::size_t held = headText_.size();
    std::string_view text = bytes;
    if (held != 0) {
        headText_.append(bytes);
        text = headText_;
    }
    const ParseStatus status = http::readComposedResponse(text, headRequest_, engine.responseHead);
    if (status == ParseStatus::error)
        return false;
    if (status == ParseStatus::incomplete) {
        if (held == 0)
            headText_.assign(bytes);
        bytes = {};
        return true;
    }
    bytes.remove_prefix(engine.responseHead.headBytes - held);
    const bool good = submitHead(engine.responseHead);
    headText_.clear();
    return good;
}

// After an interim response: head, still.
bool Http2Stream::submitHead(const http::ResponseHead& head) {
    const bool opens = head.status == 101;
    if (opens && !webSocket_)
        return false;
    http2::ResponseFields& fields = context_.http2->fields;
    fields.set(head, opens ? 200 : head.status);
    if (head.status < 200 && !opens) {
        session_->scheduleFlush();
        session_->multiplexer().respond(*frames_, fields.all(), false);
        return true;
    }
    tunnel_ = opens;
    decoder_.reset();
    submitResponse(opens ? Framing::untilClose : head.framing, head.contentLength);
    return true;
}

std::size_t Http2Stream::takeHead(const http::ResponseHead& head,
                                  const http::ResponseFacts& facts) {
    if (closed_ || weReset_ || out_ != Out::head)
        return 0;
    const std::size_t size = context_.http2->fields.assign(head, facts);
    submitResponse(facts.framing, head.contentLength);
    return size;
}

// The head in the engine's fields. head => body or done
void Http2Stream::submitResponse(Framing framing, std::uint64_t length) {
    const http2::ResponseFields& fields = context_.http2->fields;
    framing_ = framing;
    remaining_ = length;
    const bool empty = framing == Framing::none || (framing == Framing::length && length == 0);
    out_ = empty ? Out::done : Out::body;
    session_->scheduleFlush();
    http2::Multiplexer& multiplexer = session_->multiplexer();
    empty ? multiplexer.respond(*frames_, fields.all(), true)
          : multiplexer.respondWithBody(*frames_, fields.all());
}

bool Http2Stream::takeBody(std::string_view& bytes) {
    const std::size_t room = outbox_.size() < kOutbox ? kOutbox - outbox_.size() : 0;
    if (room == 0)
        return true;
    if (framing_ == Framing::chunked) {
        std::string_view part = bytes.substr(0, room);
        const std::size_t offered = part.size();
        takeChunks(part);
        bytes.remove_prefix(offered - part.size());
        return !decoder_.failed();
    }
    std::size_t size = std::min(bytes.size(), room);
    if (framing_ == Framing::length) {
        size = static_cast<std::size_t>(std::min<std::uint64_t>(size, remaining_));
        remaining_ -= size;
    }
    queue(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (framing_ == Framing::length && remaining_ == 0)
        endResponse();
    return true;
}

void Http2Stream::takeChunks(std::string_view& bytes) {
    while (!bytes.empty() && !decoder_.done() && !decoder_.failed()) {
        const auto step = decoder_.next(bytes);
        queue(step.data);
        bytes.remove_prefix(step.consumed);
    }
    if (decoder_.done())
        endResponse();
}

void Http2Stream::queue(std::string_view bytes) {
    if (bytes.empty())
        return;
    outbox_.append(context_.buffers, bytes);
    resumeData();
}

void Http2Stream::endResponse() {
    if (out_ == Out::done)
        return;
    out_ = Out::done;
    resumeData();
}

void Http2Stream::resumeData() {
    session_->scheduleFlush();
    if (!closed_)
        session_->multiplexer().resume(*frames_);
}

// A length that was announced leaves no room for what else there is to say.
bool Http2Stream::mayHaveTrailers() const noexcept {
    return framing_ == Framing::chunked || (framing_ == Framing::untilClose && !tunnel_);
}

http2::Multiplexer::Piece Http2Stream::provide(char* into, std::size_t room) {
    using What = http2::Multiplexer::Piece::What;
    const std::size_t size = std::min(room, outbox_.size());
    if (outbox_.empty() && out_ != Out::done) {
        weReset_ = brokenOff_;
        return {brokenOff_ ? What::broken : What::none, 0};
    }
    const bool last = out_ == Out::done && size == outbox_.size();
    if (size != 0)  // else the window is closed
        takeOutput(into, size);
    if (last)
        sendTrailers();
    return {last ? What::last : What::some, size};
}

void Http2Stream::sendTrailers() {
    const std::string& section =
        trailers_.empty() && framing_ == Framing::chunked ? decoder_.trailers() : trailers_;
    if (section.empty())
        return;
    http2::ResponseFields& fields = context_.http2->fields;
    fields.setTrailers(section);
    if (!fields.empty())
        session_->multiplexer().sendTrailers(*frames_, fields.all());
}

void Http2Stream::takeOutput(char* into, std::size_t size) noexcept {
    outbox_.take(into, size);
    taken_ += size;
    if (socket_.writable() || outbox_.size() > kOutbox / 2)
        return;
    Layer::writable(socket_, true);
    session_->noteWork(*this);
}

}  // namespace evergate::session
