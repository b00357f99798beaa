// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/delete_brake.hpp"

namespace evergate::controller {

bool removesMost(const model::Config& published, const model::Config& next) {
    using model::Kind;
    if (published.count(Kind::listener) > 0 && next.count(Kind::listener) == 0) {
        return true;
    }
    const auto& entries = published.entries();
    std::size_t removed = 0;
    for (auto it = entries.lower_bound(model::Key{Kind::route, {}});
         it != entries.end() && it->first.kind == Kind::route; ++it) {
        removed += next.entries().contains(it->first) ? 0 : 1;
    }
    return removed * 2 > published.count(Kind::route);
}

DeleteBrake::Verdict DeleteBrake::judge(const model::Config& published, const model::Config& next,
                                        std::uint64_t fullList) {
    if (!removesMost(published, next) || (heldAt_ && fullList > *heldAt_)) {
        heldAt_.reset();
        return Verdict::pass;
    }
    heldAt_ = heldAt_.value_or(fullList);
    return Verdict::hold;
}

}  // namespace evergate::controller
