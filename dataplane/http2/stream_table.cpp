// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/stream_table.hpp"

#include <utility>

namespace evergate::http2 {

Stream* StreamTable::find(std::uint32_t id) noexcept {
    if (last_ != nullptr && last_->id == id)
        return last_;
    if (size_ == 0)
        return nullptr;
    for (std::size_t at = homeOf(id); slots_[at] != nullptr; at = (at + 1) & mask()) {
        if (slots_[at]->id == id)
            return last_ = slots_[at];
    }
    return nullptr;
}

void StreamTable::insert(Stream& stream) {
    if (2 * (size_ + 1) > slots_.size())
        grow();
    put(stream);
    ++size_;
    last_ = &stream;
}

void StreamTable::put(Stream& stream) noexcept {
    std::size_t at = homeOf(stream.id);
    while (slots_[at] != nullptr)
        at = (at + 1) & mask();
    slots_[at] = &stream;
}

void StreamTable::grow() {
    const std::size_t size = slots_.empty() ? kLeast : 2 * slots_.size();
    const std::vector<Stream*> before = std::exchange(slots_, std::vector<Stream*>(size));
    for (Stream* const stream : before) {
        if (stream != nullptr)
            put(*stream);
    }
}

// Those behind it move up, as far as their place allows: no marks for what is gone.
void StreamTable::erase(Stream& stream) noexcept {
    if (last_ == &stream)
        last_ = nullptr;
    std::size_t hole = homeOf(stream.id);
    while (slots_[hole] != &stream)
        hole = (hole + 1) & mask();
    for (std::size_t at = (hole + 1) & mask(); slots_[at] != nullptr; at = (at + 1) & mask()) {
        const std::size_t home = homeOf(slots_[at]->id);
        if (((at - home) & mask()) < ((at - hole) & mask()))
            continue;  // its home is behind the hole
        slots_[hole] = slots_[at];
        hole = at;
    }
    slots_[hole] = nullptr;
    --size_;
}

void StreamTable::rest() noexcept {
    if (size_ == 0)
        std::vector<Stream*>().swap(slots_);
}

}  // namespace evergate::http2
