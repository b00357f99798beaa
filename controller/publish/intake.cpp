// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/intake.hpp"

#include <algorithm>
#include <utility>

namespace evergate::controller {

using model::Key;
using model::Kind;

void Intake::desired(model::Config config, std::uint64_t fullList, EventTime since, EventTime now,
                     std::uint64_t serial) {
    for (auto it = early_.begin(); it != early_.end();) {
        if (!config.entries().contains(Key{Kind::backend, it->first})) {
            ++it;
            continue;
        }
        const Key key{Kind::endpoints, it->first};
        if (!config.entries().contains(key)) {
            config.put(key, it->second);
        }
        it = early_.erase(it);
    }
    since = candidate_ ? std::min(since, candidate_->since) : since;
    candidate_ = Publication{std::move(config), fullList, since, serial};
    schedule_.event(now);
}

bool Intake::endpoints(const std::string& backend, const model::Entry& entry,
                       const model::Config& published) {
    const Key owner{Kind::backend, backend};
    const bool live = published.entries().contains(owner);
    if (candidate_ && candidate_->config.entries().contains(owner)) {
        candidate_->config.put(Key{Kind::endpoints, backend}, entry);
    } else if (!live) {
        if (early_.size() >= kMaxEarly) {
            early_.clear();  // the source has them all; this is only to be quick
        }
        early_[backend] = entry;
    }
    return live;
}

Intake::State Intake::poll(EventTime now, const model::Config& published) {
    if (!schedule_.due()) {
        return State::idle;
    }
    if (!schedule_.ready(now)) {
        return State::waiting;
    }
    schedule_.done();
    if (brake_.judge(published, candidate_->config, candidate_->fullList) ==
        DeleteBrake::Verdict::hold) {
        return State::held;
    }
    return State::ready;
}

Intake::Publication Intake::take() {
    Publication publication = std::move(*candidate_);
    candidate_.reset();
    return publication;
}

}  // namespace evergate::controller
