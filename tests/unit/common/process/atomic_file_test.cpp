// SPDX-License-Identifier: Apache-2.0
#include "common/process/atomic_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace evergate::process {
namespace {

namespace fs = std::filesystem;

class AtomicFile : public testing::Test {
protected:
    AtomicFile() {
        std::string name = (fs::temp_directory_path() / "evergate-atomic-XXXXXX").string();
        folder_ = mkdtemp(name.data());
        path_ = (folder_ / "state").string();
    }

    ~AtomicFile() override {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }

    fs::path folder_;
    std::string path_;
};

TEST_F(AtomicFile, WritesAndReplaces) {
    EXPECT_FALSE(writeFileAtomically(path_, "old content"));
    EXPECT_EQ(readFile(path_, 100).value(), "old content");
    const std::string binary("new\0\n", 5);
    EXPECT_FALSE(writeFileAtomically(path_, binary));
    EXPECT_EQ(readFile(path_, 100).value(), binary);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(AtomicFile, IsForTheOwnerOnly) {
    std::ofstream(path_) << "was readable by all";
    ASSERT_FALSE(writeFileAtomically(path_, "x"));

    struct stat status {};

    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(AtomicFile, DoesNotWriteThroughALeftoverLink) {
    const fs::path victim = folder_ / "victim";
    std::ofstream(victim) << "untouched";
    fs::create_symlink(victim, path_ + ".tmp");
    EXPECT_FALSE(writeFileAtomically(path_, "mine"));
    EXPECT_EQ(readFile(victim.string(), 100).value(), "untouched");
    EXPECT_EQ(readFile(path_, 100).value(), "mine");
}

TEST_F(AtomicFile, LeavesTheOldContentWhenItFails) {
    // A folder where the temporary file would go cannot be unlinked.
    ASSERT_FALSE(writeFileAtomically(path_, "old"));
    fs::create_directory(path_ + ".tmp");
    EXPECT_TRUE(writeFileAtomically(path_, "new"));
    EXPECT_EQ(readFile(path_, 100).value(), "old");
}

TEST_F(AtomicFile, ReportsAMissingFolder) {
    EXPECT_EQ(writeFileAtomically((folder_ / "none" / "x").string(), "x").value(), ENOENT);
}

TEST_F(AtomicFile, BoundsWhatItReads) {
    ASSERT_FALSE(writeFileAtomically(path_, std::string(100'000, 'a')));
    EXPECT_EQ(readFile(path_, 100'000).value().size(), 100'000U);
    EXPECT_EQ(readFile(path_, 99'999).error().value(), EFBIG);
    ASSERT_FALSE(writeFileAtomically(path_, ""));
    EXPECT_EQ(readFile(path_, 0).value(), "");
}

TEST_F(AtomicFile, ReportsWhatCannotBeRead) {
    EXPECT_EQ(readFile(path_, 10).error().value(), ENOENT);
    EXPECT_EQ(readFile(folder_.string(), 10).error().value(), EISDIR);
    ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
    EXPECT_EQ(readFile(path_, 10).value(), "");  // and does not block
}

}  // namespace
}  // namespace evergate::process
