// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/access_log_writer.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <system_error>

namespace evergate::worker {

namespace {

// About 100,000 lines: enough for a hiccup of the disk, nothing against a dead one.
constexpr std::size_t kMaxWaiting = 32 * 1024 * 1024;
// Handing over wakes another thread: not for every request.
constexpr std::size_t kHandedOver = 64 * 1024;
constexpr int kLookMillis = 100;
constexpr int kLooksWhileEnding = 10;

bool isRegularFile(int fd) noexcept {
    struct stat status {};

    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

AccessLogWriter::AccessLogWriter(http::AccessLogFormat format, const std::string& path)
    : format_(format),
      path_(path == "-" ? std::string() : path),
      work_(boost::asio::make_work_guard(io_)) {
    if (path_.empty()) {
        fd_ = STDOUT_FILENO;
        regularFile_ = isRegularFile(fd_);
    } else if (const auto error = open(0)) {
        throw std::system_error(error, "access log " + path);
    }
    thread_ = std::thread([this] { io_.run(); });
}

AccessLogWriter::~AccessLogWriter() {
    ending_ = true;
    work_.reset();
    thread_.join();
    if (!path_.empty())
        ::close(fd_);
}

// Takes the place of what is open, when it works.
std::error_code AccessLogWriter::open(int more) noexcept {
    const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | more, 0640);
    if (fd < 0)
        return {errno, std::system_category()};
    if (fd_ >= 0)
        ::close(fd_);
    fd_ = fd;
    regularFile_ = isRegularFile(fd_);
    return {};
}

bool AccessLogWriter::reopen(std::function<void(std::error_code)> done) {
    if (path_.empty())
        return false;
    // A pipe that nobody reads would keep us in open() for ever.
    boost::asio::post(io_, [this, done = std::move(done)] { done(open(O_NONBLOCK)); });
    return true;
}

bool AccessLogWriter::submit(std::string lines, std::uint64_t count) {
    const std::size_t size = lines.size();
    if (waiting_.fetch_add(size, std::memory_order_relaxed) + size > kMaxWaiting) {
        waiting_.fetch_sub(size, std::memory_order_relaxed);
        return false;
    }
    boost::asio::post(io_, [this, count, lines = std::move(lines)] { write(lines, count); });
    return true;
}

void AccessLogWriter::write(const std::string& lines, std::uint64_t count) {
    // A pipe that says it is writable takes this much without blocking.
    const std::size_t most = regularFile_ ? lines.size() : PIPE_BUF;
    std::size_t done = 0;
    while (done < lines.size()) {
        if (!waitWritable()) {
            noteDropped(count);
            break;
        }
        const ssize_t wrote =
            ::write(fd_, lines.data() + done, std::min(most, lines.size() - done));
        if (wrote < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (wrote <= 0) {  // full disk, closed pipe: these lines are lost, and counted
            noteDropped(count);
            break;
        }
        done += static_cast<std::size_t>(wrote);
    }
    waiting_.fetch_sub(lines.size(), std::memory_order_relaxed);
}

// False: nobody reads and the program is ending.
bool AccessLogWriter::waitWritable() noexcept {
    if (regularFile_)
        return true;
    for (int looks = 0; looks < kLooksWhileEnding && !gaveUp_;) {
        pollfd entry{fd_, POLLOUT, 0};
        if (::poll(&entry, 1, kLookMillis) > 0)
            return true;
        looks = ending_ ? looks + 1 : 0;
    }
    gaveUp_ = true;
    return false;
}

void AccessLogBuffer::write(const http::AccessRecord& record) {
    http::formatAccessLine(writer_.format(), record, lines_);
    ++count_;
    if (lines_.size() >= kHandedOver)
        flush();
}

void AccessLogBuffer::flush() {
    if (count_ == 0)
        return;
    const std::size_t size = lines_.size();
    if (!writer_.submit(std::move(lines_), count_))
        writer_.noteDropped(count_);
    lines_ = std::string();
    lines_.reserve(size);
    count_ = 0;
}

}  // namespace evergate::worker
