// SPDX-License-Identifier: Apache-2.0
// Where an HTTP server is and how it and we prove who we are.
//
// Plain values. Certificates and keys that live in files are named here and read when a connection
// is made, because they are replaced while we run. Secrets never appear in error texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace evergate::controller::client {

struct ServerUrl {
    bool tls = true;
    std::string host;  // a name or an IP literal without brackets
    std::uint16_t port = 443;
    std::string basePath;  // without a slash at the end; usually empty

    std::string hostHeader() const;  // "[fd00::1]:6443"
    std::string text() const;        // "https://[fd00::1]:6443"
};

// Text given in place or the file it is in; `file` wins.
struct TextOrFile {
    std::string text;
    std::string file;

    bool empty() const noexcept { return text.empty() && file.empty(); }
};

struct ServerAccess {
    ServerUrl server;
    TextOrFile authority;  // PEM; empty: the system's roots
    bool skipTlsVerify = false;
    std::string tlsServerName;     // verified and sent as SNI instead of the host
    TextOrFile clientCertificate;  // PEM
    TextOrFile clientKey;          // PEM
};

// One clear line for the user.
struct ConfigProblem {
    std::string what;
};

template <typename T>
using OrProblem = std::variant<T, ConfigProblem>;

OrProblem<ServerUrl> parseServerUrl(std::string_view text);

// The text, or the whole file (at most 1 MiB).
OrProblem<std::string> readText(const TextOrFile& source);

}  // namespace evergate::controller::client
