// SPDX-License-Identifier: Apache-2.0
// What we accept Beast accepts, with the same fields and framing; the result does not depend on how
// the bytes came; and what is composed from it is a request again.
#include <cstdlib>
#include <string>

#include "dataplane/http/compose.hpp"
#include "tests/unit/dataplane/http/beast_oracle.hpp"

using namespace evergate::http;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    RequestHead head;
    std::size_t scanned = 0;
    ParseStatus resumed = parseRequestHead(bytes.substr(0, size / 2), {}, scanned, head).status;
    if (resumed == ParseStatus::incomplete) {
        resumed = parseRequestHead(bytes, {}, scanned, head).status;
    }
    const ParseStatus status = parseRequestHead(bytes, {}, scanned = 0, head).status;
    require(resumed == status);
    if (status == ParseStatus::complete) {
        require(testing::differenceFromBeast(bytes, head).empty());
        const ForwardedFacts facts{"10.0.0.1", "http", 80};
        std::string out(composedSizeBound(head, facts), '\0');
        out.resize(composeRequest(head, facts, out.data()));
        RequestHead again;
        const bool hasHost = !head.authority.empty();  // HTTP/1.0 may have none; it is sent empty
        const auto readBack = parseRequestHead(out, {1U << 20, 1'024}, scanned = 0, again).status;
        require(!hasHost || readBack == ParseStatus::complete);
    }
    return 0;
}
