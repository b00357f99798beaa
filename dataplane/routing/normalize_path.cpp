// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>

#include "dataplane/routing/routing_table.hpp"

namespace evergate::routing {

namespace {

bool isUnreserved(unsigned c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int hexValue(char c) noexcept {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// "." or ".." up to the next slash, seen from behind a slash.
bool isDotSegment(std::string_view rest) noexcept {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    return segment == "." || segment == "..";
}

bool isNormal(std::string_view path) noexcept {
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] == '%') {
            return false;
        }
        if (path[i] == '/' && i + 1 < path.size()) {
            const char next = path[i + 1];
            if (next == '/' || (next == '.' && isDotSegment(path.substr(i + 1)))) {
                return false;
            }
        }
    }
    return true;
}

// Decodes the escapes of unreserved characters and spells the others in upper case (RFC 3986
// §6.2.2). False: a bad escape or a NUL.
bool decode(std::string_view path, std::string& out) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    out.clear();
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] != '%') {
            out += path[i];
            continue;
        }
        const int high = i + 1 < path.size() ? hexValue(path[i + 1]) : -1;
        const int low = i + 2 < path.size() ? hexValue(path[i + 2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0)) {
            return false;
        }
        if (const auto c = static_cast<unsigned>(high * 16 + low); isUnreserved(c)) {
            out += static_cast<char>(c);
        } else {
            out += {'%', kHex[high], kHex[low]};
        }
        i += 2;
    }
    return true;
}

std::size_t separatorAt(std::string_view text, std::size_t at) noexcept {
    const std::string_view rest = text.substr(at);
    return rest.starts_with('/') ? 1 : rest.starts_with("%2F") || rest.starts_with("%5C") ? 3 : 0;
}

// A ".." that an encoded slash or backslash sets off: not a dot segment for us, but one for a
// server that decodes first. It would serve another path than the one routed (and guarded):
// refused.
bool hidesDotSegment(std::string_view path) noexcept {
    std::size_t begin = 1;
    bool encodedBefore = false;
    for (std::size_t at = 1; at <= path.size(); ++at) {
        const std::size_t separator = separatorAt(path, at);
        if (separator == 0 && at != path.size()) {
            continue;
        }
        const bool encoded = encodedBefore || separator == 3;
        if (encoded && path.substr(begin, at - begin) == "..") {
            return true;
        }
        encodedBefore = separator == 3;
        begin = at + separator;
        at = separator == 0 ? at : begin - 1;
    }
    return false;
}

// Merges slashes and resolves dot segments in place. False: it climbs above the root.
bool resolve(std::string& path) {
    std::size_t out = 0;
    std::size_t at = 0;
    while (at < path.size()) {
        const std::size_t begin = std::min(path.find_first_not_of('/', at), path.size());
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string_view segment = std::string_view(path).substr(begin, end - begin);
        const bool last = end == path.size();
        at = end;
        if (segment == "..") {
            if (out == 0) {
                return false;
            }
            out = path.rfind('/', out - 1);
        }
        if (segment.empty() || segment == "." || segment == "..") {
            if (last) {
                path[out++] = '/';
            }
            continue;
        }
        path[out++] = '/';
        path.replace(out, segment.size(), segment.data(), segment.size());
        out += end - begin;
    }
    path.resize(out);
    return true;
}

}  // namespace

std::string_view normalizePath(std::string_view path, std::string& scratch) {
    if (path.empty() || path.front() != '/') {
        return path == "*" ? path : std::string_view{};  // "*": OPTIONS of the whole server
    }
    if (isNormal(path)) [[likely]] {
        return path;
    }
    if (!decode(path, scratch) || hidesDotSegment(scratch) || !resolve(scratch)) {
        return {};
    }
    return scratch;
}

}  // namespace evergate::routing
