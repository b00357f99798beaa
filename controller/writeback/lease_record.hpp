// SPDX-License-Identifier: Apache-2.0
// What a coordination.k8s.io/v1 Lease says, and its JSON.
//
// Pure. Times are kept as text: other machines wrote them, so they are compared for equality only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::controller::writeback {

struct LeaseRecord {
    std::string holder;  // empty: nobody
    std::int64_t durationSeconds = 0;
    std::string acquireTime;
    std::string renewTime;
    std::int64_t transitions = 0;

    friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};

// A Lease as the API server has it. `text` is the whole object, so that what we do not know of it
// survives our writing.
struct StoredLease {
    LeaseRecord record;
    std::string text;
};

// Nothing when it is no Lease. A field of a wrong type counts as absent.
std::optional<StoredLease> parseLease(std::string_view json);

std::string newLeaseJson(const std::string& nameSpace, const std::string& name,
                         const LeaseRecord& record);
// `stored` with the record replaced; keeps the resourceVersion, which makes the write conditional.
std::string changedLeaseJson(const StoredLease& stored, const LeaseRecord& record);

}  // namespace evergate::controller::writeback
