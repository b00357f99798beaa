// SPDX-License-Identifier: Apache-2.0
#include "common/process/descriptor_limit.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace evergate::process {
namespace {

TEST(DescriptorLimit, IsRaisedToTheHardLimit) {
    rlimit original{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &original), 0);
    rlimit low = original;
    low.rlim_cur = 64;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);

    const DescriptorLimit result = raiseDescriptorLimit();
    EXPECT_FALSE(result.error);
    EXPECT_EQ(result.before, 64U);
    EXPECT_EQ(result.now, original.rlim_max);

    const DescriptorLimit again = raiseDescriptorLimit();
    EXPECT_EQ(again.before, original.rlim_max);
    EXPECT_EQ(again.now, original.rlim_max);
    setrlimit(RLIMIT_NOFILE, &original);
}

}  // namespace
}  // namespace evergate::process
