// SPDX-License-Identifier: Apache-2.0
// How many file descriptors the process may open: raised once at start, reported, and planned with.
#pragma once

#include <boost/system/error_code.hpp>
#include <cstdint>

namespace evergate::process {

struct DescriptorLimit {
    std::uint64_t before = 0;  // soft limit found
    std::uint64_t now = 0;     // soft limit in force
    boost::system::error_code error{};
};

// Raises the soft RLIMIT_NOFILE to the hard limit.
DescriptorLimit raiseDescriptorLimit() noexcept;

}  // namespace evergate::process
