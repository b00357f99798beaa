// SPDX-License-Identifier: Apache-2.0
// Starting an outgoing TCP connection. Plain system calls; the only state is whose turn it is among
// several source addresses.
#pragma once

#include <chrono>
#include <cstddef>
#include <system_error>
#include <utility>
#include <vector>

#include "dataplane/net/address.hpp"

namespace evergate::net {

// The addresses connections are made from, in turn: each has local ports of its own, so that there
// can be as many times more connections to one endpoint. One thread.
class SourceAddresses {
public:
    SourceAddresses() = default;

    // Ports are left out of account. `first`: whose turn it is at the beginning.
    explicit SourceAddresses(std::vector<SocketAddress> addresses, std::size_t first = 0)
        : addresses_(std::move(addresses)), next_(first) {}

    std::size_t count(int family) const noexcept;
    // The next one of this family; null when there is none.
    const SocketAddress* next(int family) noexcept;

private:
    std::vector<SocketAddress> addresses_;
    std::size_t next_ = 0;
};

// Connections of this socket are made from there. The port is chosen when that is done, by its
// destination: the bind alone would take one for all destinations. False: see errno.
bool bindSource(int fd, const SocketAddress& source) noexcept;

// No error: this machine has the address and connections may be made from it.
std::error_code checkSource(const SocketAddress& address);

// Non-blocking connect with NODELAY and keep-alive probes. No error: `fd` is connecting (or
// connected): EPOLLOUT without ERR and HUP says that it worked. With an error nothing stays open.
// `userTimeout`: how long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT); 0 leaves the
// default. `sources`: from where; null, or none of its family: the kernel chooses. One without a
// port left is passed over; EADDRNOTAVAIL: none of them has any.
std::error_code startConnect(const SocketAddress& address, int& fd,
                             std::chrono::milliseconds userTimeout = {},
                             SourceAddresses* sources = nullptr);

// The connect failed for want of something of ours (descriptors, memory, local ports): it says
// nothing about the endpoint.
bool lacksResources(const std::error_code& error) noexcept;

// A peer that vanished without a word is found out within about four minutes of silence: quiet
// tunnels would otherwise hold both their sockets for as long as they may be idle.
bool setKeepAlive(int fd) noexcept;

// TCP_USER_TIMEOUT of a connected socket (an accepted one, say), and the keep-alive probes to go
// with it: the kernel gives a silent peer up at the first look behind the user timeout, however few
// probes it has sent by then. So they begin after two thirds of it, four of them.
void setUserTimeout(int fd, std::chrono::milliseconds timeout) noexcept;

}  // namespace evergate::net
