// SPDX-License-Identifier: Apache-2.0
// An address and port to listen on: "127.0.0.1:9301", "[::]:80". IP literals only, so that nothing
// has to be resolved at start. (The RPC's "unix:/path" and "tcp://host:port" are common/rpc's own.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::process {

struct ListenAddress {
    std::string address{};   // IP literal without brackets
    std::uint16_t port = 0;  // 0: any free port

    friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

std::optional<ListenAddress> parseListenAddress(std::string_view text);
std::string formatListenAddress(const ListenAddress& address);

}  // namespace evergate::process
