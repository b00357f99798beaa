// SPDX-License-Identifier: Apache-2.0
// Which HAPROXY_ labels there are, and what becomes of those we do not act on. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::controller::marathon {

// "HAPROXY_0_VHOST" -> 0 and "VHOST"; nothing for labels of the app as a whole.
struct PortLabel {
    std::size_t index = 0;
    std::string_view name;
};

std::optional<PortLabel> splitPortLabel(std::string_view label) noexcept;

// What to say about a label that is there; empty: nothing. `ports`: how many service ports the app
// has.
std::string complaintAbout(std::string_view label, std::size_t ports);

}  // namespace evergate::controller::marathon
