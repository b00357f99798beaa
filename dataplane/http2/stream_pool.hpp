// SPDX-License-Identifier: Apache-2.0
// What the Multiplexers of one thread share: streams and memory of queues for reuse, and memory in
// which header blocks are unpacked. Outlives them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/http2/out_queue.hpp"
#include "dataplane/http2/stream.hpp"

namespace evergate::http2 {

class StreamPool {
public:
    std::unique_ptr<Stream> take() {
        if (spare_.empty())
            return std::make_unique<Stream>();
        std::unique_ptr<Stream> stream = std::move(spare_.back());
        spare_.pop_back();
        return stream;
    }

    void giveBack(std::unique_ptr<Stream> stream) {
        if (spare_.size() == kMaxSpare)
            return;
        *stream = Stream();
        spare_.push_back(std::move(stream));
    }

    OutQueue::Block takeBlock() noexcept {
        if (blocks_.empty())
            return {};
        OutQueue::Block block = std::move(blocks_.back());
        blocks_.pop_back();
        return block;
    }

    void giveBack(OutQueue::Block block) {
        if (blocks_.size() < kMaxBlocks && block.capacity <= kMaxBlock)
            blocks_.push_back(std::move(block));
    }

    std::string scratch;

private:
    static constexpr std::size_t kMaxSpare = 256;
    static constexpr std::size_t kMaxBlocks = 64;
    static constexpr std::size_t kMaxBlock = 16 * 1024;

    std::vector<std::unique_ptr<Stream>> spare_;
    std::vector<OutQueue::Block> blocks_;
};

}  // namespace evergate::http2
