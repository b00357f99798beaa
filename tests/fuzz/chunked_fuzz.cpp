// SPDX-License-Identifier: Apache-2.0
// The body, the trailers and where they end do not depend on how the bytes came; Beast sees the
// same body and the same end.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "dataplane/http/chunked.hpp"
#include "tests/fuzz/message_boundaries.hpp"

namespace {

std::string decode(std::string_view bytes, std::size_t piece) {
    evergate::http::ChunkedDecoder decoder;
    std::string body;
    std::size_t at = 0;
    while (at < bytes.size() && !decoder.done() && !decoder.failed()) {
        const auto step = decoder.next(bytes.substr(at, piece));
        body += step.data;
        at += step.consumed;
    }
    const std::string end = decoder.done() ? std::to_string(at) : "";
    return body + '|' + decoder.trailers() + '|' + end + (decoder.failed() ? "failed" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (decode(bytes, 1) != decode(bytes, bytes.size()) || decode(bytes, 7) != decode(bytes, 3)) {
        std::abort();
    }
    std::string request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    evergate::fuzz::compareRequests(request.append(bytes));
    return 0;
}
