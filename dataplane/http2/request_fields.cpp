// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/request_fields.hpp"

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/header_names.hpp"
#include "dataplane/http2/field_rules.hpp"

namespace evergate::http2 {

using http::HeaderField;
using http::HeaderName;

namespace {

// Requests of many clients share a compression table: what one of them keeps secret must not be
// found by the length of another's (RFC 7541 §7.1.3), and what no other request will say again must
// not push out what they all do.
bool isForNoTable(HeaderName id) noexcept {
    return id == HeaderName::authorization || id == HeaderName::cookie ||
           id == HeaderName::xRequestId || id == HeaderName::grpcTimeout;
}

bool isForConnection(const HeaderField& field) noexcept {
    return field.hopByHop || field.id == HeaderName::host || http::isHopByHop(field.id);
}

}  // namespace

bool isWebSocket(std::string_view upgrade) noexcept {
    return http::equalsIgnoreCase(upgrade, "websocket");
}

void RequestFields::add(std::string_view name, std::string_view value) {
    fields_.push_back({name, value});
}

void RequestFields::assign(const http::RequestHead& head, std::string_view scheme, bool tunnel,
                           std::string_view otherwise) {
    fields_.clear();
    add(":method", tunnel ? std::string_view("CONNECT") : head.method);
    if (tunnel)
        add(":protocol", "websocket");
    add(":scheme", scheme);
    const std::string_view authority = head.authority.empty() ? otherwise : head.authority;
    if (!authority.empty())
        add(":authority", authority);
    add(":path", head.target);
    addAll(head, tunnel);
    if (head.teTrailers)
        add("te", "trailers");
}

void RequestFields::addAll(const http::RequestHead& head, bool tunnel) {
    for (const HeaderField& field : head.fields) {
        if (isForConnection(field) ||
            (tunnel && http::equalsIgnoreCase(field.name, "sec-websocket-key")))
            continue;
        add(field.name, field.value);
        if (isForNoTable(field.id))
            fields_.back().indexable = false;
    }
}

void RequestFields::assignTrailers(std::string_view section) {
    fields_.clear();
    forEachTrailer(section,
                   [this](std::string_view name, std::string_view value) { add(name, value); });
}

}  // namespace evergate::http2
