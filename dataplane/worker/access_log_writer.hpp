// SPDX-License-Identifier: Apache-2.0
// Writes access-log lines on a thread of its own, so that a slow disk or terminal never slows a
// request.
//
// Each worker has a sink that formats into a buffer of its own and hands the whole buffer over when
// there are 64 KiB in it, and with every tick of the worker. What is handed over but not written is
// bounded; beyond that lines are dropped and counted. A reader that takes nothing (a full pipe)
// never keeps the program from ending.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <system_error>
#include <thread>

#include "dataplane/http/access_log.hpp"
#include "dataplane/session/session_context.hpp"

namespace evergate::worker {

class AccessLogWriter {
public:
    // Throws std::system_error when the file cannot be opened. "-" is standard output.
    AccessLogWriter(http::AccessLogFormat format, const std::string& path);
    ~AccessLogWriter();  // writes what it has, within a second

    http::AccessLogFormat format() const noexcept { return format_; }

    // Any thread. False: too much is waiting, `lines` is dropped by the caller.
    bool submit(std::string lines, std::uint64_t count);

    // Any thread. Opens the file anew, after somebody moved it away: what was handed over before
    // goes to the old one, what comes after to the new one. When it cannot be opened the old one
    // stays. `done` is called on the writer's thread. False: it is standard output, nothing
    // happens.
    bool reopen(std::function<void(std::error_code)> done);

    void noteDropped(std::uint64_t lines) noexcept {
        dropped_.fetch_add(lines, std::memory_order_relaxed);
    }

    std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

private:
    void write(const std::string& lines, std::uint64_t count);
    bool waitWritable() noexcept;
    std::error_code open(int more) noexcept;

    const http::AccessLogFormat format_;
    const std::string path_;  // empty: standard output
    // The writer's own, as soon as it runs.
    int fd_ = -1;
    bool regularFile_ = false;
    bool gaveUp_ = false;
    std::atomic<bool> ending_{false};
    std::atomic<std::size_t> waiting_{0};  // bytes handed over and not yet written
    std::atomic<std::uint64_t> dropped_{0};
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

// One worker's end of it.
class AccessLogBuffer final : public session::AccessLogSink {
public:
    explicit AccessLogBuffer(AccessLogWriter& writer) : writer_(writer) {}

    ~AccessLogBuffer() override { flush(); }

    void write(const http::AccessRecord& record) override;
    void flush();

private:
    AccessLogWriter& writer_;
    std::string lines_;
    std::uint64_t count_ = 0;
};

}  // namespace evergate::worker
