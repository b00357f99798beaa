// SPDX-License-Identifier: Apache-2.0
// When bytes came, by the kernel's clock: a program that has to wait for a core reads them later.
#pragma once

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <ctime>

namespace evergate::bench {

using KernelTime = std::chrono::nanoseconds;  // since 1970: CLOCK_REALTIME

inline KernelTime fromTimespec(const timespec& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

inline KernelTime kernelNow() {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return fromTimespec(time);
}

// From now on the kernel notes when bytes for `fd` come in.
inline void noteArrivals(int fd) {
    const int one = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
}

// As ::recv; `arrived` is when the last of the bytes came, or else now.
inline ssize_t receiveNoting(int fd, char* data, std::size_t size, KernelTime& arrived) {
    iovec part{data, size};
    alignas(cmsghdr) std::array<char, 128> control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(fd, &message, 0);
    if (got <= 0)
        return got;
    arrived = kernelNow();
    for (auto* each = CMSG_FIRSTHDR(&message); each != nullptr;
         each = CMSG_NXTHDR(&message, each)) {
        if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        timespec time{};
        std::memcpy(&time, CMSG_DATA(each), sizeof time);
        arrived = fromTimespec(time);
    }
    return got;
}

}  // namespace evergate::bench
