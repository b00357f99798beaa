// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/masters.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>

namespace evergate::controller::marathon {
namespace {

std::string base64(const std::string& text) {
    std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
    const auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

bool isSameServer(const client::ServerUrl& a, const client::ServerUrl& b) {
    return a.host == b.host && a.tls == b.tls;
}

}  // namespace

client::ServerAccess Masters::access(const client::ServerUrl& url) const {
    client::ServerAccess access;
    access.server = url;
    access.authority.file = authorityFile;
    return access;
}

std::string Masters::authorizationLine() const {
    if (authFile.empty()) {
        return {};
    }
    const auto read = readAuthorization(authFile);
    const auto* value = std::get_if<std::string>(&read);
    return value == nullptr ? std::string() : "Authorization: " + *value + "\r\n";
}

client::OrProblem<std::string> readAuthorization(const std::string& file) {
    const auto read = client::readText({"", file});
    if (const auto* problem = std::get_if<client::ConfigProblem>(&read)) {
        return *problem;
    }
    const auto& text = std::get<std::string>(read);
    const auto line = text.substr(0, text.find_first_of("\r\n"));
    const auto colon = line.find(':');
    if (colon == std::string::npos || colon == 0 || line.size() > 4096) {
        return client::ConfigProblem{file + " must hold user:password"};
    }
    return "Basic " + base64(line);
}

client::OrProblem<Masters> parseMasters(const std::vector<std::string>& urls,
                                        const std::string& authorityFile,
                                        const std::string& authFile) {
    Masters masters;
    for (const auto& text : urls) {
        auto url = client::parseServerUrl(text);
        if (const auto* problem = std::get_if<client::ConfigProblem>(&url)) {
            return client::ConfigProblem{"--marathon-url: " + problem->what};
        }
        masters.urls.push_back(std::get<client::ServerUrl>(std::move(url)));
    }
    if (masters.urls.empty()) {
        return client::ConfigProblem{"--source=marathon needs --marathon-url"};
    }
    masters.authorityFile = authorityFile;
    masters.authFile = authFile;
    if (!authFile.empty()) {
        const auto read = readAuthorization(authFile);
        if (const auto* problem = std::get_if<client::ConfigProblem>(&read)) {
            return client::ConfigProblem{"--marathon-auth-file: " + problem->what};
        }
    }
    if (!authorityFile.empty()) {
        const auto read = client::readText({"", authorityFile});
        if (const auto* problem = std::get_if<client::ConfigProblem>(&read)) {
            return client::ConfigProblem{"--marathon-ca: " + problem->what};
        }
    }
    return masters;
}

std::optional<Redirect> followRedirect(const Masters& masters, const client::ServerUrl& from,
                                       std::string_view target, std::string_view location) {
    // Split at the path: the server's part has a parser of its own.
    const auto scheme = location.find("://");
    if (scheme == std::string_view::npos) {
        return std::nullopt;
    }
    const auto slash = std::min(location.find('/', scheme + 3), location.size());
    auto url = client::parseServerUrl(location.substr(0, slash));
    auto* server = std::get_if<client::ServerUrl>(&url);
    const auto path = location.substr(slash);
    const bool printable =
        std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    if (server == nullptr || path.empty() || path.size() > 4096 || !printable) {
        return std::nullopt;
    }
    const bool configured =
        std::any_of(masters.urls.begin(), masters.urls.end(),
                    [&](const auto& each) { return isSameServer(each, *server); });
    const bool samePlace = path.substr(0, path.find('?')) ==
                           from.basePath + std::string(target.substr(0, target.find('?')));
    Redirect redirect;
    redirect.showPassword = (configured || samePlace) && (server->tls || !from.tls);
    redirect.server = std::move(*server);
    redirect.target = path;
    return redirect;
}

}  // namespace evergate::controller::marathon
