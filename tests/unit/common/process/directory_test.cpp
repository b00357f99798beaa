// SPDX-License-Identifier: Apache-2.0
#include "common/process/directory.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace evergate::process {
namespace {

class Directory : public ::testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/evergate-directory-XXXXXX";
        root_ = ::mkdtemp(name);
    }

    void TearDown() override { std::filesystem::remove_all(root_); }

    std::string root_;
};

TEST_F(Directory, MakesEveryMissingPartForTheOwnerAlone) {
    const std::string path = root_ + "/a/b/c";
    EXPECT_FALSE(ensureDirectory(path));

    struct stat status {};

    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0700u);
    EXPECT_FALSE(ensureDirectory(path));
    EXPECT_FALSE(ensureDirectory(root_ + "/d/"));
}

TEST_F(Directory, LeavesWhatIsThereAlone) {
    ASSERT_EQ(::chmod(root_.c_str(), 0755), 0);
    EXPECT_FALSE(ensureDirectory(root_));

    struct stat status {};

    ASSERT_EQ(::stat(root_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0755u);
    EXPECT_FALSE(ensureDirectory(""));
}

TEST_F(Directory, SaysWhyItCannot) {
    std::ofstream(root_ + "/file") << "x";
    EXPECT_TRUE(ensureDirectory(root_ + "/file/below"));
}

}  // namespace
}  // namespace evergate::process
