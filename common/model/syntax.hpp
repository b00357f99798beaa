// SPDX-License-Identifier: Apache-2.0
// The syntax of the pieces of text in a value: pure predicates, shared by validation and by whoever
// builds values from cluster objects and wants to complain earlier.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::model {

// ASCII letters in lower case, all else as it is: how names of hosts and of header fields compare.
std::string lowerCase(std::string_view text);

enum class AddressFamily : std::uint8_t { ipv4, ipv6 };

// The family of an IP literal; nothing for host names, zones ("fe80::1%eth0") and brackets.
std::optional<AddressFamily> ipFamily(std::string_view text) noexcept;
// "0.0.0.0" or "::" in any spelling.
bool isUnspecifiedAddress(std::string_view text) noexcept;

// Lower-case letters, digits and inner hyphens in labels of 1..63, at most 253 in all, no trailing
// dot; `allowWildcard` also takes "*." before at least one label.
bool isHostName(std::string_view text, bool allowWildcard) noexcept;

// A host name or IP address ("[::1]" for IPv6), with ":port" or without: what Host can say.
bool isAuthority(std::string_view text);

// Starts with '/', printable ASCII without space: what can appear in a request line.
bool isPath(std::string_view text) noexcept;

// Name of a listener, backend or route: 1..1000 bytes of printable ASCII without space.
bool isName(std::string_view text) noexcept;

// A header field name (RFC 9110 token) in lower case, at most 256 bytes.
bool isLowerCaseToken(std::string_view text) noexcept;

// What may stand in a header field: visible ASCII with spaces and tabs inside, at most 4096 bytes.
bool isHeaderValue(std::string_view text) noexcept;

// False for header fields that only the proxy itself may write: those that frame a message, belong
// to one connection (RFC 9110 §7.6.1) or decide where a request goes. `name` is in lower case.
bool isEditableHeader(std::string_view name) noexcept;

// Where a matched prefix can be moved to: a path without query, empty elements and dot segments.
bool isRewritePrefix(std::string_view text) noexcept;

// Well-formed UTF-8 without control characters: text for people.
bool isDisplayText(std::string_view text) noexcept;

}  // namespace evergate::model
