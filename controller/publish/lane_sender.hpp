// SPDX-License-Identifier: Apache-2.0
// One lane of one data plane: what it holds, what is on its way, what it refused. No I/O.
//
// Instead of a copy of the configuration it keeps only where the data plane differs from the
// published one, so a change costs its own size. At most one transaction is in flight; what changes
// meanwhile goes into the next one. A refused key keeps the data plane's old value until the
// published value changes; a kept value that then breaks others is taken away.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/model/validation.hpp"
#include "common/rpc/transaction_writer.hpp"
#include "controller/publish/key_change.hpp"
#include "controller/publish/published_state.hpp"
#include "controller/source.hpp"

namespace evergate::controller {

class LaneSender {
public:
    LaneSender(model::Lane lane, const PublishedState& published)
        : lane_(lane), published_(published) {}

    // Starts from what the data plane reports. `differs`: what it holds where it may differ from
    // the published configuration. `snapshot`: it holds nothing.
    void resume(const rpc::LaneState& applied, Holding differs, bool snapshot);

    // The published configuration changed. Changes of the other lane are ignored.
    void published(const std::vector<KeyChange>& changes, EventTime since);

    // What to send now; none while a transaction is in flight or nothing differs.
    std::optional<rpc::Transaction> next();

    bool inFlight() const noexcept { return flight_.has_value(); }

    // True when `ack` fits what is in flight.
    bool acknowledge(const rpc::Ack& ack);

    // The oldest event in the transaction acknowledged last.
    std::optional<EventTime> ackedSince() const noexcept { return ackedSince_; }

    // The transaction in flight was refused because of these keys. False when that leads nowhere.
    bool reject(const std::vector<rpc::KeyProblem>& problems);
    std::vector<model::KeyedProblem> rejected() const;
    // A refused listener may have found its port taken, which passes: offers what was refused
    // again. False when no listener was refused, as the values themselves decide everything else.
    bool offerListenersAgain();

    const rpc::LaneState& applied() const noexcept { return applied_; }

    // Whether the data plane has, or has had since it connected, this version of the published
    // configuration or a later one; but for what it refused.
    bool holds(std::uint64_t version) const noexcept {
        return acknowledged_ >= version || converged();
    }

    bool converged() const noexcept { return applied_.root == published_.config().root(lane_); }

private:
    struct Flight {
        rpc::TransactionHeader header;
        Holding sent;
        std::optional<EventTime> since;
    };

    struct Rejection {
        Content content;       // that was refused
        bool dropped = false;  // the kept old value had to go, too
        model::Problem problem;
    };

    // What the data plane is to hold under `key`; false: leave it as it is.
    bool wanted(const model::Key& key, Content& content) const;
    bool rejectKey(const model::Key& key, const model::Problem& problem);

    model::Lane lane_;
    const PublishedState& published_;
    rpc::LaneState applied_;
    std::uint64_t keyCount_ = 0;
    Holding differs_;
    std::map<model::Key, Rejection> rejected_;
    std::optional<Flight> flight_;
    std::optional<EventTime> waitingSince_;
    std::optional<EventTime> ackedSince_;
    std::uint64_t acknowledged_ = 0;  // version, over this connection
    std::uint64_t transaction_ = 0;
    bool snapshot_ = false;
    bool dirty_ = false;
};

}  // namespace evergate::controller
