// SPDX-License-Identifier: Apache-2.0
// A connection's requests, with their bodies: the proxy and Beast see the same ones.
#include "dataplane/http/head.hpp"
#include "tests/fuzz/message_boundaries.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    evergate::fuzz::compareRequests({reinterpret_cast<const char*>(data), size});
    return 0;
}
