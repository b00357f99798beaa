// SPDX-License-Identifier: Apache-2.0
// What the annotations of an Ingress say about the certificates of clients.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/model/values.hpp"
#include "controller/translate/translate_options.hpp"

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

// `wish` with what holds where nobody says anything filled in. True: it said nothing else itself.
inline bool complete(ClientWish& wish, const ClientDefaults& usual) {
    if (usual.mode == model::ClientCertificates::off || !usual.authorities) {
        return false;
    }
    const bool silent = !wish.mode && !wish.authorities;
    if (silent) {
        wish.mode = usual.mode;
    }
    if (!wish.authorities) {
        wish.authorities = usual.authorities->ns + '/' + usual.authorities->name;
    }
    wish.depth = wish.depth.value_or(usual.depth);
    return silent;
}

}  // namespace evergate::controller
