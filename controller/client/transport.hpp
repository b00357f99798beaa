// SPDX-License-Identifier: Apache-2.0
// One connection to a server, plain or over TLS, with a deadline on every operation.
//
// Belongs to the controller's thread. At most one operation at a time; close() may be called at any
// moment and ends the running one. The deadline of a read or write closes the connection.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "common/process/name_resolver.hpp"
#include "controller/client/server_access.hpp"

namespace evergate::controller::client {

class Transport {
public:
    using Timeout = std::chrono::steady_clock::duration;
    using ErrorCode = boost::system::error_code;

    virtual ~Transport() = default;

    // Resolves, connects and shakes hands. An empty string, or what went wrong.
    virtual boost::asio::awaitable<std::string> connect(Timeout timeout) = 0;
    virtual boost::asio::awaitable<std::pair<ErrorCode, std::size_t>> readSome(
        boost::asio::mutable_buffer into, Timeout timeout) = 0;
    virtual boost::asio::awaitable<ErrorCode> write(boost::asio::const_buffer bytes,
                                                    Timeout timeout) = 0;
    virtual void close() = 0;
    // Whether another request may be sent: the peer has neither closed nor said something unasked.
    virtual bool isIdle() = 0;
};

// Reads the certificate files named by `access` now: a new connection sees replaced ones. The
// resolver outlives the transport; one that takes long is best shared by transports that come one
// after the other.
OrProblem<std::unique_ptr<Transport>> makeTransport(const boost::asio::any_io_executor& executor,
                                                    process::NameResolver& resolver,
                                                    const ServerAccess& access);

// A peer's orderly or disorderly end, and not some other failure.
bool isEndOfStream(const boost::system::error_code& error);

}  // namespace evergate::controller::client
