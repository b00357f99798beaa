// SPDX-License-Identifier: Apache-2.0
// What we accept Beast accepts, with the same fields and framing; and what is composed over it is a
// response again.
#include <cstdlib>
#include <string>

#include "dataplane/http/compose.hpp"
#include "tests/unit/dataplane/http/beast_oracle.hpp"

using namespace evergate::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const bool requestWasHead : {false, true}) {
        ResponseHead head;
        std::size_t scanned = 0;
        const auto result = parseResponseHead(bytes, {}, requestWasHead, scanned, head);
        if (result.status == ParseStatus::complete) {
            const std::string different = testing::differenceFromBeast(bytes, requestWasHead, head);
            ResponseFacts facts;
            facts.framing = head.framing;
            std::string room(composedSizeBound(head), '\0');
            char* end = room.data() + room.size();
            char* begin = composeResponseBefore(head, facts, end);
            const std::string_view out(begin, static_cast<std::size_t>(end - begin));
            const auto again =
                parseResponseHead(out, {1U << 20, 1'024}, requestWasHead, scanned = 0, head);
            if (!different.empty() || again.status != ParseStatus::complete) {
                std::abort();
            }
        }
    }
    return 0;
}
