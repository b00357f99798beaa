// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/send_room.hpp"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>

namespace evergate::net {

std::size_t sendRoom(int fd) noexcept {
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
    socklen_t size = sizeof memory;
    if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0)
        return 0;
    const std::uint32_t most = memory[SK_MEMINFO_SNDBUF];
    const std::uint32_t queued = memory[SK_MEMINFO_WMEM_QUEUED];
    // The kernel counts its own overhead: a byte of ours may cost it two.
    return queued < most ? (most - queued) / 2 : 0;
}

}  // namespace evergate::net
