// SPDX-License-Identifier: Apache-2.0
// What the keys of TLS session tickets come from: one secret, a key for every six hours by HKDF
// (RFC 5869).
//
// Controllers with the same secret agree on the keys without a word to each other, and so do a
// controller and the one that takes its place; no key is ever stored. Pure but for random() and
// fromFile().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/rpc/limits.hpp"

namespace evergate::controller {

class TicketSecret {
public:
    static constexpr std::chrono::hours kPeriod = rpc::kTicketPeriod;
    static constexpr std::size_t kLeastBytes = 32;
    static constexpr std::size_t kMostBytes = 4096;

    explicit TicketSecret(std::string bytes) : bytes_(std::move(bytes)) {}

    // One that nobody else has; nothing when the system gives no randomness.
    static std::optional<TicketSecret> random();
    // Nothing, and `error` set, when the file cannot be read or is too short or too long.
    static std::optional<TicketSecret> fromFile(const std::string& path, std::string& error);

    static std::int64_t periodOf(std::chrono::system_clock::time_point time) noexcept;

    // Of that period, which seals; of the next one, because clocks differ; of the two before. Each
    // rpc::kTicketKeyBytes. Empty when the library fails.
    std::vector<std::string> keysOf(std::int64_t period) const;

private:
    std::string bytes_;
};

}  // namespace evergate::controller
