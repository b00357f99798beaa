// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/last_known_good.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "dataplane/control/state_writer.hpp"

namespace evergate::dataplane {
namespace {

namespace fs = std::filesystem;

SavedConfig sample(std::uint64_t version) {
    SavedConfig saved;
    saved.versions = {version, version + 1};
    saved.epoch = "e \"quoted\"";
    for (int i = 0; i < 10; ++i) {
        const std::string name = "b" + std::to_string(i);
        saved.config.put({model::Kind::backend, name}, model::Value{model::Backend{}});
        saved.config.put({model::Kind::endpoints, name},
                         model::Value{model::Endpoints{{{"10.0.0.1", 80, 1}}}});
    }
    return saved;
}

class LastKnownGoodTest : public ::testing::Test {
protected:
    LastKnownGoodTest() {
        std::string pattern = (fs::temp_directory_path() / "lkgXXXXXX").string();
        directory = ::mkdtemp(pattern.data());
    }

    ~LastKnownGoodTest() override { fs::remove_all(directory); }

    static std::string content(const std::string& path) {
        std::ostringstream text;
        text << std::ifstream(path, std::ios::binary).rdbuf();
        return text.str();
    }

    static void overwrite(const std::string& path, const std::string& text) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    }

    std::string directory;
};

TEST_F(LastKnownGoodTest, GivesBackWhatWasStored) {
    const LastKnownGood files(directory);
    EXPECT_FALSE(files.load().saved);
    EXPECT_TRUE(files.load().complaints.empty());
    ASSERT_FALSE(files.store(sample(7)));
    const auto loaded = files.load();
    ASSERT_TRUE(loaded.saved);
    EXPECT_EQ(loaded.saved->versions, sample(7).versions);
    EXPECT_EQ(loaded.saved->epoch, sample(7).epoch);
    for (const auto lane : {model::Lane::config, model::Lane::endpoints}) {
        EXPECT_EQ(loaded.saved->config.root(lane), sample(7).config.root(lane));
    }
}

TEST_F(LastKnownGoodTest, KeepsTwoPrivateGenerations) {
    const LastKnownGood files(directory);
    ASSERT_FALSE(files.store(sample(1)));
    ASSERT_FALSE(files.store(sample(2)));
    ASSERT_FALSE(files.store(sample(3)));
    EXPECT_EQ(files.load().saved->versions[0], 3U);
    EXPECT_EQ(decodeSaved(content(files.previous()))->versions[0], 2U);
    for (const auto& entry : fs::directory_iterator(directory)) {
        struct stat info {};

        ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777, 0600U);
    }
}

TEST_F(LastKnownGoodTest, TakesTheOlderWhenTheNewerIsDamaged) {
    const LastKnownGood files(directory);
    ASSERT_FALSE(files.store(sample(1)));
    ASSERT_FALSE(files.store(sample(2)));
    std::string text = content(files.current());
    text[text.size() / 2] ^= 0x20;
    overwrite(files.current(), text);
    auto loaded = files.load();
    ASSERT_TRUE(loaded.saved);
    EXPECT_EQ(loaded.saved->versions[0], 1U);
    EXPECT_EQ(loaded.complaints.size(), 1U);
    overwrite(files.previous(), "");
    loaded = files.load();
    EXPECT_FALSE(loaded.saved);
    EXPECT_EQ(loaded.complaints.size(), 2U);
}

TEST_F(LastKnownGoodTest, TakesTheOlderWhenAMoveWasInterrupted) {
    const LastKnownGood files(directory);
    ASSERT_FALSE(files.store(sample(1)));
    fs::rename(files.current(), files.previous());
    EXPECT_EQ(files.load().saved->versions[0], 1U);
}

TEST_F(LastKnownGoodTest, NoTruncationDecodes) {
    const std::string text = encodeSaved(sample(1));
    ASSERT_TRUE(decodeSaved(text));
    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_FALSE(decodeSaved(std::string_view(text).substr(0, size))) << size;
    }
    EXPECT_FALSE(decodeSaved(text + "\n"));
}

TEST_F(LastKnownGoodTest, AFailedWriteLeavesBothGenerations) {
    const LastKnownGood files(directory);
    ASSERT_FALSE(files.store(sample(1)));
    ASSERT_FALSE(files.store(sample(2)));
    fs::create_directory(directory + "/last-known-good.next");  // in the way of the rename
    std::ofstream(directory + "/last-known-good.next/x") << "x";
    EXPECT_TRUE(files.store(sample(3)));
    EXPECT_EQ(files.load().saved->versions[0], 2U);
    EXPECT_EQ(decodeSaved(content(files.previous()))->versions[0], 1U);
}

TEST_F(LastKnownGoodTest, WriterCollectsChangesAndFlushes) {
    boost::asio::io_context io;
    const auto logger = process::Logging(spdlog::level::off, process::LogFormat::text,
                                         std::make_shared<spdlog::sinks::null_sink_mt>())
                            .logger("test");
    std::uint64_t version = 1;
    int collected = 0;
    StateWriter writer(
        io, directory,
        [&] {
            ++collected;
            return sample(version);
        },
        logger);
    writer.changed(model::Lane::config);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (writer.writes() == 0 && std::chrono::steady_clock::now() < end) {
        io.restart();
        io.run_one_for(std::chrono::milliseconds(100));
    }
    EXPECT_EQ(writer.writes(), 1U);
    for (int i = 0; i < 50; ++i) {
        ++version;
        writer.changed(model::Lane::endpoints);
    }
    EXPECT_EQ(collected, 1);
    writer.flush();
    EXPECT_EQ(collected, 2);
    EXPECT_EQ(LastKnownGood(directory).load().saved->versions[0], 51U);
    writer.flush();
    EXPECT_EQ(collected, 2);
}

TEST_F(LastKnownGoodTest, WriterReportsAnUnusableDirectory) {
    boost::asio::io_context io;
    const auto logger = process::Logging(spdlog::level::off, process::LogFormat::text,
                                         std::make_shared<spdlog::sinks::null_sink_mt>())
                            .logger("test");
    overwrite(directory + "/file", "");
    StateWriter writer(
        io, directory + "/file/state", [] { return sample(1); }, logger);
    writer.changed(model::Lane::config);
    writer.flush();
    EXPECT_EQ(writer.failures(), 1U);
}

}  // namespace
}  // namespace evergate::dataplane
