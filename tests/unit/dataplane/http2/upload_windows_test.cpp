// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/upload_windows.hpp"

#include <gtest/gtest.h>

namespace evergate::http2 {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds kRoundTrip{50};

class Windows : public testing::Test {
protected:
    // Reads a stream's window in so much time. True: the windows are other ones then.
    bool readOne(std::chrono::microseconds took, bool scarce = false) {
        now_ += took;
        const auto size = static_cast<std::size_t>(windows_.stream());
        EXPECT_FALSE(windows_.read(size - 1));
        EXPECT_TRUE(windows_.read(1));
        return windows_.look(now_, kRoundTrip, scarce);
    }

    UploadWindows windows_;
    UploadWindows::Time now_{std::chrono::hours(1)};
};

TEST_F(Windows, BeginSmall) {
    EXPECT_EQ(windows_.stream(), 64 * 1024);
    EXPECT_EQ(windows_.connection(), 1024 * 1024);
}

TEST_F(Windows, DoubleWhileTheyHoldTheClientBack) {
    EXPECT_FALSE(readOne(kRoundTrip));  // when it began is not known
    for (const int size : {128, 256, 512, 1024}) {
        EXPECT_TRUE(readOne(kRoundTrip));
        EXPECT_EQ(windows_.stream(), size * 1024);
    }
    EXPECT_EQ(windows_.connection(), UploadWindows::kMostConnection);
    EXPECT_FALSE(readOne(kRoundTrip));
    EXPECT_EQ(windows_.stream(), UploadWindows::kMostStream);
}

TEST_F(Windows, StayWhenSomethingElseIsSlow) {
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(readOne(2 * kRoundTrip));
    EXPECT_EQ(windows_.stream(), UploadWindows::kStream);
}

// 4 MB a second over 50 ms is 200 KB on its way.
TEST_F(Windows, EndAtWhatIsOnItsWay) {
    for (int i = 0; i < 20; ++i) {
        const auto atRate = microseconds(windows_.stream() / 4);
        readOne(std::max<microseconds>(atRate, kRoundTrip));
    }
    EXPECT_EQ(windows_.stream(), 512 * 1024);
}

TEST_F(Windows, StayWhereTheRoundTripIsNotKnown) {
    for (int i = 0; i < 10; ++i) {
        windows_.read(UploadWindows::kStream);
        EXPECT_FALSE(windows_.look(now_ += milliseconds(1), microseconds(0), false));
    }
}

TEST_F(Windows, AreSmallAgainWhenMemoryIsScarce) {
    readOne(kRoundTrip);
    readOne(kRoundTrip);
    EXPECT_TRUE(readOne(kRoundTrip));
    EXPECT_TRUE(readOne(kRoundTrip, true));
    EXPECT_EQ(windows_.stream(), UploadWindows::kStream);
    EXPECT_FALSE(readOne(kRoundTrip, true));
    EXPECT_TRUE(readOne(kRoundTrip));
}

}  // namespace
}  // namespace evergate::http2
