// SPDX-License-Identifier: Apache-2.0
// Accepts channels. A Unix socket is created with mode 0660; the file of a dead process is
// replaced, one that somebody answers on is not. One thread, that of the io_context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/rpc/address.hpp"
#include "common/rpc/channel.hpp"

namespace evergate::rpc {

class Listener {
public:
    using OnAccept = std::function<void(std::unique_ptr<Channel>)>;  // not started yet

    virtual ~Listener() = default;           // stops accepting and removes the socket file
    virtual std::uint16_t port() const = 0;  // TCP; 0 for a Unix socket
};

// Null and `error` set when the address cannot be used or the certificates cannot be read.
std::unique_ptr<Listener> makeListener(boost::asio::io_context& io, const Address& address,
                                       const TlsFiles& files, Listener::OnAccept onAccept,
                                       std::string& error);

}  // namespace evergate::rpc
