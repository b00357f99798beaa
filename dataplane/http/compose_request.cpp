// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/compose.hpp"
#include "dataplane/http/head_edits.hpp"
#include "dataplane/http/head_writer.hpp"

namespace evergate::http {

namespace {

// Never copied: written anew, or answered by us.
constexpr std::uint64_t kRewritten =
    nameSet(HeaderName::host, HeaderName::contentLength, HeaderName::expect,
            HeaderName::xForwardedFor, HeaderName::xForwardedProto, HeaderName::xForwardedHost,
            HeaderName::xForwardedPort, HeaderName::xRealIp);

// All the text composeRequest adds itself, numbers included.
constexpr std::size_t kOwnText = 384;

// What a trusted proxy says about the client's connection to it.
std::uint64_t believed(const RequestHead& head) noexcept {
    constexpr std::uint64_t kSaid = nameSet(HeaderName::xForwardedProto, HeaderName::xForwardedHost,
                                            HeaderName::xForwardedPort);
    std::uint64_t names = 0;
    for (const HeaderField& field : head.fields) {
        if (contains(kSaid, field.id) && !field.hopByHop && !field.value.empty()) {
            names |= nameSet(field.id);
        }
    }
    return names;
}

void writeForwardedFor(const RequestHead& head, const ForwardedFacts& facts, bool appended,
                       HeadWriter& writer) noexcept {
    writer.literal("X-Forwarded-For: ");
    if (appended) {
        for (const HeaderField& field : head.fields) {
            if (field.id == HeaderName::xForwardedFor && !field.hopByHop && !field.value.empty()) {
                writer.add(field.value);
                writer.literal(", ");
            }
        }
    }
    writer.field("", facts.clientAddress);
}

// `left`: those the route leaves out or writes itself.
void writeForwarded(const RequestHead& head, const ForwardedFacts& facts, bool appended,
                    std::uint64_t left, HeadWriter& writer) noexcept {
    if (!contains(left, HeaderName::xForwardedFor)) {
        writeForwardedFor(head, facts, appended, writer);
    }
    if (!contains(left, HeaderName::xRealIp)) {
        writer.field("X-Real-IP: ",
                     facts.realAddress.empty() ? facts.clientAddress : facts.realAddress);
    }
    if (!contains(left, HeaderName::xForwardedProto)) {
        writer.field("X-Forwarded-Proto: ", facts.scheme);
    }
    if (!head.authority.empty() && !contains(left, HeaderName::xForwardedHost)) {
        writer.field("X-Forwarded-Host: ", head.authority);
    }
    if (!contains(left, HeaderName::xForwardedPort)) {
        writer.field("X-Forwarded-Port: ", facts.port);
    }
}

void writeFraming(const RequestHead& head, HeadWriter& writer) noexcept {
    if (head.framing == Framing::length) {
        writer.field("Content-Length: ", head.contentLength);
    } else if (head.framing == Framing::chunked) {
        writer.literal("Transfer-Encoding: chunked\r\n");
    }
}

void writeConnection(const RequestHead& head, HeadWriter& writer) noexcept {
    if (!head.upgrade.empty()) {
        writer.literal("Connection: Upgrade\r\n");
        writer.field("Upgrade: ", head.upgrade);
    } else if (head.teTrailers) {
        writer.literal("Connection: TE\r\nTE: trailers\r\n");
    }
    if (head.expectContinue) {
        writer.literal("Expect: 100-continue\r\n");
    }
}

}  // namespace

std::size_t composedSizeBound(const RequestHead& head, const ForwardedFacts& facts) noexcept {
    // Each field may gain a byte ("Name:value" => "Name: value"). The authority is written twice
    // and may have come once, or as a part of the target.
    return head.headBytes + head.fields.size() + 2 * head.authority.size() +
           2 * facts.clientAddress.size() + facts.realAddress.size() + facts.scheme.size() +
           facts.via.size() + kOwnText;
}

std::size_t composeRequest(const RequestHead& head, const ForwardedFacts& facts, char* out,
                           const HeadEdits* edits) noexcept {
    HeadWriter writer(out);
    writer.add(head.method);
    writer.literal(" ");
    writer.add(head.target);
    writer.field(" HTTP/1.1\r\nHost: ", head.authority);
    bool sawForwardedFor = false;
    const std::uint64_t kept = facts.trusted ? believed(head) : 0;
    std::uint64_t dropped = kRewritten & ~kept;
    if (head.framing != Framing::chunked) {
        dropped |= nameSet(HeaderName::trailer);
    }
    if (head.maxForwards >= 0) [[unlikely]] {
        dropped |= nameSet(HeaderName::maxForwards);
    }
    writer.fields(head.fields, [&](const HeaderField& field) {
        sawForwardedFor |= field.id == HeaderName::xForwardedFor;
        return !field.hopByHop && !contains(dropped, field.id) &&
               (edits == nullptr || !drops(*edits, field.name));
    });
    const std::uint64_t left = edits == nullptr ? 0 : droppedNames(*edits);
    writeForwarded(head, facts, sawForwardedFor, kept | left, writer);
    if (!facts.via.empty() && !contains(left, HeaderName::via)) {
        writer.via(head.minorVersion, facts.via);
    }
    if (head.maxForwards > 0) [[unlikely]] {
        writer.field("Max-Forwards: ", static_cast<std::uint64_t>(head.maxForwards - 1));
    }
    writeFraming(head, writer);
    writeConnection(head, writer);
    if (edits != nullptr) {
        writer.add(edits->add);
        writer.add(edits->more);
    }
    writer.literal("\r\n");
    return static_cast<std::size_t>(writer.position() - out);
}

}  // namespace evergate::http
