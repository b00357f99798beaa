// SPDX-License-Identifier: Apache-2.0
#include "controller/client/server_access.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

namespace evergate::controller::client {
namespace {

constexpr std::size_t kMaxFileBytes = 1024 * 1024;

bool isHostByte(unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
}

bool isIpv6Byte(unsigned char c) {
    return std::isxdigit(c) != 0 || c == ':' || c == '.';
}

bool isPathByte(unsigned char c) {
    return c > 0x20 && c < 0x7f && c != '?' && c != '#';
}

std::optional<std::uint16_t> portOf(std::string_view text) {
    unsigned port = 0;
    const auto* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || stopped != end || port == 0 || port > 65535) {
        return std::nullopt;
    }
    return static_cast<std::uint16_t>(port);
}

// "host", "host:1", "[v6]" or "[v6]:1" into the URL; false when it is none of them.
bool takeAuthority(std::string_view authority, ServerUrl& url) {
    std::string_view port;
    if (!authority.empty() && authority.front() == '[') {
        const auto close = authority.find(']');
        if (close == std::string_view::npos) {
            return false;
        }
        url.host = authority.substr(1, close - 1);
        port = authority.substr(close + 1);
        if (!std::all_of(url.host.begin(), url.host.end(), isIpv6Byte)) {
            return false;
        }
    } else {
        const auto colon = authority.find(':');
        url.host = authority.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view{} : authority.substr(colon);
        if (!std::all_of(url.host.begin(), url.host.end(), isHostByte)) {
            return false;
        }
    }
    if (port.empty()) {
        return !url.host.empty();
    }
    const auto number = portOf(port.substr(1));
    url.port = number.value_or(0);
    return !url.host.empty() && port.front() == ':' && number.has_value();
}

}  // namespace

std::string ServerUrl::hostHeader() const {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string ServerUrl::text() const {
    return (tls ? "https://" : "http://") + hostHeader() + basePath;
}

OrProblem<ServerUrl> parseServerUrl(std::string_view text) {
    ServerUrl url;
    auto rest = text;
    if (rest.substr(0, 8) == "https://") {
        rest.remove_prefix(8);
    } else if (rest.substr(0, 7) == "http://") {
        rest.remove_prefix(7);
        url.tls = false;
        url.port = 80;
    } else {
        return ConfigProblem{"the server must begin with https:// or http://"};
    }
    const auto slash = rest.find('/');
    if (slash != std::string_view::npos) {
        url.basePath = rest.substr(slash);
        while (!url.basePath.empty() && url.basePath.back() == '/') {
            url.basePath.pop_back();
        }
    }
    if (!takeAuthority(rest.substr(0, slash), url) ||
        !std::all_of(url.basePath.begin(), url.basePath.end(), isPathByte)) {
        return ConfigProblem{"the server is not a URL of the form https://host:port"};
    }
    return url;
}

OrProblem<std::string> readText(const TextOrFile& source) {
    if (source.file.empty()) {
        return source.text;
    }
    std::ifstream file(source.file, std::ios::binary);
    std::string text;
    if (file) {
        text.assign(std::istreambuf_iterator<char>(file), {});
    }
    if (!file || text.empty()) {
        return ConfigProblem{"cannot read " + source.file};
    }
    if (text.size() > kMaxFileBytes) {
        return ConfigProblem{source.file + " is too large"};
    }
    return text;
}

}  // namespace evergate::controller::client
