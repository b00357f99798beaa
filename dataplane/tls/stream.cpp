// SPDX-License-Identifier: Apache-2.0
// Bytes through a stream; stream_handshake.cpp has how it begins.
#include "dataplane/tls/stream.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "dataplane/net/socket.hpp"
#include "dataplane/tls/stream_use.hpp"

namespace evergate::tls {
namespace {

// Plaintext encrypted before the kernel is asked to take it.
constexpr std::size_t kChunk = 128 * 1024;
constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
// Bytes that may come without data in them (key updates, tickets and the like): such records cost
// more to take than to send. Of the longest record no data is seen until all of it is here.
constexpr std::size_t kMaxDataless = 64 * 1024;
// What may be kept of what we say to such records: a peer that reads nothing is told no more.
constexpr std::size_t kMaxReplies = 4 * 1024;

net::IoResult wouldBlock() noexcept {
    return {-1, EAGAIN};
}

}  // namespace

int Stream::read(BIO* bio, char* data, int size) noexcept {
    BIO_clear_retry_flags(bio);
    starved_ = !wireReadable(*socket_);
    if (starved_) {
        BIO_set_retry_read(bio);
        return -1;
    }
    // Here, because OpenSSL does not come back before its buffer ends with a record.
    if (established_ && taken_ - takenWithData_ > kMaxDataless) [[unlikely]] {
        readError_ = EPROTO;
        return -1;
    }
    const net::IoResult got = wireRecv(*socket_, data, static_cast<std::size_t>(size));
    if (got.wouldBlock()) {
        starved_ = true;
        BIO_set_retry_read(bio);
        return -1;
    }
    if (got.bytes < 0)
        readError_ = got.error;
    taken_ += static_cast<std::uint64_t>(std::max<ssize_t>(got.bytes, 0));
    wireEnd_ |= got.bytes == 0;
    return static_cast<int>(got.bytes);
}

int Stream::write(const char* data, int size) noexcept {
    if (!tickets_.empty()) [[unlikely]]
        engine_.output().append(std::exchange(tickets_, {}));
    engine_.output().append(data, static_cast<std::size_t>(size));
    return size;
}

net::IoResult Stream::recv(net::Socket& socket, char* data, std::size_t size) noexcept {
    if (readError_ != 0)
        return {-1, readError_};
    const Use use(*this, socket);
    std::size_t total = 0;
    // Somebody else's turn, too, while a flood comes with some data in it.
    const std::uint64_t enough = taken_ + size + kMaxDataless;
    while (total < size && taken_ < enough) {
        std::size_t got = 0;
        const int result = readSome(data + total, size - total, got, false);
        if (result != 1) {
            const net::IoResult end = readFailed(result);
            if (total != 0 || end.wouldBlock())
                break;
            // The output is the worker's: a warning alert left in it would go out in front of the
            // next stream's records.
            flushReplies();
            return end;
        }
        total += got;
        if (!wireReadable(socket) && SSL_has_pending(ssl_.get()) == 0) {
            setReadable(socket, false);
            break;
        }
    }
    if (!engine_.output().empty())
        flushReplies();
    if (total != 0)
        return {static_cast<ssize_t>(total), 0};
    return readError_ != 0 ? net::IoResult{-1, readError_} : wouldBlock();
}

// One read that passes over records without data.
int Stream::readSome(char* data, std::size_t size, std::size_t& got, bool peek) noexcept {
    SSL* const ssl = ssl_.get();
    for (;;) {
        starved_ = false;
        const int result =
            peek ? SSL_peek_ex(ssl, data, size, &got) : SSL_read_ex(ssl, data, size, &got);
        if (result == 1) {
            takenWithData_ = taken_;
            return result;
        }
        if (SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ || starved_)
            return result;
    }
}

// What a failed read means; when it follows bytes it is said by the next one.
net::IoResult Stream::readFailed(int result) noexcept {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
            setReadable(*socket_, false);
            return wouldBlock();
        case SSL_ERROR_ZERO_RETURN:
            if (!wireEnd_)
                return {0, 0};
            // An end without close_notify is an error: anybody may have sent that FIN.
            readError_ = ECONNRESET;
            return {-1, readError_};
        default:
            break;
    }
    ERR_clear_error();
    if (readError_ == 0)
        readError_ = EPROTO;
    flushReplies();  // the alert that says why
    return {-1, readError_};
}

// Sends what OpenSSL says to what it has read. A peer that asks on without reading is an error.
void Stream::flushReplies() noexcept {
    const std::size_t before = backlog();
    flushOutput(0);
    replies_ += backlog() - before;
    if (replies_ <= kMaxReplies || readError_ != 0)
        return;
    readError_ = EPROTO;
    setReadable(*socket_, true);
}

net::IoResult Stream::sendv(net::Socket& socket, const iovec* parts, int count) noexcept {
    const Use use(*this, socket);
    if (backlog() != 0 && writeError_ == 0)
        flushBacklog();
    if (writeError_ != 0)
        return {-1, writeError_};
    std::size_t wanted = 0;
    for (int i = 0; i < count; ++i)
        wanted += parts[i].iov_len;
    std::size_t done = std::min(released_, wanted);
    released_ -= done;
    while (done < wanted && backlog() == 0 && wireWritable(socket)) {
        const std::size_t plaintext = encrypt(parts, count, done);
        if (plaintext != 0 && lastSend_ && done + plaintext == wanted) [[unlikely]]
            sayGoodbye();
        if (plaintext == 0 || !flushOutput(plaintext)) {
            if (done != 0)  // the next call says what is wrong
                return {static_cast<ssize_t>(done), 0};
            return {-1, writeError_ != 0 ? writeError_ : EPROTO};
        }
        done += std::exchange(released_, 0);
    }
    if (done < wanted)
        setWritable(socket, false);
    return done != 0 ? net::IoResult{static_cast<ssize_t>(done), 0} : wouldBlock();
}

// Encrypts the next chunk of the parts, after `skip` bytes; how much that was, 0 on failure.
std::size_t Stream::encrypt(const iovec* parts, int count, std::size_t skip) noexcept {
    char joined[kRecord];
    std::size_t held = 0;  // in `joined`: small pieces become one record
    std::size_t total = 0;
    for (int i = 0; i < count && total < kChunk; ++i) {
        if (skip >= parts[i].iov_len) {
            skip -= parts[i].iov_len;
            continue;
        }
        const char* const data = static_cast<const char*>(parts[i].iov_base) + skip;
        const std::size_t size = std::min(parts[i].iov_len - skip, kChunk - total);
        skip = 0;
        total += size;
        if ((held != 0 || i + 1 < count) && held + size <= kRecord) {
            std::memcpy(joined + held, data, size);
            held += size;
            continue;
        }
        if ((held != 0 && !writeRecord(joined, held)) || !writeRecord(data, size))
            return 0;
        held = 0;
    }
    return held == 0 || writeRecord(joined, held) ? total : 0;
}

bool Stream::writeRecord(const char* data, std::size_t size) noexcept {
    std::size_t written = 0;
    if (SSL_write_ex(ssl_.get(), data, size, &written) == 1 && written == size)
        return true;
    ERR_clear_error();
    engine_.output().clear();
    writeError_ = EPIPE;
    return false;
}

// Sends what the worker's output holds, `plaintext` bytes in records; keeps what does not go.
// False: the connection is broken.
bool Stream::flushOutput(std::size_t plaintext) noexcept {
    std::string& output = engine_.output();
    if (output.empty())
        return true;
    if (backlog() != 0 || !wireWritable(*socket_)) {
        committed_ += plaintext;
        keepRest(output);
        output.clear();
        return true;
    }
    const net::IoResult sent = wireSend(*socket_, output.data(), output.size());
    if (sent.failed()) {
        writeError_ = sent.error;
        output.clear();
        return false;
    }
    const auto gone = static_cast<std::size_t>(std::max<ssize_t>(sent.bytes, 0));
    if (gone == output.size()) {
        released_ += plaintext;
    } else {
        const std::size_t share = plaintext * gone / output.size();
        released_ += share;
        committed_ += plaintext - share;
        keepRest(std::string_view(output).substr(gone));
    }
    output.clear();
    return true;
}

void Stream::keepRest(std::string_view rest) {
    if (backlogBegin_ != 0) {
        engine_.noteBacklog(backlogBegin_, 0);
        backlog_.erase(0, backlogBegin_);
        backlogBegin_ = 0;
    }
    const std::size_t before = backlog_.size();
    backlog_.append(rest);
    engine_.noteBacklog(before, backlog_.size());
}

// False: the connection is broken.
bool Stream::flushBacklog() noexcept {
    if (!wireWritable(*socket_))
        return true;
    const net::IoResult sent = wireSend(*socket_, backlog_.data() + backlogBegin_, backlog());
    if (sent.failed()) {
        writeError_ = sent.error;
        return false;
    }
    if (sent.bytes <= 0)
        return true;
    const auto gone = static_cast<std::size_t>(sent.bytes);
    const std::size_t share = gone == backlog() ? committed_ : committed_ * gone / backlog();
    committed_ -= share;
    released_ += share;
    backlogBegin_ += gone;
    if (backlog() == 0) {
        engine_.noteBacklog(backlog_.size(), 0);
        backlog_ = std::string();
        backlogBegin_ = 0;
        replies_ = 0;
        if (finPending_)
            wireShutdownWrite(*socket_);
    }
    return true;
}

// Records nobody waits for (a ticket, an alert) go out on their own; the others when their sender
// comes back for them.
void Stream::onWritable(net::Socket& socket) noexcept {
    const Use use(*this, socket);
    if (backlog() != 0 && committed_ == 0 && writeError_ == 0)
        flushBacklog();
}

bool Stream::canSpeak() const noexcept {
    return established_ && writeError_ == 0 && (readError_ == 0 || wireEnd_);
}

// close_notify: what was sent is all there is.
void Stream::sayGoodbye() noexcept {
    if (goodbyeSaid_ || !canSpeak())
        return;
    goodbyeSaid_ = true;
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

void Stream::shutdownWrite(net::Socket& socket) noexcept {
    const Use use(*this, socket);
    sayGoodbye();
    flushOutput(0);
    finPending_ = backlog() != 0;
    if (!finPending_)
        wireShutdownWrite(socket);
}

void Stream::closing(net::Socket& socket) noexcept {
    // What is cut off in the middle must not look complete, and who has hung up reads no more.
    if (backlog() != 0 || wireEnded(socket))
        return;
    const Use use(*this, socket);
    sayGoodbye();
    flushOutput(0);
}

bool Stream::peekClosed(net::Socket& socket) noexcept {
    if (readError_ != 0)
        return true;
    const Use use(*this, socket);
    char byte = 0;
    std::size_t got = 0;
    const int result = readSome(&byte, 1, got, true);
    const bool idle = result != 1 && readFailed(result).wouldBlock();
    flushReplies();
    return !idle || readError_ != 0;
}

}  // namespace evergate::tls
