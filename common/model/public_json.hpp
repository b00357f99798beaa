// SPDX-License-Identifier: Apache-2.0
// A value as people may see it: encode() of json.hpp, but a Certificate without its key and with
// what its chain says instead of the chain. Everything an admin endpoint shows goes through here.
#pragma once

#include <string>

#include "common/model/values.hpp"

namespace evergate::model {

std::string encodePublic(const Value& value);

// "2026-11-21T08:00:00Z"
std::string timeText(std::int64_t secondsSince1970);

}  // namespace evergate::model
