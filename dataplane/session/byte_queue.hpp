// SPDX-License-Identifier: Apache-2.0
// Bytes in the order they came, in small pooled buffers: none while it is empty. One worker thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/net/buffer_pool.hpp"

namespace evergate::session {

class ByteQueue {
public:
    bool empty() const noexcept { return size_ == 0; }

    std::size_t size() const noexcept { return size_; }

    void append(net::BufferPool& pool, std::string_view bytes) {
        while (!bytes.empty()) {
            if (buffers_.empty() || end_ == buffers_.back().capacity()) {
                buffers_.push_back(pool.small());
                end_ = 0;
            }
            const std::size_t part = std::min(bytes.size(), buffers_.back().capacity() - end_);
            std::memcpy(buffers_.back().data() + end_, bytes.data(), part);
            end_ += part;
            size_ += part;
            bytes.remove_prefix(part);
        }
    }

    // Takes `size` bytes (there are as many) out to `into`.
    void take(char* into, std::size_t size) noexcept {
        while (size != 0) {
            const std::size_t here = (buffers_.size() == 1 ? end_ : buffers_.front().capacity());
            const std::size_t part = std::min(size, here - begin_);
            std::memcpy(into, buffers_.front().data() + begin_, part);
            into += part;
            size -= part;
            begin_ += part;
            size_ -= part;
            if (begin_ == here) {
                buffers_.erase(buffers_.begin());
                begin_ = 0;
            }
        }
    }

    void clear() noexcept {
        buffers_.clear();
        begin_ = end_ = size_ = 0;
    }

private:
    std::vector<net::Buffer> buffers_;  // a handful
    std::size_t begin_ = 0;             // in the first
    std::size_t end_ = 0;               // in the last
    std::size_t size_ = 0;
};

}  // namespace evergate::session
