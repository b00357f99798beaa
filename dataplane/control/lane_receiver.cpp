// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/lane_receiver.hpp"

#include <algorithm>
#include <utility>

#include "common/model/json.hpp"
#include "common/rpc/limits.hpp"

namespace evergate::dataplane {

using model::Lane;

namespace {

rpc::Error refusal(rpc::ErrorCode code, std::string message) {
    rpc::Error error;
    error.code = code;
    error.message = std::move(message);
    return error;
}

rpc::Error invalidKeys(std::vector<rpc::KeyProblem> problems) {
    rpc::Error error = refusal(rpc::ErrorCode::invalidKeys,
                               std::to_string(problems.size()) + " keys cannot be applied");
    problems.resize(std::min(problems.size(), rpc::kMaxProblems));
    error.problems = std::move(problems);
    return error;
}

rpc::Error invalidKeys(const std::vector<model::KeyedProblem>& problems) {
    std::vector<rpc::KeyProblem> named;
    named.reserve(problems.size());
    for (const model::KeyedProblem& entry : problems) {
        named.push_back({model::encodeKey(entry.key), entry.problem});
    }
    return invalidKeys(std::move(named));
}

// Sorts by key; false when a key stands in it twice.
bool sortOnce(model::Delta& delta) {
    const auto byKey = [](const auto& a, const auto& b) { return a.first < b.first; };
    std::sort(delta.upserts.begin(), delta.upserts.end(), byKey);
    std::sort(delta.deletes.begin(), delta.deletes.end());
    const auto sameKey = [](const auto& a, const auto& b) { return a.first == b.first; };
    if (std::adjacent_find(delta.upserts.begin(), delta.upserts.end(), sameKey) !=
            delta.upserts.end() ||
        std::adjacent_find(delta.deletes.begin(), delta.deletes.end()) != delta.deletes.end()) {
        return false;
    }
    return std::none_of(delta.deletes.begin(), delta.deletes.end(), [&](const model::Key& key) {
        const auto at = std::lower_bound(
            delta.upserts.begin(), delta.upserts.end(), key,
            [](const auto& upsert, const model::Key& wanted) { return upsert.first < wanted; });
        return at != delta.upserts.end() && at->first == key;
    });
}

}  // namespace

void LaneReceiver::connected(std::string epoch) {
    disconnected();
    epoch_ = std::move(epoch);
}

void LaneReceiver::disconnected() {
    ++connection_;
    for (LaneWork& work : lanes_) {
        work.staged.reset();
    }
}

std::optional<std::string> LaneReceiver::receive(rpc::Part&& part, std::size_t bytes, Reply reply) {
    const Lane lane = part.header.lane;
    const bool last = part.last;
    auto anomaly = stage(std::move(part), bytes);
    return anomaly || !last ? anomaly : commit(lane, reply);
}

std::optional<std::string> LaneReceiver::stage(rpc::Part&& part, std::size_t bytes) {
    LaneWork& work = lanes_[index(part.header.lane)];
    if (part.header.epoch != epoch_) {
        return "a transaction of another epoch";
    }
    if (work.busy) {
        return "a transaction before the last one was answered";
    }
    if (part.index == 0 && !work.staged) {
        work.staged = Staged();
        work.staged->header = part.header;
    }
    if (!work.staged || work.staged->next != part.index || work.staged->header != part.header) {
        return "a part out of order";
    }
    Staged& staged = *work.staged;
    ++staged.next;
    staged.bytes += bytes;
    for (auto& [key, value] : part.upserts) {
        for (model::Problem& problem : model::validate(key, value)) {
            staged.problems.push_back({model::encodeKey(key), std::move(problem)});
        }
        staged.delta.upserts.emplace_back(std::move(key), model::makeEntry(std::move(value)));
    }
    std::move(part.deletes.begin(), part.deletes.end(), std::back_inserter(staged.delta.deletes));
    std::move(part.refused.begin(), part.refused.end(), std::back_inserter(staged.problems));
    const std::size_t keys =
        staged.delta.upserts.size() + staged.delta.deletes.size() + staged.problems.size();
    if (staged.bytes > rpc::kMaxTransactionBytes || keys > rpc::kMaxTransactionKeys) {
        return "a transaction over the bound";
    }
    return std::nullopt;
}

std::optional<std::string> LaneReceiver::commit(Lane lane, const Reply& reply) {
    Staged staged = std::move(*lanes_[index(lane)].staged);
    lanes_[index(lane)].staged.reset();
    rpc::LaneState& state = states_[index(lane)];
    if (staged.header.target == state.root) {  // known already: a repeat, or a mere new version
        state.version = staged.header.version;
        reply(rpc::Ack{state.version, state.root});
        return std::nullopt;
    }
    if (staged.header.base != state.root) {
        reply(refusal(rpc::ErrorCode::baseMismatch, "the lane is not at that base"));
        return std::nullopt;
    }
    if (!staged.problems.empty()) {
        reply(invalidKeys(std::move(staged.problems)));
        return std::nullopt;
    }
    if (!sortOnce(staged.delta)) {
        return "a key twice in one transaction";
    }
    if (staged.header.snapshot) {
        if (staged.delta.upserts.empty()) {
            return "an empty snapshot";  // nothing said is no reason to delete everything
        }
        addDeletesOfSnapshot(staged);
    }
    const Outlook after = outlook(lane, staged.delta);
    if (after.root != staged.header.target || after.keys != staged.header.keyCount) {
        reply(refusal(rpc::ErrorCode::rootMismatch, "it leads to another root or key count"));
        return std::nullopt;
    }
    lane == Lane::config ? commitConfig(std::move(staged), reply)
                         : commitEndpoints(std::move(staged), reply);
    return std::nullopt;
}

void LaneReceiver::addDeletesOfSnapshot(Staged& staged) const {
    auto upsert = staged.delta.upserts.begin();
    for (const auto& [key, entry] : config_.entries()) {
        while (upsert != staged.delta.upserts.end() && upsert->first < key) {
            ++upsert;
        }
        const bool kept = upsert != staged.delta.upserts.end() && upsert->first == key;
        if (model::laneOf(key.kind) == staged.header.lane && !kept) {
            staged.delta.deletes.push_back(key);
        }
    }
}

LaneReceiver::Outlook LaneReceiver::outlook(Lane lane, const model::Delta& delta) const {
    Outlook after{config_.root(lane), keyCount(lane)};
    const auto& entries = config_.entries();
    const auto take = [&](const model::Key& key) {
        if (const auto at = entries.find(key); at != entries.end()) {
            after.root.remove(key, at->second.hash);
            --after.keys;
        }
    };
    for (const auto& [key, entry] : delta.upserts) {
        take(key);
        after.root.add(key, entry.hash);
        ++after.keys;
    }
    for (const model::Key& key : delta.deletes) {
        take(key);
    }
    return after;
}

void LaneReceiver::commitConfig(Staged&& staged, const Reply& reply) {
    auto next = std::make_shared<model::Config>(config_);
    model::apply(*next, staged.delta);
    const auto problems = model::crossCheck(*next);
    if (!problems.empty()) {
        return reply(invalidKeys(problems));
    }
    lanes_[index(Lane::config)].busy = true;
    const std::uint64_t version = staged.header.version;
    sink_.applyConfig(std::move(next), version,
                      [this, header = std::move(staged.header), delta = std::move(staged.delta),
                       reply, connection = connection_](std::vector<model::KeyedProblem> refused) {
                          if (refused.empty()) {
                              model::apply(config_, delta);
                              return finish(header, reply, connection);
                          }
                          lanes_[index(Lane::config)].busy = false;
                          if (connection == connection_) {
                              reply(invalidKeys(refused));
                          }
                          changed_(Lane::config);
                      });
}

void LaneReceiver::commitEndpoints(Staged&& staged, const Reply& reply) {
    lanes_[index(Lane::endpoints)].busy = true;
    model::apply(config_, staged.delta);
    sink_.applyEndpoints(staged.delta, staged.header.version,
                         [this, header = staged.header, reply, connection = connection_] {
                             finish(header, reply, connection);
                         });
}

void LaneReceiver::finish(const rpc::TransactionHeader& header, const Reply& reply,
                          std::uint64_t connection) {
    lanes_[index(header.lane)].busy = false;
    rpc::LaneState& state = states_[index(header.lane)];
    state = {header.version, header.target};
    if (connection == connection_) {
        reply(rpc::Ack{state.version, state.root});
    }
    changed_(header.lane);
}

void LaneReceiver::restore(model::Config config, const std::array<std::uint64_t, 2>& versions,
                           std::function<void(bool)> done) {
    for (;;) {
        const auto problems = model::crossCheck(config);
        bool erased = false;
        for (const model::KeyedProblem& entry : problems) {
            erased |= config.erase(entry.key);
        }
        if (!erased) {
            break;
        }
    }
    tryRestore(std::move(config), versions, std::move(done));
}

void LaneReceiver::tryRestore(model::Config config, std::array<std::uint64_t, 2> versions,
                              std::function<void(bool)> done) {
    lanes_[index(Lane::config)].busy = true;
    auto next = std::make_shared<const model::Config>(std::move(config));
    sink_.applyConfig(
        next, versions[0],
        [this, next, versions, done = std::move(done)](std::vector<model::KeyedProblem> refused) {
            lanes_[index(Lane::config)].busy = false;
            if (refused.empty()) {
                config_ = *next;
                for (const Lane lane : {Lane::config, Lane::endpoints}) {
                    states_[index(lane)] = {versions[index(lane)], config_.root(lane)};
                }
                return done(true);
            }
            model::Config rest = *next;
            bool erased = false;
            for (const model::KeyedProblem& entry : refused) {
                erased |= rest.erase(entry.key);
            }
            erased ? restore(std::move(rest), versions, done) : done(false);
        });
}

rpc::KeysPage LaneReceiver::keys(Lane lane, const std::optional<model::Key>& after) const {
    rpc::KeysPage page;
    std::size_t bytes = 0;
    const auto& entries = config_.entries();
    for (auto it = after ? entries.upper_bound(*after) : entries.begin(); it != entries.end();
         ++it) {
        if (model::laneOf(it->first.kind) != lane) {
            continue;
        }
        if (bytes > rpc::kPartBytes) {
            page.more = true;
            break;
        }
        bytes += it->first.name.size() + 64;
        page.keys.emplace_back(it->first, it->second.hash);
    }
    return page;
}

std::uint64_t LaneReceiver::keyCount(Lane lane) const {
    const std::size_t endpoints = config_.count(model::Kind::endpoints);
    return lane == Lane::endpoints ? endpoints : config_.entries().size() - endpoints;
}

}  // namespace evergate::dataplane
