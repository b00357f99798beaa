// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/coded_response.hpp"

#include <algorithm>
#include <array>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/head_edits.hpp"
#include "dataplane/http/head_reader.hpp"

namespace evergate::http {

namespace {

constexpr std::string_view kVary = "vary";
constexpr std::string_view kTag = "etag";

// Fields that say something of the bytes as they are: a coding would make it wrong.
constexpr std::array<std::string_view, 6> kOfTheseBytes{
    "content-encoding", "content-range", "content-md5", "digest", "content-digest", "repr-digest"};

// Those whose content is the whole representation, or tells of an error.
bool hasContent(std::uint16_t status) noexcept {
    switch (status) {
        case 204:
        case 205:
        case 206:
        case 226:
            return false;
        default:
            return (status >= 200 && status < 300) || status >= 400;
    }
}

bool isWorthwhile(const ResponseHead& head, const CodingWish& wish) noexcept {
    const bool known = head.framing == Framing::length || head.hasLength;
    return !known || head.contentLength >= std::max<std::uint64_t>(wish.minBytes, 1);
}

bool forbidsTransform(std::string_view cacheControl) noexcept {
    bool found = false;
    forEachElement(cacheControl, [&](std::string_view directive) {
        found |= equalsIgnoreCase(directive, "no-transform");
    });
    return found;
}

// Its type is one of those, and nothing in it stands against a coding.
bool allowsCoding(const ResponseHead& head, const CodingWish& wish) noexcept {
    int types = 0;
    for (const HeaderField& field : head.fields) {
        if (equalsIgnoreCase(field.name, "content-type")) {
            if (++types > 1 || !isAmongTypes(field.value, wish.types)) {
                return false;
            }
        } else if (equalsIgnoreCase(field.name, "cache-control")) {
            if (forbidsTransform(field.value)) {
                return false;
            }
        } else if (std::any_of(
                       kOfTheseBytes.begin(), kOfTheseBytes.end(),
                       [&](std::string_view name) { return equalsIgnoreCase(field.name, name); })) {
            return false;
        }
    }
    return types == 1;
}

bool namesElement(std::string_view list, std::string_view wanted) noexcept {
    bool found = false;
    forEachElement(list, [&](std::string_view element) {
        found |= equalsIgnoreCase(element, wanted) || element == "*";
    });
    return found;
}

// One Vary with what all of them said, and ours.
void mergeVary(const HeadEdits& edits, ResponseHead& head, std::string& text) {
    const bool dropped = drops(edits, kVary);
    std::string merged;
    for (const HeaderField& field : head.fields) {
        if (dropped || field.hopByHop || !equalsIgnoreCase(field.name, kVary)) {
            continue;
        }
        if (namesElement(field.value, "accept-encoding")) {
            return;
        }
        if (!trimOws(field.value).empty()) {
            merged.append(field.value).append(", ");
        }
    }
    for (HeaderField& field : head.fields) {
        field.hopByHop |= equalsIgnoreCase(field.name, kVary);
    }
    text.append("Vary: ").append(merged).append("Accept-Encoding\r\n");
}

// What is no tag by the grammar could mean anything: it is left out.
void weakenTags(const HeadEdits& edits, ResponseHead& head, std::string& text) {
    for (HeaderField& field : head.fields) {
        if (field.hopByHop || !equalsIgnoreCase(field.name, kTag) ||
            field.value.starts_with("W/")) {
            continue;
        }
        field.hopByHop = true;
        if (field.value.starts_with('"') && !drops(edits, kTag)) {
            text.append("ETag: W/").append(field.value).append("\r\n");
        }
    }
}

}  // namespace

CodingPlan planCoding(const ResponseHead& head, const CodingWish& wish,
                      const HeadEdits& edits) noexcept {
    if (head.status == 304) {
        const bool ours = wish.weakTagHeld && wish.coding != ContentCoding::identity;
        return ours ? CodingPlan::weakTags : CodingPlan::none;
    }
    const bool bodiless = head.framing == Framing::none && !wish.headRequest;
    if (bodiless || !hasContent(head.status) || !isWorthwhile(head, wish) ||
        !allowsCoding(head, wish) || drops(edits, "content-encoding")) {
        return CodingPlan::none;
    }
    return wish.coding == ContentCoding::identity ? CodingPlan::vary : CodingPlan::code;
}

void applyPlan(CodingPlan plan, ContentCoding coding, const HeadEdits& edits, ResponseHead& head,
               std::string& text) {
    if (plan != CodingPlan::none) {
        mergeVary(edits, head, text);  // of a 304 as of the 200 it stands for (RFC 9110 §15.4.5)
    }
    if (plan == CodingPlan::weakTags || plan == CodingPlan::code) {
        weakenTags(edits, head, text);
    }
    if (plan != CodingPlan::code) {
        return;
    }
    text.append("Content-Encoding: ").append(name(coding)).append("\r\n");
    head.hasLength = false;  // of HEAD: what a GET would send has another
    for (HeaderField& field : head.fields) {
        field.hopByHop |= equalsIgnoreCase(field.name, "accept-ranges");
    }
}

bool holdsWeakTag(const RequestHead& head) noexcept {
    return std::any_of(head.fields.begin(), head.fields.end(), [](const HeaderField& field) {
        return equalsIgnoreCase(field.name, "if-none-match") &&
               field.value.find("W/\"") != std::string_view::npos;
    });
}

}  // namespace evergate::http
