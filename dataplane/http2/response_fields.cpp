// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/response_fields.hpp"

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http2/field_rules.hpp"

namespace evergate::http2 {

using http::HeaderName;

namespace {

bool mayCross(const http::HeaderField& field, bool tunnel) noexcept {
    switch (field.id) {
        case HeaderName::connection:
        case HeaderName::keepAlive:
        case HeaderName::proxyConnection:
        case HeaderName::transferEncoding:
        case HeaderName::upgrade:
        case HeaderName::te:
            return false;
        case HeaderName::contentLength:
            return !tunnel;
        case HeaderName::other:
            return !field.hopByHop &&
                   !(tunnel && http::equalsIgnoreCase(field.name, "sec-websocket-accept"));
        default:
            return !field.hopByHop;
    }
}

}  // namespace

void ResponseFields::set(const http::ResponseHead& head, std::uint16_t status) {
    fields_.clear();
    status_[0] = static_cast<char>('0' + status / 100 % 10);
    status_[1] = static_cast<char>('0' + status / 10 % 10);
    status_[2] = static_cast<char>('0' + status % 10);
    add(":status", {status_, sizeof status_});
    for (const http::HeaderField& field : head.fields) {
        if (!mayCross(field, status != head.status))
            continue;
        add(field.name, field.value);
        if (field.id == HeaderName::xRequestId)  // no other response will have it
            fields_.back().flags = NGHTTP2_NV_FLAG_NO_INDEX;
    }
}

void ResponseFields::setTrailers(std::string_view section) {
    fields_.clear();
    forEachTrailer(section, [this](std::string_view name, std::string_view value) {
        if (!name.empty())
            add(name, value);
    });
}

void ResponseFields::add(std::string_view name, std::string_view value) {
    fields_.push_back(nameValue(name, value));
}

}  // namespace evergate::http2
