// SPDX-License-Identifier: Apache-2.0
// Bytes go from one socket to another inside the kernel, through a pipe, and are copied nowhere
// (splice(2)).
//
// One pipe serves all connections of a worker, one after the other: it is empty again before the
// next of them uses it. Plain TCP sockets only, non-blocking ones, without a StreamLayer. A write
// to a peer that is gone raises SIGPIPE, which splice cannot be told not to do: the thread blocks
// or ignores it. One thread; owns its two descriptors.
#pragma once

#include <cstddef>

#include "dataplane/net/io_result.hpp"
#include "dataplane/net/socket.hpp"

namespace evergate::net {

class SplicePipe {
public:
    // Bytes moved at a time: less than one segment of loopback (65,483). Two that follow each other
    // at once make a pacing congestion control (BBR) set a timer between them, which costs more
    // than the copies; measured in docs/benchmarks.md.
    static constexpr std::size_t kPiece = 60 * 1024;

    SplicePipe() noexcept;
    SplicePipe(const SplicePipe&) = delete;
    SplicePipe& operator=(const SplicePipe&) = delete;

    ~SplicePipe() { close(); }

    // False: there were no descriptors for it, or the kernel does not splice sockets.
    bool open() const noexcept { return ends_[0] >= 0; }

    std::size_t size() const noexcept { return size_; }

    // Takes up to `most` <= kPiece bytes of what `from` has; the pipe is empty. As Socket::recv,
    // but fewer bytes than asked for do not mean that there are no more now. It closes the pipe
    // when the kernel does not know how.
    IoResult fill(Socket& from, std::size_t most) noexcept;

    // Gives `to` what it takes of it; a failure loses the rest. The bytes it took are told even if
    // it takes no more now.
    IoResult drain(Socket& to) noexcept;

    // Takes out what is left, for memory of `size` bytes.
    std::size_t read(char* data, std::size_t size) noexcept;

private:
    void discard() noexcept;
    void close() noexcept;

    int ends_[2] = {-1, -1};  // to read, to write
    std::size_t size_ = 0;
};

}  // namespace evergate::net
