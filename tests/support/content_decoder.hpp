// SPDX-License-Identifier: Apache-2.0
// What a client makes of Content-Encoding: the decoders of zlib, brotli and zstd, fed piece by
// piece.
#pragma once

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <memory>
#include <string>
#include <string_view>

namespace evergate::test {

inline constexpr std::size_t kDecodedPiece = 32 * 1024;

class DecoderStream {
public:
    virtual ~DecoderStream() = default;

    virtual void take(std::string_view bytes, std::string& out) = 0;

    bool ended = false;
    bool failed = false;
};

class GzipDecoder final : public DecoderStream {
public:
    GzipDecoder() { failed = inflateInit2(&stream_, 15 + 16) != Z_OK; }

    ~GzipDecoder() override { inflateEnd(&stream_); }

    void take(std::string_view bytes, std::string& out) override {
        std::string piece(kDecodedPiece, '\0');
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        do {
            stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
            stream_.avail_out = kDecodedPiece;
            const int result = inflate(&stream_, Z_SYNC_FLUSH);
            out.append(piece, 0, kDecodedPiece - stream_.avail_out);
            ended = result == Z_STREAM_END;
            failed = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
        } while (!ended && !failed && stream_.avail_out == 0);
        failed |= ended && stream_.avail_in != 0;
    }

private:
    z_stream stream_{};
};

class BrotliDecoder final : public DecoderStream {
public:
    ~BrotliDecoder() override { BrotliDecoderDestroyInstance(state_); }

    void take(std::string_view bytes, std::string& out) override {
        std::string piece(kDecodedPiece, '\0');
        const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
        std::size_t inLeft = bytes.size();
        BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
        // It may ask for input with output left.
        while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT ||
               BrotliDecoderHasMoreOutput(state_) == BROTLI_TRUE) {
            auto* to = reinterpret_cast<std::uint8_t*>(piece.data());
            std::size_t outLeft = kDecodedPiece;
            result = BrotliDecoderDecompressStream(state_, &inLeft, &in, &outLeft, &to, nullptr);
            out.append(piece, 0, kDecodedPiece - outLeft);
        }
        ended = result == BROTLI_DECODER_RESULT_SUCCESS;
        failed = result == BROTLI_DECODER_RESULT_ERROR || (ended && inLeft != 0);
    }

private:
    BrotliDecoderState* const state_ = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
};

class ZstdDecoder final : public DecoderStream {
public:
    ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }

    void take(std::string_view bytes, std::string& out) override {
        std::string piece(kDecodedPiece, '\0');
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        ZSTD_outBuffer to{piece.data(), kDecodedPiece, 0};
        do {
            to.pos = 0;
            const std::size_t left = ZSTD_decompressStream(context_, &to, &in);
            out.append(piece, 0, to.pos);
            failed = ZSTD_isError(left) != 0;
            ended = left == 0;
        } while (!failed && !ended && (in.pos < in.size || to.pos == to.size));
        failed |= ended && in.pos < in.size;
    }

private:
    ZSTD_DCtx* const context_ = ZSTD_createDCtx();
};

class ContentDecoder {
public:
    // "gzip", "br", "zstd"
    explicit ContentDecoder(std::string_view coding) {
        if (coding == "gzip")
            stream_ = std::make_unique<GzipDecoder>();
        if (coding == "br")
            stream_ = std::make_unique<BrotliDecoder>();
        if (coding == "zstd")
            stream_ = std::make_unique<ZstdDecoder>();
    }

    // What these bytes let it see of the body.
    std::string take(std::string_view bytes) {
        std::string out;
        if (bytes.empty() || failed())
            return out;
        if (stream_->ended) {
            stream_->failed = true;
        } else {
            stream_->take(bytes, out);
        }
        return out;
    }

    // Exactly: nothing came behind the end.
    bool ended() const noexcept { return stream_ && stream_->ended && !stream_->failed; }

    // Or the coding is unknown.
    bool failed() const noexcept { return !stream_ || stream_->failed; }

private:
    std::unique_ptr<DecoderStream> stream_;
};

// All of it; "(broken)" when it is not complete and exact.
inline std::string decodeContent(std::string_view coding, std::string_view bytes) {
    ContentDecoder decoder(coding);
    std::string body = decoder.take(bytes);
    return decoder.ended() ? body : "(broken)";
}

}  // namespace evergate::test
