// SPDX-License-Identifier: Apache-2.0
// One call to parse a head given as a literal, for tables of cases.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "dataplane/http/head.hpp"

namespace evergate::http::testing {

// Owns the bytes its head points into.
struct ParsedRequest {
    std::unique_ptr<const std::string> bytes;
    RequestHead head;
    ParseResult result;
};

inline ParsedRequest parseRequest(std::string text, HeadLimits limits = {}) {
    ParsedRequest parsed;
    parsed.bytes = std::make_unique<const std::string>(std::move(text));
    std::size_t scanned = 0;
    parsed.result = parseRequestHead(*parsed.bytes, limits, scanned, parsed.head);
    return parsed;
}

struct ParsedResponse {
    std::unique_ptr<const std::string> bytes;
    ResponseHead head;
    ParseResult result;
};

inline ParsedResponse parseResponse(std::string text, bool requestWasHead = false,
                                    HeadLimits limits = {}) {
    ParsedResponse parsed;
    parsed.bytes = std::make_unique<const std::string>(std::move(text));
    std::size_t scanned = 0;
    parsed.result = parseResponseHead(*parsed.bytes, limits, requestWasHead, scanned, parsed.head);
    return parsed;
}

// A literal that may hold NUL bytes.
template <std::size_t N>
std::string bytes(const char (&literal)[N]) {
    return {literal, N - 1};
}

}  // namespace evergate::http::testing
