// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/folder_watch.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "controller/directory/manifest.hpp"

namespace evergate::controller::directory {
namespace {

constexpr std::uint32_t kFolderMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                      IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kParentMask = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR;
constexpr std::uint32_t kGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;

boost::system::error_code lastError() {
    return {errno, boost::system::system_category()};
}

std::filesystem::path withoutTrailingSlash(const std::filesystem::path& path) {
    const auto normal = path.lexically_normal();
    return normal.has_filename() || !normal.has_parent_path() ? normal : normal.parent_path();
}

std::filesystem::path parentOf(const std::filesystem::path& folder) {
    const auto parent = folder.parent_path();
    return parent.empty() ? std::filesystem::path(".") : parent;
}

// Of the name itself, not of what it may link to; all zero when it is gone again.
struct stat statusOf(const std::filesystem::path& path) {
    struct stat info {};

    if (::lstat(path.c_str(), &info) != 0) {
        info = {};
    }
    return info;
}

}  // namespace

FolderWatch::FolderWatch(boost::asio::io_context& context, std::filesystem::path folder,
                         Handler handler)
    : folder_(withoutTrailingSlash(folder)), handler_(std::move(handler)), descriptor_(context) {}

FolderWatch::~FolderWatch() = default;

boost::system::error_code FolderWatch::watch() {
    if (!descriptor_.is_open()) {
        const int fd = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (fd < 0) {
            return lastError();
        }
        descriptor_.assign(fd);
        waitForEvents();
    }
    const int fd = descriptor_.native_handle();
    // The parent first: a folder made between the two calls is then not missed.
    parentWatch_ = ::inotify_add_watch(fd, parentOf(folder_).c_str(), kParentMask);
    const int before =
        std::exchange(folderWatch_, ::inotify_add_watch(fd, folder_.c_str(), kFolderMask));
    const auto error = folderWatch_ < 0 ? lastError() : boost::system::error_code();
    if (before >= 0 && before != folderWatch_) {
        ::inotify_rm_watch(fd, before);
    }
    return error;
}

void FolderWatch::waitForEvents() {
    descriptor_.async_wait(
        boost::asio::posix::descriptor_base::wait_read,
        [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
            if (!error && !alive.expired()) {
                readEvents();
            }
        });
}

void FolderWatch::readEvents() {
    FolderEvents events;
    alignas(inotify_event) std::array<char, 65536> buffer{};
    // A flood of events must not keep the loop from its other work.
    for (int turn = 0; turn < 16; ++turn) {
        const ssize_t size = ::read(descriptor_.native_handle(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            break;
        }
        for (ssize_t offset = 0; offset < size;) {
            const char* at = buffer.data() + offset;
            inotify_event event{};
            std::memcpy(&event, at, sizeof(event));
            const char* name = at + sizeof(event);
            note(event, std::string(name, ::strnlen(name, event.len)), events);
            offset += static_cast<ssize_t>(sizeof(event) + event.len);
        }
    }
    waitForEvents();
    if (!events.empty()) {
        handler_(std::move(events));
    }
}

void FolderWatch::note(const inotify_event& event, const std::string& name, FolderEvents& events) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
        events.rescan = true;
        return;
    }
    if (event.wd == parentWatch_ && event.wd != folderWatch_) {
        events.replaced = events.replaced || name == folder_.filename();
        return;
    }
    if (event.wd != folderWatch_) {
        return;  // of a folder that is no longer ours
    }
    ++events.count;
    if ((event.mask & kGone) != 0) {
        events.replaced = true;
        return;
    }
    const bool appeared = (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0;
    if (!formatOf(name)) {
        // ConfigMap mounts swap the hidden link "..data" that all their files go through.
        events.rescan = events.rescan || (appeared && S_ISLNK(statusOf(folder_ / name).st_mode));
        return;
    }
    if (event.mask & IN_CREATE) {
        // A new file is read when its writer closes it; links are complete at once.
        const struct stat info = statusOf(folder_ / name);
        if (!S_ISLNK(info.st_mode) && info.st_nlink < 2) {
            return;
        }
    }
    events.touched.insert(name);
}

}  // namespace evergate::controller::directory
