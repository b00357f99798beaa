// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/splice_pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace evergate::net {
namespace {

// The kernel counts pieces of packets, one page each: room for kPiece in segments of 1,000 bytes.
// Users without privileges may not have many such pipes; then less fits at a time.
constexpr int kRoom = 256 * 1024;

// What a kernel, or a filter of system calls, says that does not let sockets be spliced.
bool isUnsupported(int error) noexcept {
    return error == EINVAL || error == ENOSYS || error == EPERM || error == EOPNOTSUPP;
}

}  // namespace

SplicePipe::SplicePipe() noexcept {
    if (::pipe2(ends_, O_NONBLOCK | O_CLOEXEC) != 0) {
        ends_[0] = ends_[1] = -1;
        return;
    }
    ::fcntl(ends_[0], F_SETPIPE_SZ, kRoom);
}

IoResult SplicePipe::fill(Socket& from, std::size_t most) noexcept {
    const IoResult got = from.spliceTo(ends_[1], most);
    if (got.bytes > 0) {
        size_ = static_cast<std::size_t>(got.bytes);
    } else if (got.bytes < 0 && isUnsupported(got.error)) {
        close();
    }
    return got;
}

IoResult SplicePipe::drain(Socket& to) noexcept {
    IoResult all;
    while (size_ != 0) {
        const IoResult moved = to.spliceFrom(ends_[0], size_);
        if (moved.failed()) {
            discard();
            return moved;
        }
        if (moved.bytes <= 0)
            break;
        size_ -= static_cast<std::size_t>(moved.bytes);
        all.bytes += moved.bytes;
    }
    return all;
}

std::size_t SplicePipe::read(char* data, std::size_t size) noexcept {
    std::size_t done = 0;
    while (done < size && size_ != 0) {
        const ssize_t got = ::read(ends_[0], data + done, size - done);
        if (got <= 0)
            break;
        done += static_cast<std::size_t>(got);
        size_ -= static_cast<std::size_t>(got);
    }
    return done;
}

void SplicePipe::discard() noexcept {
    char rest[4096];
    while (size_ != 0 && read(rest, sizeof rest) != 0) {
    }
}

void SplicePipe::close() noexcept {
    for (int& end : ends_) {
        if (end >= 0)
            ::close(std::exchange(end, -1));
    }
    size_ = 0;
}

}  // namespace evergate::net
