// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/multiplexer.hpp"

#include <algorithm>
#include <memory>

namespace evergate::http2 {

Multiplexer::Multiplexer(Role role, Handler& handler, StreamPool& pool) noexcept
    : handler_(handler),
      pool_(pool),
      prefaceLeft_(role == Role::server ? kPreface.size() : 0),
      role_(role) {}

Multiplexer::~Multiplexer() {
    streams_.forEach([this](Stream& stream) {
        stream.unlink();
        pool_.giveBack(std::unique_ptr<Stream>(&stream));
    });
}

void Multiplexer::start(std::span<const Setting> settings, std::int32_t streamWindow,
                        std::int32_t connectionWindow) {
    if (role_ == Role::client)
        queueText(kPreface);
    std::vector<Setting> all(settings.begin(), settings.end());
    all.push_back({SettingId::initialWindowSize, static_cast<std::uint32_t>(streamWindow)});
    queueSettings(all);
    changeStreamWindows(streamWindow);
    changeConnectionWindow(connectionWindow);
}

bool Multiplexer::wantsRead() const noexcept {
    return !closing_ && !(streams_.empty() && (goawaySent_ || goawayReceived_));
}

bool Multiplexer::wantsWrite() const noexcept {
    return !queue_.empty() || !ended_.empty() || (!closing_ && !order_.empty());
}

// Streams

Stream& Multiplexer::add(std::uint32_t id, void* user) {
    std::unique_ptr<Stream> stream = pool_.take();
    stream->id = id;
    stream->user = user;
    stream->sendWindow = peerWindow_;
    stream->receiveWindow = std::int64_t{streamWindow_} + shrinking_;
    streams_.insert(*stream);
    return *stream.release();
}

bool Multiplexer::hasRoom() const noexcept {
    return !closing_ && !goawayReceived_ && nextStream_ <= kMaxStreamId &&
           streams_.size() < peerMaxStreams_;
}

Stream* Multiplexer::request(void* user, std::span<const hpack::Field> fields, bool hasBody) {
    if (!hasRoom())
        return nullptr;
    Stream& stream = add(nextStream_, user);
    nextStream_ += 2;
    queueHeaders(stream.id, fields, !hasBody);
    stream.hasBody = hasBody;
    stream.localEnded = !hasBody;
    enqueue(stream);
    return &stream;
}

void Multiplexer::respond(Stream& stream, std::span<const hpack::Field> fields, bool last) {
    if (stream.reset || closing_)
        return;
    queueHeaders(stream.id, fields, last);
    if (!last)
        return;
    stream.endQueued = true;
    ended_.push_back(stream);
}

void Multiplexer::respondWithBody(Stream& stream, std::span<const hpack::Field> fields) {
    if (stream.reset || closing_)
        return;
    queueHeaders(stream.id, fields, false);
    stream.hasBody = true;
    enqueue(stream);
}

void Multiplexer::sendTrailers(Stream& stream, std::span<const hpack::Field> fields) {
    if (stream.reset)
        return;
    queueHeaders(stream.id, fields, true);
    stream.endQueued = true;
}

void Multiplexer::resume(Stream& stream) noexcept {
    if (!stream.waiting)
        return;
    stream.waiting = false;
    enqueue(stream);
}

void Multiplexer::prioritize(Stream& stream, Priority priority) noexcept {
    if (!stream.updated)
        move(stream, priority);
}

void Multiplexer::move(Stream& stream, Priority priority) noexcept {
    stream.priority = priority;
    if (!stream.is_linked() || stream.reset || stream.endQueued)
        return;
    stream.unlink();
    order_.add(stream);
}

void Multiplexer::reset(Stream& stream, ErrorCode code) {
    if (stream.reset)
        return;
    if (!closing_)
        queueNumber(FrameType::rstStream, stream.id, static_cast<std::uint32_t>(code));
    forgivenUpTo_ = std::max(forgivenUpTo_, stream.id);
    closeLater(stream, code);
}

// A message whose body is not as long as it was announced is malformed (§8.1.1).
bool Multiplexer::bodyIsWhole(Stream& stream) {
    if (!stream.hasLength || stream.bodyLeft == 0)
        return true;
    failStream(stream, ErrorCode::protocolError);
    return false;
}

void Multiplexer::endRemote(Stream& stream) {
    if (stream.localEnded && !stream.reset)
        close(stream, ErrorCode::noError);
}

void Multiplexer::endLocal(Stream& stream) {
    stream.unlink();
    stream.localEnded = true;
    handler_.onEndSent(stream);
    if (stream.remoteEnded && !stream.reset)
        close(stream, ErrorCode::noError);
}

// With the next send(): the handler may be in the middle of something.
void Multiplexer::closeLater(Stream& stream, ErrorCode code) {
    stream.unlink();
    stream.reset = true;
    stream.error = code;
    ended_.push_back(stream);
}

void Multiplexer::reportEnded() {
    while (!ended_.empty()) {
        Stream& stream = ended_.front();
        if (stream.reset) {
            close(stream, stream.error);
        } else {
            endLocal(stream);
        }
    }
}

void Multiplexer::close(Stream& stream, ErrorCode code) {
    if (heard_ == &stream)
        heard_ = nullptr;
    stream.unlink();
    stream.reset = true;  // nothing more is said on it, whatever the handler asks for
    streams_.erase(stream);
    handler_.onClosed(stream, code);
    pool_.giveBack(std::unique_ptr<Stream>(&stream));
}

// Errors

void Multiplexer::fail(ErrorCode code, Breach breach) {
    if (closing_)
        return;
    handler_.onBreach(breach, nullptr);
    terminate(code);
}

void Multiplexer::failStream(Stream& stream, ErrorCode code) {
    if (stream.reset)
        return;
    handler_.onBreach(Breach::stream, &stream);
    reset(stream, code);
}

// Ends

void Multiplexer::announceEnd() {
    if (!closing_ && !goawaySent_)
        queueGoaway(kMaxStreamId, ErrorCode::noError);
}

void Multiplexer::endAfterLast() {
    if (closing_)
        return;
    goawaySent_ = true;
    acceptUpTo_ = lastServed();
    queueGoaway(acceptUpTo_, ErrorCode::noError);
}

// What a GOAWAY says, never more than one before it (§6.8).
std::uint32_t Multiplexer::lastServed() const noexcept {
    return std::min(lastPeerStream_, acceptUpTo_);
}

void Multiplexer::terminate(ErrorCode code) {
    if (closing_)
        return;
    closing_ = true;
    heard_ = nullptr;  // of a block that is being read, too
    queueGoaway(lastServed(), code);
}

// Windows

void Multiplexer::consume(Stream& stream, std::size_t size) {
    consumeStream(stream, size);
    consumeConnection(size);
}

void Multiplexer::consumeStream(Stream& stream, std::size_t size) {
    if (stream.reset || stream.remoteEnded)
        return;
    stream.consumed += static_cast<std::int32_t>(size);
    if (stream.consumed < std::max(streamWindow_ / 2, 1) || closing_)
        return;
    queueNumber(FrameType::windowUpdate, stream.id, static_cast<std::uint32_t>(stream.consumed));
    stream.receiveWindow += stream.consumed;
    stream.consumed = 0;
}

void Multiplexer::consumeConnection(std::size_t size) {
    consumed_ += static_cast<std::int64_t>(size);
    if (consumed_ >= connectionWindow_ / 2)
        openConnectionWindow();
}

void Multiplexer::openConnectionWindow() {
    if (closing_ || consumed_ <= 0)
        return;
    queueNumber(FrameType::windowUpdate, 0, static_cast<std::uint32_t>(consumed_));
    receiveWindow_ += consumed_;
    consumed_ = 0;
}

// What was granted cannot be taken back: a smaller one is reached by granting nothing for a while.
void Multiplexer::changeConnectionWindow(std::int32_t size) {
    const bool grows = size > connectionWindow_;
    consumed_ += std::int64_t{size} - connectionWindow_;
    connectionWindow_ = size;
    if (grows)
        openConnectionWindow();
}

void Multiplexer::changeWindows(std::int32_t streamWindow, std::int32_t connectionWindow) {
    if (closing_)
        return;
    const Setting setting{SettingId::initialWindowSize, static_cast<std::uint32_t>(streamWindow)};
    queueSettings({&setting, 1});
    changeStreamWindows(streamWindow);
    changeConnectionWindow(connectionWindow);
}

// The peer uses a smaller window only once it has seen it: until its ACK comes the larger one is
// what it is held to. What a stream owes may be much of a smaller window, or all of it.
void Multiplexer::changeStreamWindows(std::int32_t size) {
    const std::int32_t delta = size - streamWindow_;
    streamWindow_ = size;
    shrinks_.push_back(delta < 0 ? -delta : 0);
    shrinking_ += shrinks_.back();
    streams_.forEach([&](Stream& stream) {
        stream.receiveWindow += std::max(delta, 0);
        consumeStream(stream, 0);
    });
}

void Multiplexer::rest() noexcept {
    streams_.rest();
    decoder_.rest();
    encoder_.rest();
    if (!inFrame_)
        std::string().swap(partial_);
    if (blockStream_ == 0)
        std::string().swap(block_);
    if (early_.empty())
        early_.shrink_to_fit();
    if (shrinks_.empty())
        shrinks_.shrink_to_fit();
}

}  // namespace evergate::http2
