// SPDX-License-Identifier: Apache-2.0
// One key of the published configuration that changed: its content before and after (none: absent).
#pragma once

#include <map>
#include <optional>

#include "common/model/config.hpp"

namespace evergate::controller {

using Content = std::optional<model::ContentHash>;

struct KeyChange {
    model::Key key;
    Content before;
    Content after;
};

// What somebody holds under the keys where it may differ from what is desired.
using Holding = std::map<model::Key, Content>;

// The content of `key` in `config`.
inline Content contentOf(const model::Config& config, const model::Key& key) {
    const auto it = config.entries().find(key);
    return it == config.entries().end() ? Content{} : Content{it->second.hash};
}

}  // namespace evergate::controller
