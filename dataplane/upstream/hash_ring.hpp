// SPDX-License-Identifier: Apache-2.0
// Consistent hashing: points of every endpoint on a ring of 2^32; a key belongs to the next point.
//
// Depends only on the endpoints' texts and weights, so every worker and replica agrees; when an
// endpoint leaves, only its own keys move. Pure value; one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace evergate::upstream {

class HashRing {
public:
    struct Member {
        std::string_view name;
        std::uint32_t weight;  // 0: not on the ring
    };

    // Members are known by their index from here on.
    void build(std::span<const Member> members);
    void clear() noexcept;

    bool empty() const noexcept { return points_.empty(); }

    std::size_t size() const noexcept { return points_.size(); }

    // Where a key lands; then go on with next() until a member suits. Requires !empty().
    std::size_t locate(std::uint64_t hash) const noexcept;

    std::size_t next(std::size_t position) const noexcept {
        return position + 1 == points_.size() ? 0 : position + 1;
    }

    std::uint32_t member(std::size_t position) const noexcept { return points_[position].member; }

private:
    struct Point {
        std::uint32_t hash;
        std::uint32_t member;
    };

    std::vector<Point> points_;  // sorted by hash
};

// Stable across builds and machines: used for keys (header values, paths) and members.
std::uint64_t stableHash(std::string_view text) noexcept;

}  // namespace evergate::upstream
