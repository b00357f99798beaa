// SPDX-License-Identifier: Apache-2.0
// inotify on one folder, and on its parent to see the folder itself come and go.
//
// Runs on the thread of its io_context. Events that are already there arrive as one batch. The
// kernel tells at once: nothing here polls. Destroying it ends the watch; the handler is not called
// again.
#pragma once

#include <sys/inotify.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace evergate::controller::directory {

struct FolderEvents {
    std::set<std::string> touched;  // names written, renamed, linked or removed
    bool rescan = false;            // events were lost, or a link that files go through was swapped
    bool replaced = false;          // the folder is gone, or another stands in its place
    std::size_t count = 0;

    bool empty() const noexcept { return touched.empty() && !rescan && !replaced; }
};

class FolderWatch {
public:
    using Handler = std::function<void(FolderEvents)>;

    FolderWatch(boost::asio::io_context& context, std::filesystem::path folder, Handler handler);
    FolderWatch(const FolderWatch&) = delete;
    FolderWatch& operator=(const FolderWatch&) = delete;
    ~FolderWatch();

    // Watches what stands at the path now, in place of what was watched before.
    boost::system::error_code watch();

private:
    void waitForEvents();
    void readEvents();
    void note(const inotify_event& event, const std::string& name, FolderEvents& events);

    std::filesystem::path folder_;
    Handler handler_;
    boost::asio::posix::stream_descriptor descriptor_;
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
    int folderWatch_ = -1;
    int parentWatch_ = -1;
};

}  // namespace evergate::controller::directory
