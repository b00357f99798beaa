// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/bind_capability.hpp"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace evergate::net {

bool takeBindCapability() noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
    if (::syscall(SYS_capget, &header, sets.data()) != 0)
        return false;
    auto& set = sets[CAP_TO_INDEX(CAP_NET_BIND_SERVICE)];
    const auto bit = CAP_TO_MASK(CAP_NET_BIND_SERVICE);
    if ((set.effective & bit) != 0)
        return true;
    if ((set.permitted & bit) == 0)
        return false;
    set.effective |= bit;
    return ::syscall(SYS_capset, &header, sets.data()) == 0;
}

}  // namespace evergate::net
