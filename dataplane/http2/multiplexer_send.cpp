// SPDX-License-Identifier: Apache-2.0
// Frames out: all but DATA are written into a queue, in the order of their header compression; DATA
// goes from the handler straight into what is sent.
#include <algorithm>
#include <cstring>

#include "dataplane/http2/multiplexer.hpp"

namespace evergate::http2 {
namespace {

// A DATA frame in less room than this waits for the next send.
constexpr std::size_t kLeastRoom = 2'048;

}  // namespace

std::size_t Multiplexer::send(char* into, std::size_t room) {
    reportEnded();
    std::size_t size = queue_.take(into, room);
    while (queue_.empty() && room - size >= kLeastRoom) {
        const std::size_t data = sendData(into + size, room - size);
        size += data;
        const std::size_t queued = queue_.take(into + size, room - size);
        size += queued;
        reportEnded();
        if (data == 0 && queued == 0 && queue_.empty())
            break;
    }
    if (queue_.empty()) {
        answers_ = 0;
        if (streams_.empty() && queue_.hasMemory())
            pool_.giveBack(queue_.giveBack());
    }
    return size;
}

// The next stream's: 0: there is none that may send, or only trailers. A closed window holds up
// data, but neither the end of a body nor a reset (§6.9.1).
std::size_t Multiplexer::sendData(char* into, std::size_t room) {
    while (!closing_ && !order_.empty()) {
        Stream& stream = order_.front();
        const std::size_t size = sendPiece(stream, into, room);
        if (size != 0 || !queue_.empty())
            return size;
    }
    return 0;
}

std::size_t Multiplexer::sendPiece(Stream& stream, char* into, std::size_t room) {
    const std::int64_t window = std::max<std::int64_t>(std::min(stream.sendWindow, sendWindow_), 0);
    const std::size_t most =
        std::min<std::size_t>({room - kFrameHead, kMaxFrame, static_cast<std::size_t>(window)});
    const Piece piece = handler_.onRead(stream, into + kFrameHead, most);
    if (stream.reset)
        return 0;
    if (piece.what == Piece::What::broken) {
        reset(stream, ErrorCode::internalError);
        return 0;
    }
    const bool last = piece.what == Piece::What::last;
    if (piece.size == 0 && !last) {
        stream.waiting = piece.what == Piece::What::none;
        stream.unlink();  // until there is more, or the window opens
        if (!stream.waiting && sendWindow_ <= 0)
            stalled_.push_back(stream);
        return 0;
    }
    std::size_t written = 0;
    if (piece.size != 0 || !stream.endQueued) {
        const bool ends = last && !stream.endQueued;
        writeFrameHead({static_cast<std::uint32_t>(piece.size), stream.id, FrameType::data,
                        ends ? flag::endStream : std::uint8_t{0}},
                       into);
        written = kFrameHead + piece.size;
        stream.sendWindow -= static_cast<std::int64_t>(piece.size);
        sendWindow_ -= static_cast<std::int64_t>(piece.size);
        ++sent_.frames;
        ++sent_.data;
    }
    last ? endLocal(stream) : order_.next(stream);
    return written;
}

void Multiplexer::enqueue(Stream& stream) noexcept {
    if (stream.hasBody && !stream.waiting && !stream.is_linked() && !stream.reset &&
        !stream.localEnded && !stream.endQueued)
        order_.add(stream);
}

void Multiplexer::resumeStalled() noexcept {
    while (sendWindow_ > 0 && !stalled_.empty()) {
        Stream& stream = stalled_.front();
        stream.unlink();
        enqueue(stream);
    }
}

// Without streams a connection has no memory for what it sends.
char* Multiplexer::reserve(std::size_t size) {
    if (!queue_.hasMemory())
        queue_.lend(pool_.takeBlock());
    return queue_.reserve(size);
}

void Multiplexer::queueText(std::string_view text) {
    char* const at = reserve(text.size());
    std::memcpy(at, text.data(), text.size());
    queue_.commit(text.size());
}

void Multiplexer::queueFrame(FrameType type, std::uint8_t flags, std::uint32_t stream,
                             std::string_view payload) {
    char* at = reserve(kFrameHead + payload.size());
    at = writeFrameHead({static_cast<std::uint32_t>(payload.size()), stream, type, flags}, at);
    std::copy(payload.begin(), payload.end(), at);
    queue_.commit(kFrameHead + payload.size());
    ++sent_.frames;
}

void Multiplexer::queueNumber(FrameType type, std::uint32_t stream, std::uint32_t number) {
    char payload[4];
    writeNumber(number, payload);
    queueFrame(type, 0, stream, {payload, sizeof payload});
}

void Multiplexer::queueGoaway(std::uint32_t last, ErrorCode code) {
    char payload[8];
    writeNumber(static_cast<std::uint32_t>(code), writeNumber(last, payload));
    queueFrame(FrameType::goaway, 0, 0, {payload, sizeof payload});
}

void Multiplexer::queueSettings(std::span<const Setting> settings) {
    constexpr std::size_t kEntry = 6;
    const std::size_t size = kEntry * settings.size();
    char* at = reserve(kFrameHead + size);
    at = writeFrameHead({static_cast<std::uint32_t>(size), 0, FrameType::settings, 0}, at);
    for (const Setting& setting : settings) {
        const auto id = static_cast<std::uint16_t>(setting.id);
        *at++ = static_cast<char>(id >> 8U);
        *at++ = static_cast<char>(id);
        at = writeNumber(setting.value, at);
    }
    queue_.commit(kFrameHead + size);
    ++sent_.frames;
}

void Multiplexer::queueAnswer(FrameType type, std::string_view payload) {
    if (++answers_ > kMaxAnswers)
        return fail(ErrorCode::enhanceYourCalm, Breach::unanswered);
    queueFrame(type, flag::ack, 0, payload);
    --sent_.frames;  // it excuses nothing
}

void Multiplexer::queueHeaders(std::uint32_t stream, std::span<const hpack::Field> fields,
                               bool last) {
    std::size_t most = kFrameHead + hpack::Encoder::kBlockStart;
    for (const hpack::Field& field : fields)
        most += hpack::Encoder::bound(field);
    char* const begin = reserve(most + (most / kMaxFrame + 1) * kFrameHead);
    char* at = encoder_.beginBlock(begin + kFrameHead);
    for (const hpack::Field& field : fields)
        at = encoder_.encode(field, at);
    const auto block = static_cast<std::size_t>(at - begin) - kFrameHead;
    const std::uint8_t flags = last ? flag::endStream : 0;
    ++sent_.frames;
    if (block > kMaxFrame) [[unlikely]]
        return queue_.commit(splitBlock(begin, block, stream, flags));
    writeFrameHead({static_cast<std::uint32_t>(block), stream, FrameType::headers,
                    static_cast<std::uint8_t>(flags | flag::endHeaders)},
                   begin);
    queue_.commit(kFrameHead + block);
}

// A block that needs several frames (§4.3) gets their heads between its parts. Returns its size
// with all of them.
std::size_t Multiplexer::splitBlock(char* begin, std::size_t block, std::uint32_t stream,
                                    std::uint8_t flags) noexcept {
    const std::size_t count = (block + kMaxFrame - 1) / kMaxFrame;
    for (std::size_t i = count; i-- > 0;) {
        const std::size_t offset = i * kMaxFrame;
        const std::size_t size = std::min<std::size_t>(block - offset, kMaxFrame);
        char* const head = begin + offset + i * kFrameHead;
        std::memmove(head + kFrameHead, begin + kFrameHead + offset, size);
        const auto end = i + 1 == count ? flag::endHeaders : std::uint8_t{0};
        writeFrameHead({static_cast<std::uint32_t>(size), stream,
                        i == 0 ? FrameType::headers : FrameType::continuation,
                        static_cast<std::uint8_t>((i == 0 ? flags : 0) | end)},
                       head);
    }
    return block + count * kFrameHead;
}

}  // namespace evergate::http2
