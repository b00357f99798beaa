// SPDX-License-Identifier: Apache-2.0
// The data plane's side of the two lanes: collects parts, checks base, values, root hash and key
// count, hands what holds to the sink. Owns the applied configuration. No I/O.
//
// Control thread only. A transaction is all or nothing. An endpoints change costs its own size: the
// root it leads to is computed before anything is touched, so there is nothing to copy or take
// back. A config change goes to the sink as a complete candidate and becomes ours when the sink is
// done.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/rpc/message.hpp"
#include "dataplane/control/config_sink.hpp"

namespace evergate::dataplane {

class LaneReceiver {
public:
    using Answer = std::variant<rpc::Ack, rpc::Error>;
    using Reply = std::function<void(Answer)>;

    // `changed`: a lane has a new state (for last-known-good and whoever waits for the end of
    // work).
    LaneReceiver(ConfigSink& sink, std::function<void(model::Lane)> changed)
        : sink_(sink), changed_(std::move(changed)) {}

    const model::Config& config() const noexcept { return config_; }

    const rpc::LaneState& state(model::Lane lane) const { return states_[index(lane)]; }

    const std::array<rpc::LaneState, 2>& states() const noexcept { return states_; }

    // Work of either lane is under way at the sink.
    bool busy() const noexcept { return lanes_[0].busy || lanes_[1].busy; }

    // Serves a configuration from disk, without the keys the sink refuses. Before any part.
    void restore(model::Config config, const std::array<std::uint64_t, 2>& versions,
                 std::function<void(bool served)> done);

    // A new connection: forgets parts collected so far and whom to answer. `epoch` is the
    // controller's; every part must carry it.
    void connected(std::string epoch);
    void disconnected();

    // One part, `bytes` long on the wire. A text means the connection must close. `reply` is called
    // for the last part, once, unless the connection is gone by then.
    std::optional<std::string> receive(rpc::Part&& part, std::size_t bytes, Reply reply);

    // The keys of a lane after `after`, as many as go into one answer.
    rpc::KeysPage keys(model::Lane lane, const std::optional<model::Key>& after) const;

private:
    struct Staged {
        rpc::TransactionHeader header;
        std::uint32_t next = 0;
        std::size_t bytes = 0;
        model::Delta delta;
        std::vector<rpc::KeyProblem> problems;
    };

    struct LaneWork {
        std::optional<Staged> staged;
        bool busy = false;
    };

    struct Outlook {
        model::RootHash root;
        std::uint64_t keys = 0;
    };

    static std::size_t index(model::Lane lane) noexcept { return static_cast<std::size_t>(lane); }

    std::optional<std::string> stage(rpc::Part&& part, std::size_t bytes);
    std::optional<std::string> commit(model::Lane lane, const Reply& reply);
    void addDeletesOfSnapshot(Staged& staged) const;
    Outlook outlook(model::Lane lane, const model::Delta& delta) const;
    void commitConfig(Staged&& staged, const Reply& reply);
    void commitEndpoints(Staged&& staged, const Reply& reply);
    void finish(const rpc::TransactionHeader& header, const Reply& reply, std::uint64_t connection);
    void tryRestore(model::Config config, std::array<std::uint64_t, 2> versions,
                    std::function<void(bool)> done);
    std::uint64_t keyCount(model::Lane lane) const;

    ConfigSink& sink_;
    std::function<void(model::Lane)> changed_;
    model::Config config_;
    std::array<rpc::LaneState, 2> states_{};
    std::array<LaneWork, 2> lanes_;
    std::string epoch_;
    std::uint64_t connection_ = 0;
};

}  // namespace evergate::dataplane
