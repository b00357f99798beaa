// SPDX-License-Identifier: Apache-2.0
// The access-log line of a connection that carried no request: refused, or failed before one.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "dataplane/http/access_log.hpp"
#include "dataplane/net/address.hpp"

namespace evergate::session {

// The wall clock, as AccessRecord::unixMicros has it.
inline std::int64_t unixMicrosNow() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

// When and whose; what became of it is for the caller to add. `text` holds the address and outlives
// the record.
inline http::AccessRecord connectionRecord(const net::SocketAddress& client,
                                           std::span<char, net::SocketAddress::kMaxText> text) {
    http::AccessRecord record;
    record.unixMicros = unixMicrosNow();
    record.clientAddress = client.text(text);
    record.clientPort = client.port();
    return record;
}

}  // namespace evergate::session
