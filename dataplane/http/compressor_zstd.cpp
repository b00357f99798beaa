// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>

#include "dataplane/http/compressor.hpp"

namespace evergate::http {

namespace {

constexpr int kLevel = 3;

// Browsers need not take windows above 2^23 (RFC 9659).
struct Shape {
    int windowLog;
    int hashLog;
    int chainLog;
};

constexpr Shape shapeOf(CompressorSize size) noexcept {
    return size == CompressorSize::little ? Shape{15, 14, 13} : Shape{18, 16, 16};
}

class Zstd final : public Compressor {
public:
    explicit Zstd(CompressorSize size) noexcept
        : Compressor(ContentCoding::zstd, size), context_(ZSTD_createCCtx()) {
        const Shape shape = shapeOf(size);
        set(ZSTD_c_compressionLevel, kLevel);
        set(ZSTD_c_windowLog, shape.windowLog);
        set(ZSTD_c_hashLog, shape.hashLog);
        set(ZSTD_c_chainLog, shape.chainLog);
    }

    ~Zstd() override { ZSTD_freeCCtx(context_); }

    bool ready() const noexcept { return context_ != nullptr && ready_; }

    std::size_t bytes() const noexcept override { return ZSTD_sizeof_CCtx(context_); }

protected:
    Step encode(std::string_view in, char* out, std::size_t room, Until until) noexcept override {
        ZSTD_inBuffer from{in.data(), in.size(), 0};
        ZSTD_outBuffer to{out, room, 0};
        const ZSTD_EndDirective directive = until == Until::more    ? ZSTD_e_continue
                                            : until == Until::flush ? ZSTD_e_flush
                                                                    : ZSTD_e_end;
        Step step;
        std::size_t left = 0;
        do {
            left = ZSTD_compressStream2(context_, &to, &from, directive);
            step.failed = ZSTD_isError(left) != 0;
        } while (!step.failed && until == Until::more && from.pos < from.size && to.pos < to.size);
        step.consumed = from.pos;
        step.produced = to.pos;
        step.done = !step.failed && from.pos == from.size &&
                    (until == Until::more ? to.pos < to.size : left == 0);
        return step;
    }

    bool reset() noexcept override {
        return ZSTD_isError(ZSTD_CCtx_reset(context_, ZSTD_reset_session_only)) == 0;
    }

private:
    void set(ZSTD_cParameter parameter, int value) noexcept {
        ready_ = ready_ && context_ != nullptr &&
                 ZSTD_isError(ZSTD_CCtx_setParameter(context_, parameter, value)) == 0;
    }

    ZSTD_CCtx* const context_;
    bool ready_ = true;
};

}  // namespace

std::unique_ptr<Compressor> makeZstd(CompressorSize size) {
    auto zstd = std::make_unique<Zstd>(size);
    if (!zstd->ready()) {
        return nullptr;
    }
    return zstd;
}

}  // namespace evergate::http
