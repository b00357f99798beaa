// SPDX-License-Identifier: Apache-2.0
// What a BackendProtocol means for connections to endpoints.
#pragma once

#include "common/model/values.hpp"

namespace evergate::model {

constexpr bool usesTls(BackendProtocol protocol) noexcept {
    return protocol == BackendProtocol::https || protocol == BackendProtocol::h2;
}

constexpr bool speaksHttp2(BackendProtocol protocol) noexcept {
    return protocol == BackendProtocol::h2c || protocol == BackendProtocol::h2;
}

}  // namespace evergate::model
