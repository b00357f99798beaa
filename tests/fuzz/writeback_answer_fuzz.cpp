// SPDX-License-Identifier: Apache-2.0
// What the API server answers to writes: a Lease, an Event, a Service. Whatever it is, what we then
// write is readable.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "controller/writeback/event_record.hpp"
#include "controller/writeback/lease_record.hpp"
#include "controller/writeback/publish_address.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace writeback = evergate::controller::writeback;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto lease = writeback::parseLease(text)) {
        const writeback::LeaseRecord ours{"me", 15, "t0", "t1", 1};
        const auto again = writeback::parseLease(writeback::changedLeaseJson(*lease, ours));
        if (!again || !(again->record == ours)) {
            std::abort();
        }
    }
    (void)writeback::parseEvent(text);
    (void)writeback::addressesOfService(text);
    (void)writeback::parsePublishedAddress(text);
    return 0;
}
