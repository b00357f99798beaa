// SPDX-License-Identifier: Apache-2.0
// The text of one manifest file -> the objects in it. Pure; nothing throws out of here.
//
// Takes YAML with several documents, JSON, Lists, and what `kubectl get -o json` prints. A file
// that is not well-formed is refused whole, with the line; an object that is wrong costs that
// object.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/directory/yaml_reader.hpp"
#include "controller/objects/decode.hpp"

namespace evergate::controller::directory {

inline constexpr std::size_t kMaxFileBytes = 16 * 1024 * 1024;

struct ManifestObject {
    Object object;
    int line = 0;  // 0: not known
};

struct ManifestProblem {
    DecodeProblem problem;
    int line = 0;
};

struct Manifest {
    std::vector<ManifestObject> objects;  // of kinds we read
    std::vector<ManifestProblem> problems;
    std::size_t skipped = 0;  // objects of other kinds
};

enum class ManifestFormat { yaml, json };

// By its ending; nothing for names that are not manifests: hidden, "x.tmp", "x~", "x.txt".
std::optional<ManifestFormat> formatOf(std::string_view fileName);

std::variant<Manifest, SyntaxProblem> readManifest(ManifestFormat format, std::string_view text);

}  // namespace evergate::controller::directory
