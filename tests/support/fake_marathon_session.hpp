// SPDX-License-Identifier: Apache-2.0
// One connection to a master of the fake Marathon: reads requests, answers them, streams events.
//
// A coroutine of its own on the server's io_context, over TCP or TLS; ends with its connection.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>

#include "tests/support/fake_marathon_state.hpp"

namespace evergate::test {

void serveFakeMarathon(const std::shared_ptr<FakeMarathonState>& state, std::size_t master,
                       boost::asio::ip::tcp::socket socket);

}  // namespace evergate::test
