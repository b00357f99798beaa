// SPDX-License-Identifier: Apache-2.0
#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "dataplane/http/compressor.hpp"
#include "dataplane/http/counted_memory.hpp"

namespace evergate::http {

namespace {

constexpr int kLevel = 4;        // the first that looks ahead for a longer match
constexpr int kGzipFormat = 16;  // added to the window's bits

struct Shape {
    int windowBits;
    int memoryLevel;
};

constexpr Shape shapeOf(CompressorSize size) noexcept {
    return size == CompressorSize::little ? Shape{13, 6} : Shape{15, 8};
}

class Gzip final : public Compressor {
public:
    explicit Gzip(CompressorSize size) noexcept : Compressor(ContentCoding::gzip, size) {
        stream_.zalloc = [](voidpf self, uInt items, uInt each) -> voidpf {
            return CountedMemory::take(self, std::size_t{items} * each);
        };
        stream_.zfree = [](voidpf self, voidpf memory) { CountedMemory::giveBack(self, memory); };
        stream_.opaque = &memory_;
        const Shape shape = shapeOf(size);
        ready_ = deflateInit2(&stream_, kLevel, Z_DEFLATED, shape.windowBits + kGzipFormat,
                              shape.memoryLevel, Z_DEFAULT_STRATEGY) == Z_OK;
    }

    ~Gzip() override {
        if (ready_) {
            deflateEnd(&stream_);
        }
    }

    bool ready() const noexcept { return ready_; }

    std::size_t bytes() const noexcept override { return memory_.bytes(); }

protected:
    Step encode(std::string_view in, char* out, std::size_t room, Until until) noexcept override {
        constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
        const bool whole = in.size() <= kMost;
        stream_.next_in = reinterpret_cast<const Bytef*>(in.data());
        stream_.avail_in = static_cast<uInt>(std::min(in.size(), kMost));
        stream_.next_out = reinterpret_cast<Bytef*>(out);
        stream_.avail_out = static_cast<uInt>(std::min(room, kMost));
        const std::size_t given = stream_.avail_in;
        const std::size_t granted = stream_.avail_out;
        const int flush = !whole || until == Until::more ? Z_NO_FLUSH
                          : until == Until::flush        ? Z_SYNC_FLUSH
                                                         : Z_FINISH;
        const int result = deflate(&stream_, flush);
        Step step;
        step.consumed = given - stream_.avail_in;
        step.produced = granted - stream_.avail_out;
        // Z_BUF_ERROR: there was nothing to do, which is no error.
        step.failed = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
        step.done =
            whole && (until == Until::end ? result == Z_STREAM_END
                                          : stream_.avail_in == 0 && stream_.avail_out != 0);
        return step;
    }

    bool reset() noexcept override { return deflateReset(&stream_) == Z_OK; }

private:
    CountedMemory memory_;
    z_stream stream_{};
    bool ready_ = false;
};

}  // namespace

std::unique_ptr<Compressor> makeGzip(CompressorSize size) {
    auto gzip = std::make_unique<Gzip>(size);
    if (!gzip->ready()) {
        return nullptr;
    }
    return gzip;
}

}  // namespace evergate::http
