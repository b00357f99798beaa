// SPDX-License-Identifier: Apache-2.0
// The strict JSON codec of the model. Canonical: the same value gives the same bytes.
//
// Strict means: an unknown or repeated field, a wrong type, a number out of range or a string over
// its bound is a Problem naming the field; nothing throws out of here.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "common/model/values.hpp"

namespace evergate::model {

// Bounds on what is decoded, so that a peer cannot make us hold more than we promised.
inline constexpr std::size_t kMaxKeyBytes = 1024;
inline constexpr std::size_t kMaxStringBytes = 448 * 1024;  // lists of revoked certificates
inline constexpr std::size_t kMaxPemBytes = 64 * 1024;      // certificates, or a key
inline constexpr std::size_t kMaxEndpointsPerBackend = 20'000;

std::string encode(const Value& value);
std::variant<Value, Problem> decode(Kind kind, std::string_view json);

std::string encodeKey(const Key& key);  // "route/shop/cart/0"
std::variant<Key, Problem> decodeKey(std::string_view text);

}  // namespace evergate::model
