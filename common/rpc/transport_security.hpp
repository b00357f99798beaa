// SPDX-License-Identifier: Apache-2.0
// TLS contexts of the RPC: version 1.3 only, both sides show a certificate of the same authority.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "common/rpc/address.hpp"

namespace evergate::rpc {

enum class TlsRole { client, server };

// Null and `error` set (naming the file) when a file cannot be used.
std::unique_ptr<boost::asio::ssl::context> makeTlsContext(TlsRole role, const TlsFiles& files,
                                                          std::string& error);

}  // namespace evergate::rpc
