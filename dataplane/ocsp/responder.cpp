// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ocsp/responder.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <charconv>

#include "common/model/syntax.hpp"

namespace evergate::ocsp {
namespace {

namespace ip = boost::asio::ip;

constexpr std::string_view kScheme = "http://";
constexpr std::size_t kMaxUrl = 1'024;
constexpr std::size_t kMaxHost = 253;

// What an authority's URI consists of (RFC 3986 §2); nothing that could end a line or a field.
bool isTargetCharacter(char c) noexcept {
    return c > 0x20 && c < 0x7f && std::string_view("\"<>\\^`{|}#").find(c) == std::string::npos;
}

bool isHostCharacter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

bool isAddress(const std::string& text) {
    boost::system::error_code error;
    ip::make_address(text, error);
    return !error;
}

// A name such as "2130706433" or "0x7f.1" is an address to some resolvers.
bool isName(const std::string& host) {
    const std::size_t dot = host.rfind('.', host.size() - 2);
    const std::size_t last = dot == std::string::npos ? 0 : dot + 1;
    return host.size() <= kMaxHost && std::all_of(host.begin(), host.end(), isHostCharacter) &&
           !(host[last] >= '0' && host[last] <= '9') && host.front() != '.' && host.front() != '-';
}

bool readPort(std::string_view text, std::uint16_t& port) {
    if (text.empty())
        return true;
    if (text.front() != ':')
        return false;
    text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() && port != 0;
}

bool readAuthority(std::string_view text, Responder& responder) {
    const bool bracketed = text.starts_with('[');
    const std::size_t end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
    if (end == std::string_view::npos)
        return false;
    responder.host = model::lowerCase(bracketed ? text.substr(1, end - 1) : text.substr(0, end));
    if (responder.host.empty() || !readPort(text.substr(bracketed ? end + 1 : end), responder.port))
        return false;
    const bool six = isAddress(responder.host) && responder.host.find(':') != std::string::npos;
    // No zones: they name interfaces of ours.
    if (bracketed != six || responder.host.find('%') != std::string::npos)
        return false;
    responder.authority = six ? '[' + responder.host + ']' : responder.host;
    if (responder.port != 80)
        responder.authority += ':' + std::to_string(responder.port);
    return isAddress(responder.host) || isName(responder.host);
}

bool within(const ip::address_v4& address, const char* network) {
    const auto range = ip::make_network_v4(network);
    return ip::make_network_v4(address, range.prefix_length()).canonical() == range.canonical();
}

bool within(const ip::address_v6& address, const char* network) {
    const auto range = ip::make_network_v6(network);
    return ip::make_network_v6(address, range.prefix_length()).canonical() == range.canonical();
}

constexpr std::array kSpecial4 = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4"};
// Of the global unicast addresses, 2000::/3; some carry an IPv4 address.
constexpr std::array kSpecial6 = {"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"};

}  // namespace

std::optional<Responder> parseResponder(std::string_view url) {
    if (!url.starts_with(kScheme) || url.size() > kMaxUrl)
        return std::nullopt;
    url.remove_prefix(kScheme.size());
    const std::size_t end = std::min(url.find_first_of("/?"), url.size());
    Responder responder;
    if (!readAuthority(url.substr(0, end), responder))
        return std::nullopt;
    const std::string_view target = url.substr(end);
    if (!std::all_of(target.begin(), target.end(), isTargetCharacter))
        return std::nullopt;
    responder.target = (target.starts_with('/') ? "" : "/") + std::string(target);
    return responder;
}

bool isPublic(const ip::address& address) {
    if (address.is_v4()) {
        return std::none_of(kSpecial4.begin(), kSpecial4.end(),
                            [&](const char* network) { return within(address.to_v4(), network); });
    }
    return within(address.to_v6(), "2000::/3") &&
           std::none_of(kSpecial6.begin(), kSpecial6.end(),
                        [&](const char* network) { return within(address.to_v6(), network); });
}

bool allows(Scope scope, std::uint16_t port) noexcept {
    return scope == Scope::any || (scope == Scope::publicOnly && port == 80);
}

bool allows(Scope scope, const ip::address& address) {
    return scope == Scope::any || (scope == Scope::publicOnly && isPublic(address));
}

}  // namespace evergate::ocsp
