// SPDX-License-Identifier: Apache-2.0
// A connection's responses, with their bodies: the proxy and Beast see the same ones.
#include "dataplane/http/head.hpp"
#include "tests/fuzz/message_boundaries.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    evergate::fuzz::compareResponses(bytes, false);
    evergate::fuzz::compareResponses(bytes, true);
    return 0;
}
