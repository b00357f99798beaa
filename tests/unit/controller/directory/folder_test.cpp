// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/folder.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

namespace evergate::controller::directory {
namespace {

namespace fs = std::filesystem;

class FolderTest : public testing::Test {
protected:
    FolderTest() {
        std::string pattern = (fs::temp_directory_path() / "folderXXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }

    ~FolderTest() override { fs::remove_all(folder); }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder / name, std::ios::binary) << text;
    }

    void writeService(const std::string& file, const std::string& name) const {
        write(file, "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + "}\n");
    }

    std::string onlyProblem() const {
        const auto problems = store.problems();
        return problems.size() == 1 ? problems.front().what : std::to_string(problems.size());
    }

    fs::path folder;
    ManifestStore store;
};

TEST_F(FolderTest, ListsManifestsOnly) {
    for (const char* name : {"a.yaml", "b.yml", "c.json", ".d.yaml", "e.yaml.tmp", "f.txt"}) {
        write(name, "");
    }
    const auto names = listManifests(folder);
    ASSERT_TRUE(names);
    EXPECT_EQ(*names, (std::set<std::string>{"a.yaml", "b.yml", "c.json"}));
    EXPECT_FALSE(listManifests(folder / "none"));
}

TEST_F(FolderTest, LoadsEveryFileAndForgetsThoseThatWent) {
    writeService("a.yaml", "a");
    writeService("b.yaml", "b");
    ASSERT_TRUE(loadFolder(folder, store));
    EXPECT_EQ(store.objects().size(), 2u);
    fs::remove(folder / "a.yaml");
    ASSERT_TRUE(loadFolder(folder, store));
    EXPECT_EQ(store.objects().size(), 1u);
    EXPECT_EQ(store.fileNames().size(), 1u);
}

TEST_F(FolderTest, TellsAMissingFileFromABrokenOne) {
    EXPECT_TRUE(loadFile(folder, "a.yaml", store).missing);
    EXPECT_TRUE(loadFile(folder / "none", "a.yaml", store).missing);
    write("a.yaml", "a: [");
    EXPECT_FALSE(loadFile(folder, "a.yaml", store).missing);
    EXPECT_EQ(store.problems().size(), 1u);
}

TEST_F(FolderTest, KeepsTheLastGoodObjectsOfAFileThatCannotBeRead) {
    writeService("a.yaml", "a");
    loadFile(folder, "a.yaml", store);
    fs::remove(folder / "a.yaml");
    fs::create_symlink("a.yaml", folder / "a.yaml");
    EXPECT_FALSE(loadFile(folder, "a.yaml", store).missing);
    EXPECT_TRUE(onlyProblem().starts_with("cannot be read: ")) << onlyProblem();
    EXPECT_EQ(store.objects().size(), 1u);
}

TEST_F(FolderTest, RefusesWhatIsNoFile) {
    fs::create_directory(folder / "a.yaml");
    EXPECT_FALSE(loadFile(folder, "a.yaml", store).missing);
    EXPECT_TRUE(onlyProblem().starts_with("is not a regular file")) << onlyProblem();
    fs::remove(folder / "a.yaml");
    ASSERT_EQ(::mkfifo((folder / "a.yaml").c_str(), 0600), 0);
    loadFile(folder, "a.yaml", store);
    EXPECT_TRUE(onlyProblem().starts_with("is not a regular file")) << onlyProblem();
}

TEST_F(FolderTest, RefusesAFileOverTheBound) {
    write("a.yaml", "");
    fs::resize_file(folder / "a.yaml", kMaxFileBytes + 1);
    loadFile(folder, "a.yaml", store);
    EXPECT_TRUE(onlyProblem().starts_with("is larger than 16 MiB")) << onlyProblem();
}

}  // namespace
}  // namespace evergate::controller::directory
