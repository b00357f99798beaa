// SPDX-License-Identifier: Apache-2.0
// How one health check went. A plain value.
#pragma once

#include <string>

namespace evergate::health {

struct ProbeResult {
    bool good = false;
    // For people, never longer than 200 bytes: "status 200", "connect: Connection refused".
    std::string detail;
};

}  // namespace evergate::health
