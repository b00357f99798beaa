// SPDX-License-Identifier: Apache-2.0
// The encoders behind the content codings: zlib, brotli, zstd. Sans-I/O, one thread each.
//
// How hard they try is fixed so that a response costs little more CPU than sending it does, and
// that a stream's memory is bounded (memoryBound, which tests hold them to).
// docs/decisions/0020-compression.md has the figures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/http/body_filter.hpp"
#include "dataplane/http/content_coding.hpp"

namespace evergate::http {

// little: for bodies known to be short, and for event streams, of which there may be thousands.
enum class CompressorSize : std::uint8_t { normal, little };

class Compressor : public BodyFilter {
public:
    Compressor(ContentCoding coding, CompressorSize size) noexcept : coding_(coding), size_(size) {}

    ContentCoding coding() const noexcept { return coding_; }

    CompressorSize size() const noexcept { return size_; }

    Step step(std::string_view in, char* out, std::size_t room, Until until) noexcept final {
        const Step step = encode(in, out, room, until);
        taken_ += step.consumed;
        made_ += step.produced;
        return step;
    }

    // Bytes of this body, before and after.
    std::uint64_t taken() const noexcept { return taken_; }

    std::uint64_t made() const noexcept { return made_; }

    // Makes it ready for another body. False: it has served its only one.
    bool restart() noexcept {
        taken_ = made_ = 0;
        return reset();
    }

    virtual std::size_t bytes() const noexcept = 0;  // of memory it holds; for tests

protected:
    virtual Step encode(std::string_view in, char* out, std::size_t room, Until until) noexcept = 0;
    virtual bool reset() noexcept = 0;

private:
    std::uint64_t taken_ = 0;
    std::uint64_t made_ = 0;
    const ContentCoding coding_;
    const CompressorSize size_;
};

// The most memory one of these comes to hold.
std::size_t memoryBound(ContentCoding coding, CompressorSize size) noexcept;

// Null when there is no memory, or nothing to do for that coding.
std::unique_ptr<Compressor> makeCompressor(ContentCoding coding, CompressorSize size);

// One for each, from compressor_<coding>.cpp.
std::unique_ptr<Compressor> makeGzip(CompressorSize size);
std::unique_ptr<Compressor> makeBrotli(CompressorSize size);
std::unique_ptr<Compressor> makeZstd(CompressorSize size);

}  // namespace evergate::http
