// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/client_address.hpp"

#include <algorithm>
#include <charconv>

#include "dataplane/http/character_classes.hpp"

namespace evergate::session {
namespace {

using model::ClientAddressHeader;

// Takes what follows the last `separator` outside of quotes off the end of `rest`. Read from the
// end, so that no open quote further left reaches into it.
std::string_view takeLast(std::string_view& rest, char separator) noexcept {
    bool quoted = false;
    std::size_t at = rest.size();
    while (at != 0 && (quoted || rest[at - 1] != separator)) {
        --at;
        quoted ^= rest[at] == '"';
    }
    const std::string_view last = rest.substr(at);
    rest = rest.substr(0, at == 0 ? 0 : at - 1);
    return http::trimOws(last);
}

std::string_view unquoted(std::string_view value) noexcept {
    const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    return quoted ? value.substr(1, value.size() - 2) : value;
}

struct Entry {
    std::optional<net::SocketAddress> address;
    bool https = false;
};

// for="[2001:db8::9]:51234";proto=https
Entry parseElement(std::string_view element) noexcept {
    Entry entry;
    bool named = false;
    while (!element.empty()) {
        const std::string_view pair = takeLast(element, ';');
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string_view name = pair.substr(0, equals);
        const std::string_view value = unquoted(pair.substr(std::min(equals + 1, pair.size())));
        if (http::equalsIgnoreCase(name, "for")) {
            if (named)
                return {};
            named = true;
            entry.address = parseNode(value);
        } else if (http::equalsIgnoreCase(name, "proto")) {
            entry.https = http::equalsIgnoreCase(value, "https");
        }
    }
    return entry;
}

Entry parseEntry(std::string_view text, ClientAddressHeader where) noexcept {
    if (where == ClientAddressHeader::forwarded)
        return parseElement(text);
    return {parseNode(text), false};
}

// The client's own scheme comes first, if several proxies wrote theirs.
bool saysHttps(const http::RequestHead& head) noexcept {
    for (const http::HeaderField& field : head.fields) {
        if (field.id != http::HeaderName::xForwardedProto)
            continue;
        const std::string_view first = field.value.substr(0, field.value.find(','));
        return http::equalsIgnoreCase(http::trimOws(first), "https");
    }
    return false;
}

}  // namespace

std::optional<net::SocketAddress> parseNode(std::string_view text) noexcept {
    std::string_view address = text;
    std::string_view port;
    const std::size_t colon = text.rfind(':');
    const bool bracketed = text.starts_with('[');
    if (bracketed) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos)
            return std::nullopt;
        address = text.substr(1, end - 1);
        port = text.substr(end + 1);
    } else if (colon != std::string_view::npos && text.find(':') == colon) {
        address = text.substr(0, colon);
        port = text.substr(colon);
    }
    std::uint16_t number = 0;
    if (!port.empty()) {
        if (port.size() < 2 || port.front() != ':')
            return std::nullopt;
        const char* const end = port.data() + port.size();
        const auto [stop, error] = std::from_chars(port.data() + 1, end, number);
        if (port[1] == '_') {
            number = 0;
        } else if (error != std::errc() || stop != end) {
            return std::nullopt;
        }
    }
    const auto parsed = net::SocketAddress::parse(address, number);
    if (!parsed || (bracketed && parsed->family() != AF_INET6))
        return std::nullopt;
    return parsed;
}

SaidClient saidClient(const http::RequestHead& head, ClientAddressHeader where,
                      const routing::SourceNetworks& trusted) noexcept {
    const bool forwarded = where == ClientAddressHeader::forwarded;
    const auto wanted = forwarded ? http::HeaderName::forwarded : http::HeaderName::xForwardedFor;
    SaidClient client;
    if (!forwarded)
        client.https = saysHttps(head);
    for (auto field = head.fields.rbegin(); field != head.fields.rend(); ++field) {
        // Also when Connection lists it: a client must not get rid of what the proxy wrote.
        if (field->id != wanted)
            continue;
        std::string_view rest = field->value;
        while (!rest.empty()) {
            const std::string_view text = takeLast(rest, ',');
            if (text.empty())
                continue;  // RFC 9110 §5.6.1: an empty element is none
            const Entry entry = parseEntry(text, where);
            if (!entry.address)
                return client;
            client.address = entry.address;
            if (forwarded)
                client.https = entry.https;
            if (!trusted.contains(entry.address->mapped()))
                return client;
        }
    }
    return client;
}

}  // namespace evergate::session
