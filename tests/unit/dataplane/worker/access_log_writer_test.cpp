// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/access_log_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <system_error>

namespace evergate::worker {
namespace {

class AccessLogWriterTest : public testing::Test {
protected:
    AccessLogWriterTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "evergate-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
        ::signal(SIGPIPE, SIG_IGN);  // as in the program
    }

    ~AccessLogWriterTest() override { std::filesystem::remove_all(folder); }

    static std::string contents(const std::filesystem::path& path) {
        std::ostringstream all;
        all << std::ifstream(path).rdbuf();
        return all.str();
    }

    static std::ptrdiff_t lineCount(const std::filesystem::path& path) {
        const std::string lines = contents(path);
        return std::count(lines.begin(), lines.end(), '\n');
    }

    std::filesystem::path folder;
    http::AccessRecord record;
};

TEST_F(AccessLogWriterTest, WritesWhatItWasGivenBeforeItEnds) {
    const auto path = folder / "log";
    {
        AccessLogWriter writer(http::AccessLogFormat::text, path.string());
        EXPECT_TRUE(writer.submit("one\n", 1));
        EXPECT_TRUE(writer.submit(std::string(100'000, 'x') + "\n", 1));
        EXPECT_TRUE(writer.submit("three\n", 1));
    }
    {
        AccessLogWriter writer(http::AccessLogFormat::text, path.string());
        EXPECT_TRUE(writer.submit("appended\n", 1));
        EXPECT_EQ(writer.dropped(), 0u);
    }
    EXPECT_EQ(contents(path), "one\n" + std::string(100'000, 'x') + "\nthree\nappended\n");
}

TEST_F(AccessLogWriterTest, ReopensBetweenTheLinesOfBeforeAndAfter) {
    const auto path = folder / "log";
    const auto moved = folder / "log.1";
    std::promise<std::error_code> reopened;
    AccessLogWriter writer(http::AccessLogFormat::text, path.string());
    std::filesystem::rename(path, moved);
    EXPECT_TRUE(writer.submit("before\n", 1));
    EXPECT_TRUE(writer.reopen([&](std::error_code error) { reopened.set_value(error); }));
    EXPECT_TRUE(writer.submit("after\n", 1));
    EXPECT_FALSE(reopened.get_future().get());
    while (lineCount(path) != 1)
        ::usleep(1'000);
    EXPECT_EQ(contents(path), "after\n");
    EXPECT_EQ(contents(moved), "before\n");
}

TEST_F(AccessLogWriterTest, KeepsItsFileWhenItCannotBeReopened) {
    const auto path = folder / "log";
    const auto moved = folder / "log.1";
    {
        std::promise<std::error_code> reopened;
        AccessLogWriter writer(http::AccessLogFormat::text, path.string());
        std::filesystem::rename(path, moved);
        ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);  // nobody reads it
        EXPECT_TRUE(writer.reopen([&](std::error_code error) { reopened.set_value(error); }));
        EXPECT_EQ(reopened.get_future().get().value(), ENXIO);
        EXPECT_TRUE(writer.submit("after\n", 1));
    }
    EXPECT_EQ(contents(moved), "after\n");
}

TEST_F(AccessLogWriterTest, HasNothingToReopenOnStandardOutput) {
    AccessLogWriter writer(http::AccessLogFormat::text, "-");
    EXPECT_FALSE(writer.reopen([](std::error_code) { ADD_FAILURE(); }));
}

TEST_F(AccessLogWriterTest, ThrowsWhenTheFileCannotBeOpened) {
    EXPECT_THROW(AccessLogWriter(http::AccessLogFormat::text, (folder / "no" / "log").string()),
                 std::system_error);
}

TEST_F(AccessLogWriterTest, DropsAndCountsWhenNobodyReads) {
    const auto path = folder / "pipe";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    std::uint64_t refused = 0;
    const auto start = std::chrono::steady_clock::now();
    {
        AccessLogWriter writer(http::AccessLogFormat::text, path.string());
        const std::string block(1'000'000, 'x');
        for (int i = 0; i < 40; ++i)
            refused += writer.submit(block, 1) ? 0 : 1;
        EXPECT_GE(refused, 6u);  // 32 MiB wait at most
        EXPECT_FALSE(writer.submit(std::string(block.size() * 33, 'x'), 1));
    }
    // Nobody ever read, and yet it ended.
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
    ::close(reader);
}

TEST_F(AccessLogWriterTest, CountsLinesOfABrokenPipe) {
    const auto path = folder / "pipe";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    AccessLogWriter writer(http::AccessLogFormat::text, path.string());
    ::close(reader);
    ASSERT_TRUE(writer.submit("a\nb\nc\n", 3));
    while (writer.dropped() != 3)
        ::usleep(1'000);
}

TEST_F(AccessLogWriterTest, BufferHandsOverWhenToldToWhenFullAndAtItsEnd) {
    const auto path = folder / "log";
    record.clientAddress = "10.0.0.1";
    record.method = "GET";
    record.host = "example.com";
    record.target = "/";
    record.status = 200;
    {
        AccessLogWriter writer(http::AccessLogFormat::json, path.string());
        AccessLogBuffer buffer(writer);
        for (int i = 0; i < 100; ++i)
            buffer.write(record);
        EXPECT_EQ(contents(path), "");
        buffer.flush();
        while (lineCount(path) != 100)
            ::usleep(1'000);
        for (int i = 0; i < 1'000; ++i)  // more than it keeps
            buffer.write(record);
        while (lineCount(path) == 100)
            ::usleep(1'000);
        buffer.flush();
        for (int i = 0; i < 7; ++i)
            buffer.write(record);
    }
    EXPECT_EQ(lineCount(path), 1'107);
    const std::string lines = contents(path);
    EXPECT_TRUE(lines.ends_with("}\n"));
}

}  // namespace
}  // namespace evergate::worker
