// SPDX-License-Identifier: Apache-2.0
// Moving bytes and reading requests; echo_answers.cpp says what is answered.
#include "tests/support/echo_connection.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace evergate::test {
namespace {

constexpr std::size_t kMaxInput = 128 * 1024;
constexpr std::size_t kMaxPending = 256 * 1024;  // beyond this nothing more is read or produced
constexpr std::size_t kChunk = 8 * 1024;

const std::string& filler() {
    static const std::string block(1024 * 1024, 'x');
    return block;
}

}  // namespace

EchoConnection::EchoConnection(EchoHost& host, net::Socket socket, std::uint64_t id, bool raw)
    : host_(host), socket_(std::move(socket)), id_(id), in_(16 * 1024) {
    if (raw)
        state_ = State::tunnel;
}

void EchoConnection::onEvents(std::uint32_t events) {
    socket_.noteEvents(events);
    pump();
}

void EchoConnection::resume() {
    if (state_ != State::delayed)
        return;
    respond("200 OK", host_.name() + " delayed\n");
    requestDone();
    pump();
}

void EchoConnection::close(bool reset) {
    state_ = State::closed;
    if (reset)
        socket_.closeWithReset();
    else
        socket_.close();
}

void EchoConnection::pump() {
    bool progress = true;
    while (progress && !closed()) {
        progress = readSome();
        while (!closed() && process())
            progress = true;
        if (!closed())
            progress |= flush();
    }
}

bool EchoConnection::readSome() {
    if (!socket_.readable() || eof_ || pending() > kMaxPending)
        return false;
    if (begin_ == end_)
        begin_ = end_ = 0;
    if (end_ == in_.size() && begin_ > 0) {
        std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (end_ == in_.size()) {
        if (in_.size() >= kMaxInput)
            return false;
        in_.resize(in_.size() * 2);
    }
    const net::IoResult got = socket_.recv(in_.data() + end_, in_.size() - end_);
    if (got.wouldBlock())
        return false;
    if (got.failed()) {
        close();
        return false;
    }
    if (got.eof())
        eof_ = true;
    else
        end_ += static_cast<std::size_t>(got.bytes);
    return true;
}

bool EchoConnection::process() {
    switch (state_) {
        case State::head:
            return pending() <= kMaxPending && processHead();
        case State::body:
            return processBody();
        case State::generate:
            return generate();
        case State::tunnel:
            return processTunnel();
        case State::linger:
            begin_ = end_;
            if (eof_)
                close();
            return false;
        case State::delayed:
            if (eof_)
                close();  // who asked is gone
            return false;
        case State::flush:
        case State::closed:
            break;
    }
    return false;
}

bool EchoConnection::processHead() {
    const std::string_view in = input();
    const std::size_t end = in.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        if (eof_ || in.size() >= kMaxInput)
            state_ = State::flush;
        return false;
    }
    const auto request = parseEchoRequest(in.substr(0, end + 4));
    begin_ += end + 4;
    ++requests_;
    host_.countRequest();
    if (!request) {
        keepAlive_ = false;
        respond("400 Bad Request", "not understood\n");
        requestDone();
        return true;
    }
    keepAlive_ = request->keepAlive;
    headOnly_ = request->method == "HEAD";
    if (request->hasBody())
        beginBody(*request);
    else
        dispatch(*request);
    return true;
}

void EchoConnection::beginBody(const EchoRequest& request) {
    bodyBytes_ = 0;
    bodyChunked_ = request.chunked;
    bodyLeft_ = request.contentLength;
    chunks_.reset();
    sink_ = Sink::dispatch;
    if (request.expectContinue)
        out_.append("HTTP/1.1 100 Continue\r\n\r\n");
    if (request.path == "/echo") {
        sink_ = Sink::echo;
        beginEcho(request);
    } else if (request.path == "/early") {
        sink_ = Sink::ignore;
        respond("200 OK", host_.name() + " early\n");
    } else {
        savedHead_ = request.head;
    }
    state_ = State::body;
}

bool EchoConnection::processBody() {
    if (pending() > kMaxPending)
        return false;
    const std::string_view in = input();
    if (!bodyChunked_) {
        const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(bodyLeft_, in.size()));
        bodyData(in.substr(0, take));
        begin_ += take;
        bodyLeft_ -= take;
        if (bodyLeft_ == 0)
            bodyDone();
        else if (eof_)
            close();
        return bodyLeft_ == 0;
    }
    const EchoChunkReader::Step step = chunks_.step(in);
    bodyData(step.data);
    begin_ += step.consumed;
    if (chunks_.done())
        bodyDone();
    else if (chunks_.bad() || (eof_ && step.consumed == 0))
        close(/*reset=*/true);
    return step.consumed > 0;
}

void EchoConnection::bodyData(std::string_view data) {
    bodyBytes_ += data.size();
    if (sink_ != Sink::echo || data.empty())
        return;
    if (!bodyChunked_) {
        out_.append(data);
        return;
    }
    std::array<char, 20> size;
    const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", data.size());
    out_.append(size.data(), static_cast<std::size_t>(length)).append(data).append("\r\n");
}

void EchoConnection::bodyDone() {
    if (sink_ == Sink::dispatch) {
        const std::string head = std::move(savedHead_);
        dispatch(*parseEchoRequest(head));
        return;
    }
    if (sink_ == Sink::echo && bodyChunked_)
        out_.append("0\r\n\r\n");
    requestDone();
}

bool EchoConnection::processTunnel() {
    if (pending() > kMaxPending)
        return false;
    const std::string_view in = input();
    out_.append(in);
    begin_ = end_;
    if (eof_)
        state_ = State::flush;
    return !in.empty();
}

bool EchoConnection::generate() {
    if (fill_ > 0 || pending() > kMaxPending)
        return false;
    if (chunksLeft_ == 0) {
        requestDone();
        return true;
    }
    while (chunksLeft_ > 0 && pending() <= kMaxPending) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(chunksLeft_, kChunk));
        std::array<char, 20> line;
        const int length = std::snprintf(line.data(), line.size(), "%zx\r\n", size);
        out_.append(line.data(), static_cast<std::size_t>(length));
        out_.append(filler(), 0, size).append("\r\n");
        chunksLeft_ -= size;
    }
    if (chunksLeft_ == 0)
        out_.append("0\r\n\r\n");
    return true;
}

bool EchoConnection::flush() {
    bool progress = false;
    while ((pending() > 0 || fill_ > 0) && socket_.writable()) {
        const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(fill_, filler().size()));
        net::IoResult sent;
        if (more == 0) {
            sent = socket_.send(out_.data() + sent_, pending());
        } else {
            const std::array<iovec, 2> parts{iovec{out_.data() + sent_, pending()},
                                             iovec{const_cast<char*>(filler().data()), more}};
            sent = socket_.sendv(parts.data(), 2);
        }
        if (sent.wouldBlock())
            return progress;
        if (sent.failed()) {
            close();
            return true;
        }
        progress = true;
        const auto bytes = static_cast<std::size_t>(sent.bytes);
        const std::size_t ours = std::min(bytes, pending());
        sent_ += ours;
        fill_ -= bytes - ours;
        if (pending() == 0) {
            out_.clear();
            sent_ = 0;
        }
    }
    return flushed() || progress;
}

bool EchoConnection::flushed() {
    if (state_ != State::flush || pending() > 0 || fill_ > 0)
        return false;
    // Closing with unread input would reset the connection and take the answer with it.
    socket_.shutdownWrite();
    state_ = State::linger;
    return true;
}

}  // namespace evergate::test
