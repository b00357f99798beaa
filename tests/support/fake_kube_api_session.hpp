// SPDX-License-Identifier: Apache-2.0
// One connection to the fake API server: reads requests, answers them, streams watches.
//
// A coroutine of its own on the server's io_context, over TCP or TLS; ends with its connection.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "tests/support/fake_kube_api_state.hpp"

namespace evergate::test {

void serveFakeConnection(const std::shared_ptr<FakeKubeState>& state,
                         boost::asio::ip::tcp::socket socket);

}  // namespace evergate::test
