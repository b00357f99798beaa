// SPDX-License-Identifier: Apache-2.0
// Recognises the header names the proxy acts on, and says what may cross it.
#pragma once

#include <string_view>

#include "common/model/values.hpp"
#include "dataplane/http/head.hpp"

namespace evergate::http {

// `name` is a token (only token characters), in any case.
HeaderName headerNameOf(std::string_view name) noexcept;

// Names that end at this connection whatever `Connection` says (RFC 9110 §7.6.1), and those that
// must not reach an upstream at all: credentials meant for a proxy, and "Proxy" (CGI's HTTP_PROXY).
bool isHopByHop(HeaderName id) noexcept;

// False for fields that decide framing, routing, authentication or how content is processed: those
// must not come after the body (RFC 9110 §6.5.1).
bool isAllowedInTrailer(std::string_view name) noexcept;

// X-SSL-Client-..., with '_' for '-' too: what backends are told about client certificates, and
// what some would take for that.
bool isClientIdentity(std::string_view name) noexcept;

bool hasUnderscore(std::string_view name) noexcept;

// `remove` marks the fields with '_' in their name hop-by-hop, so that they are not forwarded.
// False when there is one and the rule is to refuse it.
bool restrictUnderscores(RequestHead& head, model::HeaderUnderscores rule) noexcept;

}  // namespace evergate::http
