// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/compressor.hpp"

namespace evergate::http {

std::size_t memoryBound(ContentCoding coding, CompressorSize size) noexcept {
    constexpr std::size_t kKibi = 1'024;
    const bool little = size == CompressorSize::little;
    switch (coding) {
        case ContentCoding::gzip:
            return (little ? 72 : 272) * kKibi;
        case ContentCoding::br:
            return (little ? 896 : 2'048) * kKibi;
        case ContentCoding::zstd:
            return (little ? 384 : 1'664) * kKibi;
        case ContentCoding::identity:
            break;
    }
    return 0;
}

std::unique_ptr<Compressor> makeCompressor(ContentCoding coding, CompressorSize size) {
    switch (coding) {
        case ContentCoding::gzip:
            return makeGzip(size);
        case ContentCoding::br:
            return makeBrotli(size);
        case ContentCoding::zstd:
            return makeZstd(size);
        case ContentCoding::identity:
            break;
    }
    return nullptr;
}

}  // namespace evergate::http
