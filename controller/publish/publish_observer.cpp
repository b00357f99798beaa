// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/publish_observer.hpp"

#include <array>

namespace evergate::controller {

std::string_view name(ResumeKind kind) noexcept {
    constexpr std::array<std::string_view, 4> kNames{"same", "diff", "keys", "snapshot"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name(model::Lane lane) noexcept {
    return lane == model::Lane::endpoints ? "endpoints" : "config";
}

}  // namespace evergate::controller
