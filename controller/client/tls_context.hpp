// SPDX-License-Identifier: Apache-2.0
// The TLS settings for talking to a server: TLS 1.2 or newer, the server's CA, our
// certificate.
//
// Reads the named files; any thread.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "controller/client/server_access.hpp"

namespace evergate::controller::client {

OrProblem<std::unique_ptr<boost::asio::ssl::context>> makeTlsContext(const ServerAccess& access);

}  // namespace evergate::controller::client
