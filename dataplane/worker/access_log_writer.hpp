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
#include <string>
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

    void noteDropped(std::uint64_t lines) noexcept {
        dropped_.fetch_add(lines, std::memory_order_relaxed);
    }

    std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

private:
    void write(const std::string& lines, std::uint64_t count);
    bool waitWritable() noexcept;

    http::AccessLogFormat format_;
    int fd_ = -1;
    bool ownsFd_ = false;
    bool regularFile_ = false;
    bool gaveUp_ = false;  // the writer's own
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
