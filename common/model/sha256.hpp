// SPDX-License-Identifier: Apache-2.0
// SHA-256 over a few pieces of text, for content and root hashes. Safe on any thread.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace evergate::model {

using Sha256Digest = std::array<std::uint8_t, 32>;

// The digest of the pieces one after another. Aborts when the crypto library cannot hash at all.
Sha256Digest sha256(std::initializer_list<std::string_view> pieces) noexcept;

}  // namespace evergate::model
