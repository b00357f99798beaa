// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/hash_ring.hpp"

#include <algorithm>

namespace evergate::upstream {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15u;

std::uint64_t mix(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// Points of the heaviest member. Fewer when there are many members, so that the ring stays small;
// the points that remain are the same ones, so crossing a step moves few keys.
std::uint32_t pointsPerMember(std::size_t members) noexcept {
    if (members <= 256)
        return 128;
    return members <= 2048 ? 32 : 8;
}

}  // namespace

std::uint64_t stableHash(std::string_view text) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return mix(hash);
}

void HashRing::build(std::span<const Member> members) {
    points_.clear();
    std::uint32_t heaviest = 0;
    for (const Member& member : members)
        heaviest = std::max(heaviest, member.weight);
    const std::uint64_t most = pointsPerMember(members.size());
    for (std::uint32_t index = 0; index < members.size(); ++index) {
        const Member& member = members[index];
        if (member.weight == 0)
            continue;
        const std::uint64_t count = (most * member.weight + heaviest - 1) / heaviest;
        const std::uint64_t seed = stableHash(member.name);
        for (std::uint64_t k = 1; k <= count; ++k)
            points_.push_back({static_cast<std::uint32_t>(mix(seed + k * kGolden) >> 32), index});
    }
    points_.shrink_to_fit();
    std::sort(points_.begin(), points_.end(), [](const Point& a, const Point& b) {
        return a.hash != b.hash ? a.hash < b.hash : a.member < b.member;
    });
}

void HashRing::clear() noexcept {
    std::vector<Point>().swap(points_);
}

std::size_t HashRing::locate(std::uint64_t hash) const noexcept {
    // Mixed again: keys may be poor hashes.
    const auto key = static_cast<std::uint32_t>(mix(hash) >> 32);
    const auto it = std::lower_bound(
        points_.begin(), points_.end(), key,
        [](const Point& point, std::uint32_t value) { return point.hash < value; });
    return it == points_.end() ? 0 : static_cast<std::size_t>(it - points_.begin());
}

}  // namespace evergate::upstream
