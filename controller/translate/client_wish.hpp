// SPDX-License-Identifier: Apache-2.0
// What the annotations of an Ingress say about the certificates of clients.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/model/values.hpp"

namespace evergate::controller {

struct ClientWish {
    std::optional<model::ClientCertificates> mode;
    std::optional<std::string> authorities;  // a Secret: NAME or NAMESPACE/NAME, as written
    std::optional<std::uint32_t> depth;

    // Whoever names authorities wants them asked.
    model::ClientCertificates asked() const noexcept {
        return mode.value_or(authorities ? model::ClientCertificates::required
                                         : model::ClientCertificates::off);
    }
};

}  // namespace evergate::controller
