// SPDX-License-Identifier: Apache-2.0
// The last applied configuration on disk: format and the two generations. Blocking; one user at a
// time.
//
// A file is a header line with the SHA-256 of the rest, one line of facts, then "key value" lines.
// What does not check out is as good as absent: the older generation is taken, else nothing.
#pragma once

#include <array>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/config.hpp"

namespace evergate::dataplane {

struct SavedConfig {
    std::array<std::uint64_t, 2> versions{};  // by model::Lane
    std::string epoch;
    model::Config config;
};

std::string encodeSaved(const SavedConfig& saved);
std::optional<SavedConfig> decodeSaved(std::string_view text);

class LastKnownGood {
public:
    static constexpr std::size_t kMaxBytes = 512 * 1024 * 1024;

    struct Loaded {
        std::optional<SavedConfig> saved;
        std::vector<std::string> complaints;  // one line per generation that could not be used
    };

    explicit LastKnownGood(std::string directory);

    Loaded load() const;
    // Writes the new generation and keeps the one before; makes the folder when it is missing.
    boost::system::error_code store(const SavedConfig& saved) const;

    const std::string& current() const noexcept { return current_; }

    const std::string& previous() const noexcept { return previous_; }

private:
    std::string directory_;
    std::string current_;
    std::string previous_;
    std::string next_;
};

}  // namespace evergate::dataplane
