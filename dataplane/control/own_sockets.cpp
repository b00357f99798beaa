// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/own_sockets.hpp"

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <memory>

namespace evergate::dataplane {
namespace {

constexpr unsigned kCloseWait = 8;

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

// Another thread may close the descriptor, or use its number anew, while we look: then it is
// skipped, or it is the new socket that counts.
void look(int fd, OwnSockets& sockets) noexcept {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
        sockets.add(info.tcpi_state, std::chrono::milliseconds(info.tcpi_last_ack_recv));
}

}  // namespace

void OwnSockets::add(unsigned state, std::chrono::milliseconds silent) noexcept {
    if (state >= byState.size())
        return;
    ++byState[state];
    if (state != kCloseWait)
        return;
    for (std::size_t i = 0; i < kAges.size(); ++i)
        closeWait[i] += silent >= kAges[i].atLeast ? 1 : 0;
}

OwnSockets readOwnSockets() {
    OwnSockets sockets;
    const std::unique_ptr<DIR, CloseFolder> folder(::opendir("/proc/self/fd"));
    if (!folder)
        return sockets;
    std::size_t seen = 0;
    while (const dirent* entry = ::readdir(folder.get())) {
        int fd = -1;
        const char* const end = entry->d_name + std::strlen(entry->d_name);
        if (std::from_chars(entry->d_name, end, fd).ptr != end)
            continue;
        look(fd, sockets);
        if (++seen == OwnSockets::kMaxDescriptors)
            break;
    }
    return sockets;
}

}  // namespace evergate::dataplane
