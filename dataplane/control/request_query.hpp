// SPDX-License-Identifier: Apache-2.0
// The target of an admin request taken apart: path and decoded query parameters.
//
// Pure; from outside, so everything malformed is refused and everything is bounded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace evergate::dataplane {

class RequestQuery {
public:
    static constexpr std::size_t kMaxBytes = 16'384;
    static constexpr std::size_t kMaxParameters = 64;

    // Nothing when the target is too long, has too many parameters or a malformed escape.
    static std::optional<RequestQuery> parse(std::string_view target);

    const std::string& path() const noexcept { return path_; }

    // The first value; empty when absent.
    std::string_view get(std::string_view name) const noexcept;
    bool has(std::string_view name) const noexcept;
    std::vector<std::string> all(std::string_view name) const;

private:
    std::string path_;
    std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace evergate::dataplane
