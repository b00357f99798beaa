// SPDX-License-Identifier: Apache-2.0
#include "common/process/atomic_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

namespace evergate::process {
namespace {

using boost::system::error_code;

error_code lastError() {
    return {errno, boost::system::system_category()};
}

class Descriptor {
public:
    explicit Descriptor(int descriptor) noexcept : descriptor_(descriptor) {}

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    ~Descriptor() {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }

    bool valid() const noexcept { return descriptor_ >= 0; }

    int get() const noexcept { return descriptor_; }

    // Some file systems report a failed write only here.
    error_code close() noexcept {
        return ::close(std::exchange(descriptor_, -1)) == 0 ? error_code() : lastError();
    }

private:
    int descriptor_;
};

error_code writeAll(int descriptor, std::string_view content) {
    while (!content.empty()) {
        const ssize_t written = ::write(descriptor, content.data(), content.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return lastError();
        }
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

error_code writeNewFile(const std::string& path, std::string_view content) {
    // A leftover of a crash, or something put there: never written through.
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        return lastError();
    }
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.valid()) {
        return lastError();
    }
    if (const error_code error = writeAll(file.get(), content)) {
        return error;
    }
    if (::fsync(file.get()) != 0) {
        return lastError();
    }
    return file.close();
}

error_code syncFolderOf(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid() || ::fsync(directory.get()) != 0) {
        return lastError();
    }
    return {};
}

}  // namespace

error_code writeFileAtomically(const std::string& path, std::string_view content) {
    const std::string temporary = path + ".tmp";
    error_code error = writeNewFile(temporary, content);
    if (!error && std::rename(temporary.c_str(), path.c_str()) != 0) {
        error = lastError();
    }
    if (error) {
        ::unlink(temporary.c_str());
        return error;
    }
    return syncFolderOf(path);
}

boost::system::result<std::string> readFile(const std::string& path, std::size_t maxBytes) {
    // Not blocking: a FIFO in the place of the file must not stop the thread.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.valid()) {
        return lastError();
    }
    std::string content;
    std::vector<char> piece(64 * 1024);  // what was read would stay on the stack
    while (true) {
        const ssize_t count = ::read(file.get(), piece.data(), piece.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return lastError();
        }
        if (count == 0) {
            return content;
        }
        if (static_cast<std::size_t>(count) > maxBytes - content.size()) {
            return error_code(EFBIG, boost::system::system_category());
        }
        content.append(piece.data(), static_cast<std::size_t>(count));
    }
}

}  // namespace evergate::process
