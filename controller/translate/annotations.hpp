// SPDX-License-Identifier: Apache-2.0
// The evergate.io/* annotations: which there are, on what, and the parsers of their values. Pure.
//
// A value is parsed whole and strictly; a wrong one is a problem and only that annotation is
// ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "controller/objects/objects.hpp"
#include "controller/translate/match_syntax.hpp"
#include "controller/translate/problem_list.hpp"

namespace evergate::controller {

namespace annotation {
inline constexpr std::string_view kLoadBalance = "evergate.io/load-balance";
inline constexpr std::string_view kTcpPort = "evergate.io/tcp-port";
inline constexpr std::string_view kTcpServicePort = "evergate.io/tcp-service-port";
inline constexpr std::string_view kHttpPort = "evergate.io/http-port";
inline constexpr std::string_view kHttpServicePort = "evergate.io/http-service-port";
}  // namespace annotation

struct LoadBalance {
    model::BalanceAlgorithm algorithm = model::BalanceAlgorithm::roundRobin;
    model::HashOn hashOn = model::HashOn::clientAddress;
    std::string hashHeader;

    friend bool operator==(const LoadBalance&, const LoadBalance&) = default;
};

// round-robin | least-request | hash | hash:path | hash:header:NAME
std::variant<LoadBalance, SyntaxError> parseLoadBalance(std::string_view text);

// The value of an annotation of `object`, or nothing when it is absent or wrong (which is noted).
std::optional<LoadBalance> loadBalanceOf(const ObjectKey& object, const Metadata& metadata,
                                         ProblemList& problems);

// Notes every evergate.io/* annotation that means nothing on an object of this kind.
void reportUnknownAnnotations(const ObjectKey& object, const Metadata& metadata,
                              ProblemList& problems);

std::string annotationPath(std::string_view key);  // metadata.annotations["evergate.io/..."]

}  // namespace evergate::controller
