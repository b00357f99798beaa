// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/lane_sender.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/model/json.hpp"

namespace evergate::controller {

void LaneSender::resume(const rpc::LaneState& applied, Holding differs, bool snapshot) {
    applied_ = applied;
    differs_ = std::move(differs);
    snapshot_ = snapshot;
    dirty_ = true;
    keyCount_ = published_.count(lane_);
    for (const auto& [key, held] : differs_) {
        const bool desired = published_.config().entries().contains(key);
        keyCount_ += held && !desired ? 1 : 0;
        keyCount_ -= !held && desired ? 1 : 0;
    }
}

void LaneSender::published(const std::vector<KeyChange>& changes, EventTime since) {
    for (const KeyChange& change : changes) {
        if (model::laneOf(change.key.kind) != lane_) {
            continue;
        }
        differs_.emplace(change.key, change.before);
        dirty_ = true;
        waitingSince_ = waitingSince_ ? std::min(*waitingSince_, since) : since;
        const auto refused = rejected_.find(change.key);
        if (refused != rejected_.end() && refused->second.content != change.after) {
            rejected_.clear();  // what was refused because of this one gets its chance, too
        }
    }
}

bool LaneSender::wanted(const model::Key& key, Content& content) const {
    content = contentOf(published_.config(), key);
    const auto refused = rejected_.find(key);
    if (refused == rejected_.end()) {
        return true;
    }
    content.reset();
    return refused->second.dropped;
}

std::optional<rpc::Transaction> LaneSender::next() {
    if (flight_ || !dirty_) {
        return std::nullopt;
    }
    dirty_ = false;
    rpc::Transaction transaction;
    Flight flight;
    model::RootHash target = applied_.root;
    std::uint64_t count = keyCount_;
    for (auto it = differs_.begin(); it != differs_.end();) {
        const auto& [key, held] = *it;
        Content content;
        const bool may = wanted(key, content);
        if (!may || held == content) {
            it = rejected_.contains(key) ? std::next(it) : differs_.erase(it);
            continue;
        }
        if (held) {
            target.remove(key, *held);
            --count;
        }
        if (content) {
            target.add(key, *content);
            ++count;
            transaction.delta.upserts.emplace_back(*published_.config().entries().find(key));
        } else {
            transaction.delta.deletes.push_back(key);
        }
        flight.sent.emplace(key, content);
        ++it;
    }
    if (flight.sent.empty()) {
        acknowledged_ = published_.version(lane_);  // it has, or refused, all there is
        waitingSince_.reset();
        return std::nullopt;
    }
    flight.header = {
        lane_,  published_.epoch(), ++transaction_, published_.version(lane_), applied_.root,
        target, snapshot_,          count};
    flight.since = std::exchange(waitingSince_, std::nullopt);
    transaction.header = flight.header;
    flight_ = std::move(flight);
    return transaction;
}

bool LaneSender::acknowledge(const rpc::Ack& ack) {
    if (!flight_ || ack.version != flight_->header.version || ack.root != flight_->header.target) {
        return false;
    }
    applied_ = {ack.version, ack.root};
    acknowledged_ = ack.version;
    keyCount_ = flight_->header.keyCount;
    for (const auto& [key, sent] : flight_->sent) {
        if (sent == contentOf(published_.config(), key)) {
            differs_.erase(key);
        } else {
            differs_[key] = sent;
        }
    }
    ackedSince_ = flight_->since;
    flight_.reset();
    snapshot_ = false;
    dirty_ = true;
    return true;
}

bool LaneSender::reject(const std::vector<rpc::KeyProblem>& problems) {
    if (!flight_) {
        return false;
    }
    bool progress = false;
    for (const rpc::KeyProblem& entry : problems) {
        const auto key = model::decodeKey(entry.key);
        if (const auto* known = std::get_if<model::Key>(&key)) {
            progress |= model::laneOf(known->kind) == lane_ && rejectKey(*known, entry.problem);
        }
    }
    if (flight_->since) {
        waitingSince_ = waitingSince_ ? std::min(*waitingSince_, *flight_->since) : *flight_->since;
    }
    flight_.reset();
    dirty_ = true;
    return progress;
}

bool LaneSender::rejectKey(const model::Key& key, const model::Problem& problem) {
    const Content desired = contentOf(published_.config(), key);
    const auto sent = flight_->sent.find(key);
    const auto before = rejected_.find(key);
    if (before != rejected_.end() && before->second.dropped) {
        return false;  // refused although it is gone: nothing left to try
    }
    if (sent != flight_->sent.end()) {
        if (sent->second == desired) {
            rejected_[key] = {desired, false, problem};
        }
        return true;  // else it has changed meanwhile and is sent anew
    }
    // Not part of the transaction: what the data plane still has there does not go with the rest.
    rejected_[key] = {desired, true, before == rejected_.end() ? problem : before->second.problem};
    differs_.emplace(key, desired);
    return true;
}

bool LaneSender::offerListenersAgain() {
    if (std::none_of(rejected_.begin(), rejected_.end(),
                     [](const auto& entry) { return entry.first.kind == model::Kind::listener; })) {
        return false;
    }
    rejected_.clear();
    dirty_ = true;
    return true;
}

std::vector<model::KeyedProblem> LaneSender::rejected() const {
    std::vector<model::KeyedProblem> problems;
    for (const auto& [key, rejection] : rejected_) {
        problems.push_back({key, rejection.problem});
    }
    return problems;
}

}  // namespace evergate::controller
