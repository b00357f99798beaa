// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/compressor_pool.hpp"

#include <utility>

namespace evergate::session {

using http::Compressor;
using http::CompressorSize;
using http::ContentCoding;

void CompressionCounts::add(const CompressionCounts& other) noexcept {
    for (std::size_t i = 0; i < responses.size(); ++i)
        responses[i] += other.responses[i];
    bytesIn += other.bytesIn;
    bytesOut += other.bytesOut;
    denied += other.denied;
    memory += other.memory;
}

CompressorPool::Free& CompressorPool::freeOf(ContentCoding coding, CompressorSize size) noexcept {
    return free_[static_cast<std::size_t>(coding)][static_cast<std::size_t>(size)];
}

// Those that are free make room for those that are needed.
bool CompressorPool::reserve(std::size_t bytes) noexcept {
    if (counts_.memory + bytes > limit_) {
        for (auto& sizes : free_) {
            for (Free& free : sizes) {
                while (!free.empty()) {
                    drop(std::move(free.back()));
                    free.pop_back();
                }
            }
        }
    }
    if (counts_.memory + bytes > limit_)
        return false;
    counts_.memory += bytes;
    return true;
}

void CompressorPool::drop(std::unique_ptr<Compressor> compressor) noexcept {
    counts_.memory -= http::memoryBound(compressor->coding(), compressor->size());
}

std::unique_ptr<Compressor> CompressorPool::take(ContentCoding coding, CompressorSize size) {
    std::unique_ptr<Compressor> compressor;
    if (!buffers_.full()) {
        Free& free = freeOf(coding, size);
        const std::size_t bound = http::memoryBound(coding, size);
        if (!free.empty()) {
            compressor = std::move(free.back());
            free.pop_back();
        } else if (reserve(bound)) {
            compressor = http::makeCompressor(coding, size);
            if (!compressor)
                counts_.memory -= bound;
        }
    }
    ++(compressor ? counts_.responses[static_cast<std::size_t>(coding)] : counts_.denied);
    return compressor;
}

void CompressorPool::giveBack(std::unique_ptr<Compressor> compressor) {
    counts_.bytesIn += compressor->taken();
    counts_.bytesOut += compressor->made();
    Free& free = freeOf(compressor->coding(), compressor->size());
    if (free.size() < kFree && !buffers_.full() && compressor->restart()) {
        free.push_back(std::move(compressor));
    } else {
        drop(std::move(compressor));
    }
}

}  // namespace evergate::session
