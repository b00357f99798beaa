// SPDX-License-Identifier: Apache-2.0
// Finds one cookie in a Cookie header (RFC 6265 §4.2.1). Pure, allocates nothing.
#pragma once

#include <string_view>

namespace evergate::http {

// The value of the first cookie called exactly `name`, as sent; empty when there is none. Pairs are
// separated by ';' alone; what is no pair is passed over.
std::string_view findCookie(std::string_view header, std::string_view name) noexcept;

}  // namespace evergate::http
