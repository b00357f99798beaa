// SPDX-License-Identifier: Apache-2.0
// Quotes bytes a client chose, so that they can neither end a log line nor be taken for another
// field.
#pragma once

#include <string>
#include <string_view>

namespace evergate::http {

// A JSON string with its quotes. Valid UTF-8 stays; a byte that is not part of it becomes \u00XX.
void appendJsonString(std::string_view text, std::string& out);

// "-" when empty; as it is when it holds nothing but visible ASCII without quote and backslash;
// else in quotes, with \" \\ and \xXX.
void appendQuoted(std::string_view text, std::string& out);

}  // namespace evergate::http
