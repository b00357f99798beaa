// SPDX-License-Identifier: Apache-2.0
// Where the Marathon masters are and how to prove who we are. Plain values and pure functions, but
// for readAuthorization(), which reads a file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/client/server_access.hpp"

namespace evergate::controller::marathon {

struct Masters {
    std::vector<client::ServerUrl> urls;  // at least one
    std::string authorityFile;            // PEM; empty: the system's roots
    std::string authFile;                 // "user:password"; empty: none

    client::ServerAccess access(const client::ServerUrl& url) const;
    // The header line that shows our password, or nothing; never an error's text.
    std::string authorizationLine() const;
};

// One line for the user when a URL is none, or a file that is named cannot be used.
client::OrProblem<Masters> parseMasters(const std::vector<std::string>& urls,
                                        const std::string& authorityFile,
                                        const std::string& authFile);

// "user:password" of the first line -> "Basic ..."; a problem never holds any of it.
client::OrProblem<std::string> readAuthorization(const std::string& file);

struct Redirect {
    client::ServerUrl server;
    std::string target;
    bool showPassword = false;
};

// Where a standby sends us, or nothing when that is no place to go. The password goes along to a
// configured host, or to the very path we asked for; never from TLS to plain text.
std::optional<Redirect> followRedirect(const Masters& masters, const client::ServerUrl& from,
                                       std::string_view target, std::string_view location);

}  // namespace evergate::controller::marathon
