// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/bind_capability.hpp"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <thread>

namespace evergate::net {
namespace {

constexpr auto kBit = CAP_TO_MASK(CAP_NET_BIND_SERVICE);

// Capabilities belong to a thread: each test changes those of one of its own.
class Capabilities {
public:
    Capabilities() { ::syscall(SYS_capget, &header_, sets_.data()); }

    __user_cap_data_struct& low() { return sets_[CAP_TO_INDEX(CAP_NET_BIND_SERVICE)]; }

    bool apply() { return ::syscall(SYS_capset, &header_, sets_.data()) == 0; }

private:
    __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets_{};
};

bool permitted() {
    return (Capabilities().low().permitted & kBit) != 0;
}

bool effective() {
    return (Capabilities().low().effective & kBit) != 0;
}

TEST(BindCapability, IsTakenWhenPermitted) {
    if (!permitted())
        GTEST_SKIP() << "this user may not bind low ports";
    std::thread([] {
        Capabilities before;
        before.low().effective &= ~kBit;
        ASSERT_TRUE(before.apply());
        ASSERT_FALSE(effective());
        EXPECT_TRUE(takeBindCapability());
        EXPECT_TRUE(effective());
        std::thread([] { EXPECT_TRUE(effective()); }).join();  // inherited
    }).join();
}

TEST(BindCapability, IsLeftAloneWhenNotPermitted) {
    std::thread([] {
        Capabilities before;
        before.low().effective &= ~kBit;
        before.low().permitted &= ~kBit;
        before.low().inheritable &= ~kBit;
        ASSERT_TRUE(before.apply());
        EXPECT_FALSE(takeBindCapability());
        EXPECT_FALSE(effective());
    }).join();
}

}  // namespace
}  // namespace evergate::net
