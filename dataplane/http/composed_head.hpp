// SPDX-License-Identifier: Apache-2.0
// Reads heads that we wrote ourselves: those that leave in another form than text (HTTP/2), and
// those that were checked field by field when they became text.
//
// What parseRequestHead() and parseResponseHead() make of the same bytes, several times cheaper:
// lines and fields are found, not checked. Safe with any bytes, but never to be believed about a
// peer's. Pure.
#pragma once

#include <span>
#include <string_view>

#include "dataplane/http/head.hpp"

namespace evergate::http {

// `incomplete`: the empty line is not there yet; `error`: that is no head of ours. RequestHead has
// method, target, authority, fields, framing, upgrade, teTrailers and head; the rest is as cleared.
// Host may be empty.
ParseStatus readComposedRequest(std::string_view text, RequestHead& out);

// ResponseHead has all but keepAlive.
ParseStatus readComposedResponse(std::string_view text, bool requestWasHead, ResponseHead& out);
// The same, told where the fields are behind the first line.
ParseStatus readComposedResponse(std::string_view text, std::span<const FieldPlace> places,
                                 bool requestWasHead, ResponseHead& out);

}  // namespace evergate::http
