// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "dataplane/http/compose.hpp"
#include "dataplane/http/head_edits.hpp"
#include "dataplane/http/head_reader.hpp"
#include "dataplane/http/head_writer.hpp"

namespace evergate::http {

namespace {

// All the text composeResponseBefore adds itself, numbers and date included.
constexpr std::size_t kOwnText = 256;

// 426 must say which protocol to upgrade to (RFC 9110 §15.5.22).
std::string_view upgradeOf(const ResponseHead& head) noexcept {
    if (head.status == 101 || head.status == 426) {
        for (const HeaderField& field : head.fields) {
            if (field.id == HeaderName::upgrade) {
                return field.value;
            }
        }
    }
    return {};
}

// How the client learns where the body ends. HTTP/1.0 has no chunks: there the close ends it.
Framing framingFor(const ResponseFacts& facts) noexcept {
    const bool noChunks = facts.framing == Framing::chunked && facts.clientMinorVersion == 0;
    return noChunks ? Framing::untilClose : facts.framing;
}

void writeConnection(const ResponseFacts& facts, Framing framing, std::string_view upgrade,
                     HeadWriter& writer) noexcept {
    const bool close = !facts.upgrade && (!facts.clientKeepAlive || framing == Framing::untilClose);
    if (!upgrade.empty()) {
        writer.literal("Connection: Upgrade");
        if (close) {
            writer.literal(", close");
        }
        writer.field("\r\nUpgrade: ", upgrade);
    } else if (close) {
        writer.literal("Connection: close\r\n");
    } else if (facts.clientMinorVersion == 0) {
        writer.literal("Connection: keep-alive\r\n");
    }
}

void writeLength(const ResponseHead& head, Framing framing, HeadWriter& writer) noexcept {
    if (framing == Framing::chunked) {
        writer.literal("Transfer-Encoding: chunked\r\n");
    } else if (framing == Framing::length || (framing == Framing::none && head.hasLength)) {
        writer.field("Content-Length: ", head.contentLength);
    }
}

}  // namespace

bool isUpgradeAmong(const ResponseHead& head, std::string_view asked) noexcept {
    const std::string_view agreed = upgradeOf(head);
    int count = 0;
    int known = 0;
    forEachElement(agreed, [&](std::string_view protocol) {
        bool found = false;
        forEachElement(
            asked, [&](std::string_view offered) { found |= equalsIgnoreCase(protocol, offered); });
        ++count;
        known += found ? 1 : 0;
    });
    return count != 0 && count == known;
}

std::size_t composedSizeBound(const ResponseHead& head) noexcept {
    return head.headBytes + head.fields.size() + upgradeOf(head).size() + kOwnText;
}

// The input may lie right before `end`, and is then overwritten from its front. What is written
// stays behind what is still to be read: the bound begins kOwnText and more before the input, and
// whatever is taken out of its order (the Upgrade value) is written first.
char* composeResponseBefore(const ResponseHead& head, const ResponseFacts& facts,
                            char* end) noexcept {
    const HeadEdits* const edits = facts.edits;
    char* const begin = end - composedSizeBound(head) - facts.added();
    const Framing framing = framingFor(facts);
    const bool final = head.status >= 200;
    const std::string_view upgrade =
        facts.upgrade || head.status == 426 ? upgradeOf(head) : std::string_view{};
    HeadWriter writer(begin);
    writer.literal("HTTP/1.1 ");
    writer.number(head.status);
    writer.literal(" ");
    writer.add(head.reason);
    writer.literal("\r\n");
    writeConnection(facts, framing, upgrade, writer);
    const std::uint64_t dropped = framing == Framing::chunked
                                      ? nameSet(HeaderName::contentLength)
                                      : nameSet(HeaderName::contentLength, HeaderName::trailer);
    bool sawServer = false;
    bool sawDate = false;
    writer.fields(head.fields, [&](const HeaderField& field) {
        sawServer |= field.id == HeaderName::server;
        sawDate |= field.id == HeaderName::date && !field.hopByHop;
        return !field.hopByHop && !contains(dropped, field.id) &&
               (edits == nullptr || !drops(*edits, field.name));
    });
    const std::uint64_t left = edits == nullptr ? 0 : droppedNames(*edits);
    if (final) {
        if (!sawDate && !facts.date.empty() && !contains(left, HeaderName::date)) {
            writer.field("Date: ", facts.date);
        }
        if (!facts.server.empty() && !sawServer && !contains(left, HeaderName::server)) {
            writer.field("Server: ", facts.server);
        }
    }
    if (!facts.via.empty() && !contains(left, HeaderName::via)) {
        writer.via(head.minorVersion, facts.via);
    }
    if (edits != nullptr) {
        writer.add(edits->add);
        writer.add(edits->more);
    }
    writeLength(head, framing, writer);
    writer.literal("\r\n");
    const auto length = static_cast<std::size_t>(writer.position() - begin);
    std::memmove(end - length, begin, length);
    return end - length;
}

}  // namespace evergate::http
