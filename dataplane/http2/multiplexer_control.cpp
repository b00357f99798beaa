// SPDX-License-Identifier: Apache-2.0
// Frames about streams and the connection that carry no message (RFC 9113 §6.3 to §6.9, RFC 9218
// §7).
#include <algorithm>

#include "dataplane/http2/multiplexer.hpp"

namespace evergate::http2 {
namespace {

// Each may be about all streams. Nobody has so many to say.
constexpr std::size_t kMaxSettings = 32;

}  // namespace

void Multiplexer::receiveReset(std::string_view payload) {
    if (frame_.stream == 0 || isIdle(frame_.stream))
        return fail(ErrorCode::protocolError);
    if (Stream* const stream = streams_.find(frame_.stream))
        close(*stream, static_cast<ErrorCode>(readNumber(payload.data())));
}

void Multiplexer::receiveSettings(std::string_view payload) {
    constexpr std::size_t kEntry = 6;
    if (frame_.stream != 0)
        return fail(ErrorCode::protocolError);
    if (payload.size() % kEntry != 0 || (frame_.has(flag::ack) && !payload.empty()))
        return fail(ErrorCode::frameSizeError);
    if (frame_.has(flag::ack))
        return receiveSettingsAck();
    if (payload.size() > kMaxSettings * kEntry)
        return fail(ErrorCode::enhanceYourCalm, Breach::settings);
    for (; !payload.empty(); payload.remove_prefix(kEntry)) {
        const std::uint32_t id = readNumber(payload.data()) >> 16U;
        const ErrorCode error = apply(static_cast<SettingId>(id), readNumber(payload.data() + 2));
        if (error != ErrorCode::noError)
            return fail(error);
    }
    settingsSeen_ = true;
    queueAnswer(FrameType::settings, {});
    if (!closing_)
        handler_.onSettings(false);
}

// §6.5.2; what is unknown is ignored.
ErrorCode Multiplexer::apply(SettingId id, std::uint32_t value) {
    const auto check = [](bool good) {
        return good ? ErrorCode::noError : ErrorCode::protocolError;
    };
    switch (id) {
        case SettingId::headerTableSize:
            encoder_.setMaxTableSize(value);
            break;
        case SettingId::enablePush:  // a server never may say 1
            return check(value == 0 || (value == 1 && role_ == Role::server));
        case SettingId::maxConcurrentStreams:
            peerMaxStreams_ = value;
            break;
        case SettingId::initialWindowSize:
            if (value > kMaxWindow)
                return ErrorCode::flowControlError;
            if (!moveSendWindows(std::int64_t{value} - peerWindow_))
                return ErrorCode::flowControlError;
            peerWindow_ = static_cast<std::int32_t>(value);
            break;
        case SettingId::maxFrameSize:  // our frames have the least
            return check(value >= kMaxFrame && value <= 0xff'ffff);
        case SettingId::enableConnectProtocol:  // RFC 8441 §3: not taken back
            if (value > 1 || (value == 0 && peerAllowsConnect_))
                return ErrorCode::protocolError;
            peerAllowsConnect_ = value == 1;
            break;
        case SettingId::noRfc7540Priorities:
            return check(value <= 1);
        case SettingId::maxHeaderListSize:
            break;
    }
    return ErrorCode::noError;
}

// False: beyond what a window can be (§6.9.2).
bool Multiplexer::moveSendWindows(std::int64_t delta) {
    bool good = true;
    if (delta == 0)
        return good;
    streams_.forEach([&](Stream& stream) {
        stream.sendWindow += delta;
        good = good && stream.sendWindow <= kMaxWindow;
        if (delta > 0)
            enqueue(stream);
    });
    return good;
}

void Multiplexer::receiveSettingsAck() {
    if (shrinks_.empty())
        return fail(ErrorCode::protocolError);
    const std::int32_t shrink = shrinks_.front();
    shrinks_.erase(shrinks_.begin());
    if (shrink != 0) {
        shrinking_ -= shrink;
        streams_.forEach([shrink](Stream& stream) { stream.receiveWindow -= shrink; });
    }
    handler_.onSettings(true);
}

void Multiplexer::receivePing(std::string_view payload) {
    if (frame_.stream != 0)
        return fail(ErrorCode::protocolError);
    if (!frame_.has(flag::ack))
        queueAnswer(FrameType::ping, payload);
}

void Multiplexer::receiveGoaway(std::string_view payload) {
    if (payload.size() < 8)
        return fail(ErrorCode::frameSizeError);
    if (frame_.stream != 0)
        return fail(ErrorCode::protocolError);
    goawayReceived_ = true;
    const std::uint32_t last = readNumber(payload.data()) & kMaxStreamId;
    handler_.onGoaway(last, static_cast<ErrorCode>(readNumber(payload.data() + 4)));
    if (role_ == Role::server)
        return;
    streams_.forEach([&](Stream& stream) {
        if (stream.id > last && !stream.reset)
            closeLater(stream, ErrorCode::refusedStream);
    });
    reportEnded();
}

void Multiplexer::receiveWindowUpdate(std::string_view payload) {
    const std::uint32_t more = readNumber(payload.data()) & kMaxStreamId;
    if (frame_.stream == 0) {
        sendWindow_ += more;
        if (more == 0)
            return fail(ErrorCode::protocolError);
        if (sendWindow_ > kMaxWindow)
            return fail(ErrorCode::flowControlError);
        return resumeStalled();
    }
    if (isIdle(frame_.stream))
        return fail(ErrorCode::protocolError);
    Stream* const stream = heardStream();
    if (stream == nullptr)
        return;
    if (more == 0)
        return failStream(*stream, ErrorCode::protocolError);
    stream->sendWindow += more;
    if (stream->sendWindow > kMaxWindow)
        return failStream(*stream, ErrorCode::flowControlError);
    enqueue(*stream);
}

// Of RFC 7540, and obsolete; what was never allowed still is not (§5.3.1 there).
void Multiplexer::receivePriority(std::string_view payload) {
    if (frame_.stream == 0)
        return fail(ErrorCode::protocolError);
    if ((readNumber(payload.data()) & kMaxStreamId) == frame_.stream)
        fail(ErrorCode::protocolError);
}

void Multiplexer::receivePriorityUpdate(std::string_view payload) {
    if (frame_.stream != 0)
        return fail(ErrorCode::protocolError);
    if (payload.size() < 4)
        return fail(ErrorCode::frameSizeError);
    const std::uint32_t id = readNumber(payload.data()) & kMaxStreamId;
    if (id == 0 || role_ == Role::client)
        return fail(ErrorCode::protocolError);
    const Priority priority = parsePriority(payload.substr(4));
    if (Stream* const stream = streams_.find(id)) {
        stream->updated = true;
        return move(*stream, priority);
    }
    if (id % 2 == 0)  // a stream that is pushed: there are none
        return fail(ErrorCode::protocolError);
    if (isIdle(id))
        noteEarly(id, priority);
}

// It may come before its request (RFC 9218 §7.1). The last ones are kept.
void Multiplexer::noteEarly(std::uint32_t id, Priority priority) {
    std::erase_if(early_, [id](const Early& one) { return one.stream == id; });
    if (early_.size() == kMaxEarly)
        early_.erase(early_.begin());
    early_.push_back({id, priority});
}

// Those of streams before it will not be needed any more: numbers only grow.
void Multiplexer::applyEarly(Stream& stream) noexcept {
    for (const Early& one : early_) {
        if (one.stream != stream.id)
            continue;
        stream.priority = one.priority;
        stream.updated = true;
    }
    std::erase_if(early_, [&](const Early& one) { return one.stream <= stream.id; });
}

}  // namespace evergate::http2
