// SPDX-License-Identifier: Apache-2.0
// The limits the data plane serves with: what was asked for, or else computed from what the machine
// grants. docs/limits.md has the whole list.
//
// Pure. Computed once at start; const from then on.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/control/granted_limits.hpp"

namespace evergate::dataplane {

// From the flags; 0: computed.
struct AskedLimits {
    std::uint32_t maxConnections = 0;
    std::uint64_t bufferBytes = 0;
    std::chrono::milliseconds overloadLag{0};  // 0: never
    std::vector<std::string> sourceAddresses{};
};

struct ServingLimits {
    std::uint32_t maxConnections = 0;  // of clients
    std::uint64_t bufferBytes = 0;
    std::chrono::milliseconds overloadLag{0};
    std::vector<std::string> sourceAddresses{};

    // "max_connections=524186 buffer_bytes=268435456 overload_lag=500ms source_addresses=any"
    std::string toText() const;
};

// A proxied connection takes two descriptors; some are left for listeners, the admin server and the
// like. Buffers get half of what the cgroup grants, a quarter of the machine's memory without a
// cgroup.
ServingLimits servingLimits(const GrantedLimits& granted, unsigned workers,
                            const AskedLimits& asked);

// What of the machine is too small for them, a sentence each. Whether it matters depends on the
// traffic; for limits that nobody asked for only what always matters.
std::vector<std::string> limitWarnings(const GrantedLimits& granted, const ServingLimits& limits,
                                       const AskedLimits& asked);

// "256Mi", "1Gi", "65536". False: it is no size.
bool parseByteSize(std::string_view text, std::uint64_t& bytes);

}  // namespace evergate::dataplane
