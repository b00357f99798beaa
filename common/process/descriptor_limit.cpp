// SPDX-License-Identifier: Apache-2.0
#include "common/process/descriptor_limit.hpp"

#include <sys/resource.h>

#include <cerrno>

namespace evergate::process {

DescriptorLimit raiseDescriptorLimit() noexcept {
    DescriptorLimit result;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        result.error.assign(errno, boost::system::system_category());
        return result;
    }
    result.before = result.now = limit.rlim_cur;
    if (limit.rlim_cur == limit.rlim_max) {
        return result;
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        result.error.assign(errno, boost::system::system_category());
        return result;
    }
    result.now = limit.rlim_cur;
    return result;
}

}  // namespace evergate::process
