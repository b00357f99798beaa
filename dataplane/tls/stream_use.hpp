// SPDX-License-Identifier: Apache-2.0
// Lends a stream its socket for the time of one call: OpenSSL's reads go there. Sockets move, so
// none is remembered.
#pragma once

#include "dataplane/tls/stream.hpp"

namespace evergate::tls {

struct Stream::Use {
    Use(Stream& stream, net::Socket& socket) noexcept : stream_(stream) {
        stream_.socket_ = &socket;
    }

    ~Use() {
        stream_.engine_.output().clear();  // never into another stream; each call flushed its own
        stream_.socket_ = nullptr;
    }

    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

private:
    Stream& stream_;
};

}  // namespace evergate::tls
