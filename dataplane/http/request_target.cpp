// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/request_target.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "dataplane/http/character_classes.hpp"

namespace evergate::http {

namespace {

HeadProblem bad(const char* detail) noexcept {
    return {ProxyError::badRequest, detail};
}

HeadProblem readVersion(std::string_view text, RequestHead& out) noexcept {
    if (text == "HTTP/1.1") [[likely]] {
        out.minorVersion = 1;
        return {};
    }
    if (text == "HTTP/1.0") {
        out.minorVersion = 0;
        return {};
    }
    const bool isVersion = text.size() == 8 && text.substr(0, 5) == "HTTP/" &&
                           is(text[5], kDigit) && text[6] == '.' && is(text[7], kDigit);
    if (isVersion) {
        return {ProxyError::unsupportedVersion, "HTTP version not supported"};
    }
    return bad("bad HTTP version");
}

void classifyMethod(RequestHead& out) noexcept {
    const std::string_view method = out.method;
    switch (method.size()) {
        case 3:
            out.idempotent = method == "GET" || method == "PUT";
            break;
        case 4:
            out.head = out.idempotent = method == "HEAD";
            break;
        case 5:
            out.idempotent = method == "TRACE";
            break;
        case 6:
            out.idempotent = method == "DELETE";
            break;
        case 7:
            out.idempotent = method == "OPTIONS";
            break;
        default:
            break;
    }
}

// "http://host[:port][/path][?query]": the authority wins over Host (RFC 9112 §3.2.2).
HeadProblem readAbsoluteForm(std::string_view target, RequestHead& out) {
    const std::size_t colon = target.find("://");
    if (colon == std::string_view::npos) {
        return bad("bad request target");
    }
    const std::string_view scheme = target.substr(0, colon);
    out.secureTarget = equalsIgnoreCase(scheme, "https");
    if (!out.secureTarget && !equalsIgnoreCase(scheme, "http")) {
        return bad("request target with a foreign scheme");
    }
    target.remove_prefix(colon + 3);
    const std::size_t end = target.find_first_of("/?");
    out.authority = target.substr(0, end);
    if (out.authority.empty()) {
        return bad("request target without host");
    }
    if (end == std::string_view::npos) {
        out.target = out.method == "OPTIONS" ? "*" : "/";  // RFC 9112 §3.2.4
    } else if (target[end] == '?') {
        out.ownTarget.assign(1, '/');
        out.ownTarget.insert(out.ownTarget.end(), target.begin() + static_cast<long>(end),
                             target.end());
        out.target = {out.ownTarget.data(), out.ownTarget.size()};
    } else {
        out.target = target.substr(end);
    }
    return {};
}

HeadProblem readTarget(std::string_view target, RequestHead& out) {
    if (target.front() == '/') [[likely]] {
        out.target = target;
    } else if (target == "*") {
        if (out.method != "OPTIONS") {
            return bad("asterisk target is for OPTIONS only");
        }
        out.target = target;
    } else if (const HeadProblem problem = readAbsoluteForm(target, out)) {
        return problem;
    }
    out.path = out.target.substr(0, out.target.find('?'));
    return {};
}

const char* readPort(std::string_view port) noexcept {
    unsigned value = 0;
    for (const char c : port) {
        if (!is(c, kDigit)) {
            return "bad port in Host";
        }
        value = value * 10 + static_cast<unsigned>(c - '0');
        if (value > 65'535) {
            return "bad port in Host";
        }
    }
    return nullptr;
}

// The digits behind the host, without leading zeros; the default port when there are none.
std::string_view portOf(std::string_view authority, std::string_view host, bool https) noexcept {
    std::string_view port = authority.substr(std::min(authority.size(), host.size() + 1));
    port.remove_prefix(std::min(port.size(), port.find_first_not_of('0')));
    return !port.empty() ? port : https ? "443" : "80";
}

bool isIpv6(std::string_view text) noexcept {
    char copy[INET6_ADDRSTRLEN];
    if (text.size() >= sizeof copy) {
        return false;
    }
    std::memcpy(copy, text.data(), text.size());
    copy[text.size()] = '\0';
    in6_addr address;
    return inet_pton(AF_INET6, copy, &address) == 1;
}

const char* readIpLiteral(std::string_view authority, std::string_view& host) noexcept {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos || !isIpv6(authority.substr(1, close - 1))) {
        return "bad IP literal in Host";
    }
    host = authority.substr(0, close + 1);
    const std::string_view rest = authority.substr(close + 1);
    if (rest.empty()) {
        return nullptr;
    }
    return rest.front() == ':' ? readPort(rest.substr(1)) : "bad IP literal in Host";
}

}  // namespace

HeadProblem readRequestLine(std::string_view line, RequestHead& out) {
    const char* const begin = line.data();
    const char* const end = begin + line.size();
    const char* at = begin;
    while (at != end && is(*at, kTokenChar)) {
        ++at;
    }
    if (at == begin || at == end || *at != ' ') {
        return bad(at == end && at != begin ? "request line without target" : "bad method");
    }
    out.method = {begin, static_cast<std::size_t>(at - begin)};
    const char* const target = ++at;
    while (at != end && is(*at, kTargetChar)) {
        ++at;
    }
    if (at == target || at == end || *at != ' ') {
        return bad(at == end      ? "request line without version"
                   : *at == '#'   ? "fragment in request target"
                   : at == target ? "several spaces in the request line"
                                  : "bad byte in request target");
    }
    const std::string_view version{at + 1, static_cast<std::size_t>(end - at - 1)};
    if (const HeadProblem problem = readVersion(version, out)) {
        return problem;
    }
    if (out.method == "CONNECT") {
        return {ProxyError::methodNotSupported, "CONNECT"};
    }
    classifyMethod(out);
    return readTarget({target, static_cast<std::size_t>(at - target)}, out);
}

bool isSameAuthority(std::string_view a, std::string_view b, bool https) noexcept {
    std::string_view hostOfA;
    std::string_view hostOfB;
    return readAuthority(a, hostOfA) == nullptr && readAuthority(b, hostOfB) == nullptr &&
           equalsIgnoreCase(hostOfA, hostOfB) &&
           portOf(a, hostOfA, https) == portOf(b, hostOfB, https);
}

const char* readAuthority(std::string_view authority, std::string_view& host) noexcept {
    if (!authority.empty() && authority.front() == '[') {
        return readIpLiteral(authority, host);
    }
    std::size_t at = 0;
    for (; at < authority.size() && authority[at] != ':'; ++at) {
        if (is(authority[at], kHostChar)) [[likely]] {
            continue;
        }
        if (authority[at] != '%' || authority.size() - at < 3 ||
            !is(authority[at + 1], kHexDigit) || !is(authority[at + 2], kHexDigit)) {
            return authority[at] == '@' ? "user information in Host" : "bad byte in Host";
        }
    }
    if (at == 0) {
        return "empty Host";
    }
    host = authority.substr(0, at);
    return at == authority.size() ? nullptr : readPort(authority.substr(at + 1));
}

}  // namespace evergate::http
