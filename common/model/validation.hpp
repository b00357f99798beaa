// SPDX-License-Identifier: Apache-2.0
// Which values make sense. Used by the controller before it publishes and by the data plane before
// it applies: neither trusts the other.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "common/model/config.hpp"

namespace evergate::model {

inline constexpr std::size_t kMaxNetworks = 1024;  // of one list
inline constexpr std::size_t kMaxGrpcService = 256;

// Problems of one value looked at alone (ports, addresses, bounds, host and path syntax).
std::vector<Problem> validate(const Key& key, const Value& value);

struct KeyedProblem {
    Key key;
    Problem problem;
};

// Problems between values: routes naming absent backends or listeners, tcp listeners naming absent
// backends, two listeners on one address and port, two routes with the same match. Never about
// Endpoints: those may arrive before their Backend and outlive it.
std::vector<KeyedProblem> crossCheck(const Config& config);

}  // namespace evergate::model
