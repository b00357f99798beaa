// SPDX-License-Identifier: Apache-2.0
// JSON of the Kubernetes API -> objects. Pure; nothing throws out of here.
//
// Tolerant of fields we do not read (API objects grow), strict about the type of those we do: a
// wrong type costs that object only. Problems name the object and the field path, and quote at most
// a few characters of a value.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>
#include <variant>

#include "common/model/json.hpp"
#include "controller/objects/objects.hpp"
#include "controller/source.hpp"

namespace evergate::controller {

struct DecodeProblem {
    std::optional<ObjectKey> key;  // when the kind and name could be read
    ObjectProblem problem;
};

using Decoded = std::variant<Object, DecodeProblem>;

// Larger objects are refused; etcd's own limit is 1.5 MiB.
inline constexpr std::size_t kMaxObjectBytes = 4 * 1024 * 1024;

// Of one text in a Secret; a chain of certificates takes some 6 KiB.
inline constexpr std::size_t kMaxSecretText = model::kMaxPemBytes;
inline constexpr std::size_t kMaxRevocationText = model::kMaxStringBytes;  // ca.crl

// One object that names its apiVersion and kind. Unknown for kinds we do not read.
Decoded decodeObject(std::string_view json);
Decoded decodeParsed(const nlohmann::json& json);

// One object whose kind is known from where it came: items of a typed List have none.
Decoded decodeAs(ResourceKind kind, std::string_view json);
Decoded decodeParsedAs(ResourceKind kind, const nlohmann::json& json);

}  // namespace evergate::controller
