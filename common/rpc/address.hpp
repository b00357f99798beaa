// SPDX-License-Identifier: Apache-2.0
// Where the RPC is spoken: "unix:/path" or "tcp://host:port", and the certificates TCP needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace evergate::rpc {

struct UnixAddress {
    std::string path;
};

struct TcpAddress {
    std::string host;  // a name or an IP literal, brackets removed
    std::uint16_t port = 0;
};

using Address = std::variant<UnixAddress, TcpAddress>;

struct AddressError {
    std::string what;
};

std::variant<Address, AddressError> parseAddress(std::string_view text);
std::string toText(const Address& address);

// PEM files; all three or none.
struct TlsFiles {
    std::string certificate;
    std::string key;
    std::string authority;

    bool complete() const { return !certificate.empty() && !key.empty() && !authority.empty(); }

    bool empty() const { return certificate.empty() && key.empty() && authority.empty(); }
};

// One line naming what is wrong with this combination, or "" when it may be used: TCP needs all
// three files, a Unix socket takes none (its file mode is the guard).
std::string checkSecurity(const Address& address, const TlsFiles& files);

}  // namespace evergate::rpc
