// SPDX-License-Identifier: Apache-2.0
// Holds back a change that removes more than half the routes or every listener until a later
// complete list of the source agrees: a half-answered list must not take the traffic down. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "common/model/config.hpp"

namespace evergate::controller {

class DeleteBrake {
public:
    enum class Verdict { pass, hold };

    // `fullList`: how many complete lists `next` is built on. A hold wants a relist.
    Verdict judge(const model::Config& published, const model::Config& next,
                  std::uint64_t fullList);

    bool holding() const noexcept { return heldAt_.has_value(); }

private:
    std::optional<std::uint64_t> heldAt_;
};

// True when going from `published` to `next` removes more than half the routes or all listeners.
bool removesMost(const model::Config& published, const model::Config& next);

}  // namespace evergate::controller
