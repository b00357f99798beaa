// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace evergate::controller::directory {
namespace {

class FileDescriptor {
public:
    explicit FileDescriptor(int fd) noexcept : fd_(fd) {}

    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;

    ~FileDescriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    int get() const noexcept { return fd_; }

private:
    int fd_;
};

struct FileText {
    std::string text;
    int error = 0;          // errno; 0: all read
    std::string objection;  // not empty: not a file we read
};

FileText readText(const std::filesystem::path& path) {
    // O_NONBLOCK: opening a FIFO somebody left there must not hang the controller.
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));

    struct stat info {};

    if (file.get() < 0 || ::fstat(file.get(), &info) != 0) {
        return {{}, errno, {}};
    }
    if (!S_ISREG(info.st_mode)) {
        return {{}, 0, "is not a regular file"};
    }
    FileText result;
    std::array<char, 65536> buffer{};
    for (;;) {
        const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            result.error = size < 0 ? errno : 0;
            return result;
        }
        result.text.append(buffer.data(), static_cast<std::size_t>(size));
        if (result.text.size() > kMaxFileBytes) {
            return {{}, 0, "is larger than 16 MiB"};
        }
    }
}

}  // namespace

boost::system::result<std::set<std::string>> listManifests(const std::filesystem::path& folder) {
    std::error_code error;
    std::set<std::string> names;
    auto it = std::filesystem::directory_iterator(folder, error);
    for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
        std::string name = it->path().filename().string();
        if (formatOf(name)) {
            names.insert(std::move(name));
        }
    }
    if (error) {
        return boost::system::error_code(error.value(), boost::system::system_category());
    }
    return names;
}

FileOutcome loadFile(const std::filesystem::path& folder, const std::string& name,
                     ManifestStore& store) {
    const auto format = formatOf(name);
    if (!format) {
        return {};
    }
    const FileText file = readText(folder / name);
    if (file.error == ENOENT || file.error == ENOTDIR) {
        return {{}, true};
    }
    if (file.error != 0) {
        store.setBroken(name, {0, "cannot be read: " + std::system_category().message(file.error)});
        return {};
    }
    if (!file.objection.empty()) {
        store.setBroken(name, {0, file.objection});
        return {};
    }
    auto parsed = readManifest(*format, file.text);
    if (auto* problem = std::get_if<SyntaxProblem>(&parsed)) {
        store.setBroken(name, std::move(*problem));
        return {};
    }
    return {store.setFile(name, std::get<Manifest>(std::move(parsed))), false};
}

boost::system::result<Change> loadFolder(const std::filesystem::path& folder,
                                         ManifestStore& store) {
    const auto names = listManifests(folder);
    if (!names) {
        return names.error();
    }
    Change change;
    for (const std::string& name : *names) {
        FileOutcome outcome = loadFile(folder, name, store);
        change.merge(outcome.missing ? store.removeFile(name) : std::move(outcome.change));
    }
    for (const std::string& name : store.fileNames()) {
        if (!names->contains(name)) {
            change.merge(store.removeFile(name));
        }
    }
    return change;
}

}  // namespace evergate::controller::directory
