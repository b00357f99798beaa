// SPDX-License-Identifier: Apache-2.0
#include <brotli/encode.h>

#include "dataplane/http/compressor.hpp"
#include "dataplane/http/counted_memory.hpp"

namespace evergate::http {

namespace {

struct Shape {
    std::uint32_t quality;
    std::uint32_t windowBits;
};

constexpr Shape shapeOf(CompressorSize size) noexcept {
    return size == CompressorSize::little ? Shape{2, 13} : Shape{4, 16};
}

// The library cannot begin anew with what it has: one encoder, one body.
class Brotli final : public Compressor {
public:
    explicit Brotli(CompressorSize size) noexcept
        : Compressor(ContentCoding::br, size),
          state_(
              BrotliEncoderCreateInstance(CountedMemory::take, CountedMemory::giveBack, &memory_)) {
        if (state_ != nullptr) {
            const Shape shape = shapeOf(size);
            BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, shape.quality);
            BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, shape.windowBits);
        }
    }

    ~Brotli() override {
        if (state_ != nullptr) {
            BrotliEncoderDestroyInstance(state_);
        }
    }

    bool ready() const noexcept { return state_ != nullptr; }

    std::size_t bytes() const noexcept override { return memory_.bytes(); }

protected:
    Step encode(std::string_view in, char* out, std::size_t room, Until until) noexcept override {
        std::size_t inLeft = in.size();
        std::size_t outLeft = room;
        const auto* next = reinterpret_cast<const std::uint8_t*>(in.data());
        auto* to = reinterpret_cast<std::uint8_t*>(out);
        const BrotliEncoderOperation operation = until == Until::more    ? BROTLI_OPERATION_PROCESS
                                                 : until == Until::flush ? BROTLI_OPERATION_FLUSH
                                                                         : BROTLI_OPERATION_FINISH;
        Step step;
        step.failed = BrotliEncoderCompressStream(state_, operation, &inLeft, &next, &outLeft, &to,
                                                  nullptr) == BROTLI_FALSE;
        step.consumed = in.size() - inLeft;
        step.produced = room - outLeft;
        step.done = until == Until::end
                        ? BrotliEncoderIsFinished(state_) == BROTLI_TRUE
                        : inLeft == 0 && BrotliEncoderHasMoreOutput(state_) == BROTLI_FALSE;
        return step;
    }

    bool reset() noexcept override { return false; }

private:
    CountedMemory memory_;
    BrotliEncoderState* state_;
};

}  // namespace

std::unique_ptr<Compressor> makeBrotli(CompressorSize size) {
    auto brotli = std::make_unique<Brotli>(size);
    if (!brotli->ready()) {
        return nullptr;
    }
    return brotli;
}

}  // namespace evergate::http
