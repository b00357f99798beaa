// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/status_plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "controller/translate/class_selector.hpp"

namespace evergate::controller::writeback {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{1'000};
constexpr milliseconds kLongestDelay{300'000};
constexpr unsigned kMostDoublings = 9;

}  // namespace

std::string StatusWrite::target() const {
    return "/apis/networking.k8s.io/v1/namespaces/" + name.ns + "/ingresses/" + name.name +
           "/status?fieldManager=evergate-controller";
}

std::string StatusWrite::body() const {
    Json list = nullptr;  // in a merge patch: take the field away
    if (!addresses.empty()) {
        list = Json::array();
        for (const auto& each : addresses) {
            Json entry = Json::object();
            if (!each.ip.empty()) {
                entry["ip"] = each.ip;
            }
            if (!each.hostname.empty()) {
                entry["hostname"] = each.hostname;
            }
            list.push_back(std::move(entry));
        }
    }
    const Json patch{{"metadata", {{"uid", uid}, {"resourceVersion", resourceVersion}}},
                     {"status", {{"loadBalancer", {{"ingress", std::move(list)}}}}}};
    return patch.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void StatusPlan::observe(const ObjectStore& store, const TranslateOptions& options,
                         std::uint64_t serial, const std::set<ObjectName>& refused) {
    const ClassSelector selector(store, options);
    for (const auto& [name, ingress] : store.ingresses()) {
        const bool ours = selector.selects(ingress);
        auto it = entries_.find(name);
        if (it == entries_.end() && !ours) {
            continue;
        }
        if (it == entries_.end()) {
            it = entries_.try_emplace(name).first;
            it->second.announced = baseline_;
        }
        Entry& entry = it->second;
        take(entry, ingress, ours, serial);
        entry.refused = refused.contains(name);
        if (ours && !entry.announced) {
            unannounced_.insert(name);
        } else {
            unannounced_.erase(name);
        }
        if (wanted(entry, ingress)) {
            candidates_.insert(name);
        } else {
            candidates_.erase(name);
        }
    }
    std::erase_if(entries_, [&](const auto& each) {
        const auto found = store.ingresses().find(each.first);
        const bool gone = found == store.ingresses().end() ||
                          (!each.second.ours && !awaitsEcho(each.second, found->second) &&
                           !wanted(each.second, found->second));
        if (gone) {
            candidates_.erase(each.first);
            unannounced_.erase(each.first);
        }
        return gone;
    });
    baseline_ = false;
}

void StatusPlan::take(Entry& entry, const Ingress& ingress, bool ours, std::uint64_t serial) {
    const Metadata& metadata = ingress.metadata;
    const bool another = entry.uid != metadata.uid;
    const bool changed =
        std::tie(entry.uid, entry.generation, entry.annotations, entry.ours) !=
        std::forward_as_tuple(metadata.uid, metadata.generation, metadata.annotations, ours);
    if (!changed) {
        return;
    }
    const bool first = entry.since == 0;
    entry.announced = first && entry.announced;
    entry.told = false;
    entry.uid = metadata.uid;
    entry.generation = metadata.generation;
    entry.annotations = metadata.annotations;
    entry.ours = ours;
    entry.since = serial;
    entry.failures = 0;
    entry.notBefore = {};
    if (another) {
        entry.wrote.reset();
        entry.wroteOver.clear();
    }
}

bool StatusPlan::awaitsEcho(const Entry& entry, const Ingress& ingress) {
    return !entry.wroteOver.empty() && entry.wroteOver == ingress.metadata.resourceVersion;
}

std::optional<Addresses> StatusPlan::wanted(const Entry& entry, const Ingress& ingress) const {
    if (awaitsEcho(entry, ingress)) {
        return std::nullopt;
    }
    const auto present = sorted(ingress.published);
    if (entry.ours) {
        const bool write = !entry.refused && !addresses_.empty() && present != addresses_;
        return write ? std::optional(addresses_) : std::nullopt;
    }
    // The addresses themselves tell what we wrote, also when another of our controllers did.
    const bool ourWriting = present == (entry.wrote ? *entry.wrote : addresses_);
    return !present.empty() && ourWriting ? std::optional(Addresses{}) : std::nullopt;
}

std::optional<StatusWrite> StatusPlan::next(const ObjectStore& store, std::uint64_t acknowledged,
                                            Time now) {
    std::optional<StatusWrite> later;  // one that failed lets the others go first
    for (auto it = candidates_.begin(); it != candidates_.end();) {
        const auto entry = entries_.find(*it);
        const auto ingress = store.ingresses().find(*it);
        auto addresses = entry == entries_.end() || ingress == store.ingresses().end()
                             ? std::nullopt
                             : wanted(entry->second, ingress->second);
        if (!addresses) {
            it = candidates_.erase(it);
            continue;
        }
        // A newer form than the one observed waits for its own turn.
        if (entry->second.since <= acknowledged && entry->second.notBefore <= now &&
            entry->second.generation == ingress->second.metadata.generation) {
            const Metadata& metadata = ingress->second.metadata;
            StatusWrite write{*it, metadata.uid, metadata.resourceVersion, std::move(*addresses),
                              ingress->second.published.empty()};
            if (entry->second.failures == 0) {
                return write;
            }
            if (!later) {
                later = std::move(write);
            }
        }
        ++it;
    }
    return later;
}

void StatusPlan::onOutcome(const StatusWrite& write, Outcome outcome, Time now) {
    const auto it = entries_.find(write.name);
    if (it == entries_.end()) {
        return;
    }
    Entry& entry = it->second;
    switch (outcome) {
        case Outcome::written:
            // The same again: somebody else writes there, too. Not a race to join.
            if (entry.wrote && *entry.wrote == write.addresses) {
                delay(entry, now);
            } else {
                entry.failures = 0;
            }
            entry.wrote = write.addresses;
            entry.wroteOver = write.resourceVersion;
            if (write.first && !entry.told && entry.ours) {
                entry.told = entry.announced = true;
                unannounced_.erase(write.name);
                effective_.push_back(write.name);
            }
            break;
        case Outcome::conflict:
            entry.wroteOver = write.resourceVersion;
            break;
        case Outcome::gone:
            break;
        case Outcome::failed:
            return delay(entry, now);
        case Outcome::refused:
            entry.failures = kMostDoublings;
            return delay(entry, now);
    }
    candidates_.erase(write.name);
}

void StatusPlan::delay(Entry& entry, Time now) {
    const auto doublings = std::min(entry.failures++, kMostDoublings);
    entry.notBefore = now + std::min(kFirstDelay * (1 << doublings), kLongestDelay);
}

std::optional<StatusPlan::Time> StatusPlan::due(std::uint64_t acknowledged) const {
    std::optional<Time> first;
    for (const auto& name : candidates_) {
        const auto it = entries_.find(name);
        if (it != entries_.end() && it->second.since <= acknowledged) {
            first = first ? std::min(*first, it->second.notBefore) : it->second.notBefore;
        }
    }
    return first;
}

std::vector<ObjectName> StatusPlan::newlyEffective(std::uint64_t acknowledged) {
    auto effective = std::exchange(effective_, {});
    for (auto it = unannounced_.begin(); it != unannounced_.end();) {
        const auto entry = entries_.find(*it);
        const bool inEffect = entry != entries_.end() && entry->second.since <= acknowledged;
        if (!inEffect || entry->second.refused) {
            ++it;
            continue;
        }
        entry->second.told = entry->second.announced = true;
        effective.push_back(*it);
        it = unannounced_.erase(it);
    }
    return effective;
}

void StatusPlan::forget() {
    entries_.clear();
    candidates_.clear();
    unannounced_.clear();
    effective_.clear();
    baseline_ = true;
}

}  // namespace evergate::controller::writeback
