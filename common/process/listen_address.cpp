// SPDX-License-Identifier: Apache-2.0
#include "common/process/listen_address.hpp"

#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace evergate::process {
namespace {

std::optional<std::uint16_t> parsePort(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return port;
}

}  // namespace

std::optional<ListenAddress> parseListenAddress(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(std::string(host), error);
    const std::optional<std::uint16_t> port = parsePort(text.substr(colon + 1));
    // "::1:80" could be read in two ways, so IPv6 needs its brackets.
    if (error || !port || address.is_v6() != bracketed) {
        return std::nullopt;
    }
    return ListenAddress{std::string(host), *port};
}

std::string formatListenAddress(const ListenAddress& address) {
    const bool isV6 = address.address.find(':') != std::string::npos;
    return (isV6 ? '[' + address.address + ']' : address.address) + ':' +
           std::to_string(address.port);
}

}  // namespace evergate::process
