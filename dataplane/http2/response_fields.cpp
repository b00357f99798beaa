// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/response_fields.hpp"

#include <charconv>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/head_edits.hpp"
#include "dataplane/http/head_writer.hpp"
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

void ResponseFields::begin(std::uint16_t status) {
    fields_.clear();
    bytes_ = 0;
    status_[0] = static_cast<char>('0' + status / 100 % 10);
    status_[1] = static_cast<char>('0' + status / 10 % 10);
    status_[2] = static_cast<char>('0' + status % 10);
    add(":status", {status_, sizeof status_});
}

void ResponseFields::set(const http::ResponseHead& head, std::uint16_t status) {
    begin(status);
    for (const http::HeaderField& field : head.fields) {
        if (mayCross(field, status != head.status))
            addForwarded(field);
    }
}

std::size_t ResponseFields::assign(const http::ResponseHead& head,
                                   const http::ResponseFacts& facts) {
    begin(head.status);
    const http::HeadEdits* const edits = facts.edits;
    const std::uint64_t without =
        facts.framing == http::Framing::untilClose
            ? http::nameSet(HeaderName::contentLength)
            : http::nameSet(HeaderName::contentLength, HeaderName::trailer);
    std::uint64_t seen = 0;
    for (const http::HeaderField& field : head.fields) {
        if (field.hopByHop)
            continue;
        seen |= http::nameSet(field.id);
        if (!http::contains(without, field.id) &&
            (edits == nullptr || !http::drops(*edits, field.name)))
            addForwarded(field);
    }
    addOwn(head, facts, seen | (edits == nullptr ? 0 : http::droppedNames(*edits)));
    addLength(head, facts.framing);
    return bytes_;
}

// `without`: names that are there, or that the route does not want.
void ResponseFields::addOwn(const http::ResponseHead& head, const http::ResponseFacts& facts,
                            std::uint64_t without) {
    if (!facts.date.empty() && !http::contains(without, HeaderName::date))
        add("date", facts.date);
    if (!facts.server.empty() && !http::contains(without, HeaderName::server))
        add("server", facts.server);
    if (!facts.via.empty()) [[unlikely]]
        addVia(head, facts);
    if (facts.edits == nullptr)
        return;
    for (const std::string_view more : {facts.edits->add, facts.edits->more}) {
        forEachTrailer(more,
                       [this](std::string_view name, std::string_view value) { add(name, value); });
    }
}

// Behind all that came: their order is the way of the message.
void ResponseFields::addVia(const http::ResponseHead& head, const http::ResponseFacts& facts) {
    if (facts.edits != nullptr && http::contains(http::droppedNames(*facts.edits), HeaderName::via))
        return;
    via_ = head.minorVersion == http::kHttp2 ? "2.0" : "1." + std::to_string(head.minorVersion);
    via_.append(" ").append(facts.via);
    add("via", via_);
}

void ResponseFields::addLength(const http::ResponseHead& head, http::Framing framing) {
    if (framing == http::Framing::length || (framing == http::Framing::none && head.hasLength)) {
        const auto end = std::to_chars(length_, length_ + sizeof length_, head.contentLength).ptr;
        add("content-length", {length_, static_cast<std::size_t>(end - length_)});
    }
}

void ResponseFields::addForwarded(const http::HeaderField& field) {
    add(field.name, field.value);
    if (field.id == HeaderName::xRequestId)  // no other response will have it
        fields_.back().indexable = false;
}

void ResponseFields::setTrailers(std::string_view section) {
    fields_.clear();
    forEachTrailer(section, [this](std::string_view name, std::string_view value) {
        if (!name.empty())
            add(name, value);
    });
}

void ResponseFields::add(std::string_view name, std::string_view value) {
    fields_.push_back({name, value});
    bytes_ += name.size() + value.size() + 4;
}

}  // namespace evergate::http2
