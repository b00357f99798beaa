// SPDX-License-Identifier: Apache-2.0
// What becomes of a response on a route that compresses, by its head: whether it may get a content
// coding at all (RFC 9110 §7.7, §8.4, §15), and what its head then says (§8.8.1, §12.5.5). Pure.
//
// Other caches than the client's may keep the response: whatever could have been coded says `Vary:
// Accept-Encoding`, coded or not, and what is coded is another representation, equal only in
// meaning: its ETag is weak.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/http/compose.hpp"
#include "dataplane/http/content_coding.hpp"
#include "dataplane/http/head.hpp"

namespace evergate::http {

enum class CodingPlan : std::uint8_t {
    none,      // leave it alone
    vary,      // could have been coded, and is not
    code,      // coded; of a response to HEAD: its head says so
    weakTags,  // a 304 to a client that holds what we coded
};

// What the route and the request say.
struct CodingWish {
    const std::vector<std::string>& types;  // as isAmongTypes()
    std::uint64_t minBytes = 0;
    ContentCoding coding = ContentCoding::identity;  // AcceptedCodings::best()
    bool headRequest = false;
    bool weakTagHeld = false;  // If-None-Match names a weak one
};

// `edits`: those of the route, which may say a Content-Encoding of their own.
CodingPlan planCoding(const ResponseHead& head, const CodingWish& wish,
                      const HeadEdits& edits) noexcept;

// Marks those fields of `head` as left out that are said anew, and adds these to `text`, each with
// its CRLF (for HeadEdits::more). `framing` of the response must no longer be its length.
void applyPlan(CodingPlan plan, ContentCoding coding, const HeadEdits& edits, ResponseHead& head,
               std::string& text);

// Does an If-None-Match of the request name a weak tag?
bool holdsWeakTag(const RequestHead& head) noexcept;

}  // namespace evergate::http
