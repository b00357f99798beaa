// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/out_queue.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace evergate::http2 {

char* OutQueue::reserve(std::size_t size) {
    if (block_.capacity - end_ >= size) [[likely]]
        return block_.data.get() + end_;
    const std::size_t held = this->size();
    const std::size_t capacity = std::max({kLeast, 2 * held, held + size});
    if (capacity <= block_.capacity) {
        std::memmove(block_.data.get(), block_.data.get() + begin_, held);
    } else {
        std::unique_ptr<char[]> larger(new char[capacity]);
        if (held != 0)
            std::memcpy(larger.get(), block_.data.get() + begin_, held);
        block_ = {std::move(larger), capacity};
    }
    begin_ = 0;
    end_ = held;
    return block_.data.get() + end_;
}

std::size_t OutQueue::take(char* into, std::size_t room) noexcept {
    const std::size_t part = std::min(room, size());
    if (part == 0)
        return 0;
    std::memcpy(into, block_.data.get() + begin_, part);
    begin_ += part;
    taken_ += part;
    if (begin_ == end_)
        begin_ = end_ = 0;
    return part;
}

}  // namespace evergate::http2
