// SPDX-License-Identifier: Apache-2.0
// How HTTP/2 connections end, and their deadlines in between.
#include <algorithm>

#include "dataplane/session/http2_engine.hpp"
#include "dataplane/session/http2_session.hpp"

namespace evergate::session {

using http2::Refusal;

std::string_view Http2Session::phaseName() const noexcept {
    if (lingering_)
        return name(Phase::lingering);
    if (streams_.empty())
        return name(requests_ == 0 ? Phase::head : Phase::idle);
    return pending_.empty() ? "http2" : name(Phase::clientBlocked);
}

std::string_view Http2Session::endpointText() const noexcept {
    return streams_.empty() ? std::string_view() : streams_.front().endpointText();
}

// Drain: first the client is told, a tick later where the end is; then it may finish.
void Http2Session::closeIfIdle() {
    if (lost_ || lingering_)
        return;
    if (!noticeSent_)
        return announceEnd();
    if (goawaySent_ || context_.wheel.nowTick() == noticeTick_)
        return;
    goawaySent_ = true;
    multiplexer_.endAfterLast();
    scheduleFlush();
}

void Http2Session::cancel() {
    if (gone_)
        return;
    for (Http2Stream& stream : streams_)
        stream.abandon();
    lose(false);
    sweep();
    leaveIfOver();
}

void Http2Session::sweep() {
    for (Http2Stream* const stream : over_) {
        std::erase(work_, stream);
        std::erase(yields_, stream);
        streams_.erase(streams_.iterator_to(*stream));
        --context_.counters.http2.activeStreams;
        stream->recycle();
        context_.http2->giveBack(std::unique_ptr<Http2Stream>(stream));
    }
    over_.clear();
}

// Nothing more is to be said or heard: after a GOAWAY.
void Http2Session::finishIfDone() {
    if (!lingering_ && pending_.empty() && !multiplexer_.wantsWrite() && !multiplexer_.wantsRead())
        linger();
}

// Closing now would reset the connection, and that could destroy the GOAWAY on its way.
void Http2Session::linger() {
    lingering_ = true;
    dropHeld();
    socket_.shutdownWrite();
    dropStreams();
    drainInput();
}

// Who broke the rules is not read any more: a flood stops where the kernel's buffer is full.
void Http2Session::drainInput() {
    if (refused_ ? socket_.hup() : !discardInput(socket_, discarded_))
        return lose(false);
    rearm();
}

// Those whose endpoint may serve them all the same go on without a client.
void Http2Session::dropStreams() {
    for (Http2Stream& stream : streams_)
        stream.onClosed();
    runWork();
}

// The socket is of no use any more.
void Http2Session::lose(bool reset) {
    if (lost_)
        return;
    lost_ = true;
    noteIdle(false);
    context_.wheel.disarm(*this);
    dropStreams();
    dropHeld();
    pending_.clear();
    reset ? socket_.closeWithReset() : socket_.close();
    scheduleFlush();  // what is over is swept there
}

void Http2Session::leaveIfOver() {
    if (gone_ || !streams_.empty())
        return;
    gone_ = true;
    owner_.onSessionClosed(*this);
}

Http2Session::Wait Http2Session::waitsFor() const noexcept {
    if (lingering_)
        return Wait::linger;
    if (!pending_.empty())
        return Wait::write;
    if (multiplexer_.inHeaders())
        return Wait::head;
    if (!settingsSeen_ || !settingsAcked_)
        return Wait::begin;
    return streams_.empty() ? Wait::idle : Wait::none;
}

// A header block must be complete in time, however it trickles; a socket must take something.
void Http2Session::rearm() {
    if (lost_)
        return;
    const Wait now = waitsFor();
    noteIdle(now == Wait::idle);
    if (now == Wait::none) {
        armed_ = now;
        return context_.wheel.disarm(*this);
    }
    const std::uint64_t progress = now == Wait::write ? sent_ : requests_;
    if (now == armed_ && armed() && (progress == progress_ || now == Wait::begin))
        return;
    armed_ = now;
    progress_ = progress;
    resting_ = false;
    context_.wheel.arm(*this, timeFor(now));
}

std::chrono::milliseconds Http2Session::timeFor(Wait wait) const noexcept {
    const model::Settings& settings = context_.settings();
    switch (wait) {
        case Wait::begin:
        case Wait::head:
            return settings.headTimeout;
        case Wait::write:
            return settings.writeTimeout;
        case Wait::idle:  // in two parts
            return resting_
                       ? settings.keepAliveTimeout - std::min(kRest, settings.keepAliveTimeout / 2)
                       : std::min(kRest, settings.keepAliveTimeout / 2);
        case Wait::linger:
        case Wait::none:
            break;
    }
    return deadlineOf(Phase::lingering, settings, context_.defaultPolicy);
}

void Http2Session::onTimer() {
    const Wait wait = std::exchange(armed_, Wait::none);
    if (lost_)
        return;
    switch (wait) {
        case Wait::begin:
        case Wait::head:
            refuse(Refusal::timeout, http2::ErrorCode::settingsTimeout);
            break;
        case Wait::idle:
            if (!resting_)
                return rest();
            multiplexer_.terminate(http2::ErrorCode::noError);
            break;
        case Wait::write:
            context_.counters.http2.count(Refusal::stalled);
            return lose(true);
        case Wait::linger:
            return lose(false);
        case Wait::none:
            break;
    }
    scheduleFlush();
}

// The rest of the time between requests, with little memory.
void Http2Session::rest() noexcept {
    resting_ = true;
    multiplexer_.rest();
    std::vector<Http2Stream*>().swap(work_);
    std::vector<Http2Stream*>().swap(over_);
    armed_ = Wait::idle;
    context_.wheel.arm(*this, timeFor(Wait::idle));
}

void Http2Session::noteIdle(bool idle) noexcept {
    if (idle == idle_)
        return;
    idle_ = idle;
    context_.counters.idleConnections += idle ? 1 : std::uint64_t(-1);
}

}  // namespace evergate::session
