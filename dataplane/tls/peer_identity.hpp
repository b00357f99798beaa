// SPDX-License-Identifier: Apache-2.0
// What a verified client's certificate says, as text that is safe in a header field or a log.
#pragma once

#include <string>

#include "dataplane/net/stream_layer.hpp"
#include "dataplane/tls/openssl_ptr.hpp"

namespace evergate::tls {

// Without `rules`, which the caller knows.
net::PeerIdentity identityOf(X509* certificate);

// SHA-256, hex; empty: there is no memory.
std::string fingerprintOf(const X509* certificate);

}  // namespace evergate::tls
