// SPDX-License-Identifier: Apache-2.0
// Wraps what the listener accepted. Private to common/rpc.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "common/rpc/channel.hpp"

namespace evergate::rpc {

std::unique_ptr<Channel> makeAccepted(boost::asio::local::stream_protocol::socket socket);
std::unique_ptr<Channel> makeAccepted(boost::asio::ip::tcp::socket socket,
                                      boost::asio::ssl::context& tls);
// A channel that never comes up: its observer is told why.
std::unique_ptr<Channel> makeBroken(boost::asio::io_context& io, std::string why);

}  // namespace evergate::rpc
