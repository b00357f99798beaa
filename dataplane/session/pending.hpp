// SPDX-License-Identifier: Apache-2.0
// Bytes a peer did not take yet: a pooled buffer and the range still to be sent. While one is not
// empty, its direction reads nothing more: that is the whole of back-pressure. One worker thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "dataplane/net/buffer_pool.hpp"
#include "dataplane/net/socket.hpp"

namespace evergate::session {

class Pending {
public:
    bool empty() const noexcept { return begin_ == end_; }

    const char* data() const noexcept { return begin_; }

    std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - begin_); }

    // Keeps bytes [begin, end) of `buffer` (its headroom included), taking it over: no copy.
    void adopt(net::Buffer buffer, const char* begin, const char* end) noexcept {
        buffer_ = std::move(buffer);
        begin_ = begin;
        end_ = end;
    }

    // Copies bytes behind what is kept. False, keeping nothing new, when a large buffer cannot hold
    // them.
    [[nodiscard]] bool append(net::BufferPool& pool, const char* bytes, std::size_t size) {
        if (size == 0)
            return true;
        if (room() < size && !grow(pool, size))
            return false;
        char* end = buffer_.data() + (end_ - buffer_.data());
        std::memcpy(end, bytes, size);
        end_ = end + size;
        return true;
    }

    // Sends what it can. False on a broken peer, `error` says how; `sent` is advanced by the bytes
    // taken.
    bool flush(net::Socket& to, std::uint64_t& sent, int& error) noexcept {
        while (begin_ != end_ && to.writable()) {
            const net::IoResult result = to.send(begin_, size());
            if (result.failed()) {
                error = result.error;
                return false;
            }
            if (result.bytes < 0)
                return true;
            begin_ += result.bytes;
            sent += static_cast<std::uint64_t>(result.bytes);
        }
        if (begin_ == end_)
            clear();
        return true;
    }

    void clear() noexcept {
        begin_ = end_ = nullptr;
        buffer_ = net::Buffer();
    }

private:
    std::size_t room() const noexcept {
        return buffer_ ? static_cast<std::size_t>(buffer_.data() + buffer_.capacity() - end_) : 0;
    }

    bool grow(net::BufferPool& pool, std::size_t size) {
        const std::size_t held = this->size();
        if (held + size > net::BufferPool::kLarge)
            return false;
        net::Buffer bigger = held + size > net::BufferPool::kSmall ? pool.large() : pool.small();
        if (held != 0)
            std::memcpy(bigger.data(), begin_, held);
        const char* begin = bigger.data();
        adopt(std::move(bigger), begin, begin + held);
        return true;
    }

    net::Buffer buffer_;
    const char* begin_ = nullptr;
    const char* end_ = nullptr;
};

}  // namespace evergate::session
