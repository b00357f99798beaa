// SPDX-License-Identifier: Apache-2.0
// Keeps every connected data plane at the published configuration: owns it, the RPC listener and
// the links. Controller thread. A slow or broken data plane costs itself only: nothing here waits
// for one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/process/logging.hpp"
#include "common/rpc/listener.hpp"
#include "controller/publish/dataplane_link.hpp"
#include "controller/publish/ticket_secret.hpp"

namespace evergate::controller {

// One step of a lane, for /api/v1/revisions.
struct Revision {
    model::Lane lane = model::Lane::config;
    std::uint64_t version = 0;
    std::size_t upserts = 0;
    std::size_t deletes = 0;
    std::chrono::system_clock::time_point at;
};

// One version per lane, indexed by model::Lane.
using Versions = std::array<std::uint64_t, 2>;

struct DataplaneStatus {
    std::string nodeId;
    std::string build;
    std::array<rpc::LaneState, 2> applied;
    std::array<bool, 2> converged{};
    std::size_t rejected = 0;
};

class Publisher final : private LinkOwner {
public:
    static constexpr std::size_t kMaxRevisions = 100;

    Publisher(boost::asio::io_context& io, std::string epoch, process::Logger logger,
              PublishObserver& observer, std::function<void()> relistWanted);
    ~Publisher();

    // False and `error` set when the address cannot be used.
    bool listen(const rpc::Address& address, const rpc::TlsFiles& files, std::string& error);

    std::uint16_t port() const { return listener_ ? listener_->port() : 0; }

    // Data planes get keys of session tickets from here on; before: none.
    void useTicketSecret(TicketSecret secret);

    // No more data planes; those connected are dropped.
    void stop();

    void publish(model::Config next, std::uint64_t fullList, EventTime since);
    void publishEndpoints(const model::Key& key, model::Entry entry, EventTime since);

    const PublishedState& state() const noexcept { return state_; }

    const std::deque<Revision>& revisions() const noexcept { return revisions_; }

    std::vector<DataplaneStatus> dataplanes() const;
    // Whether one is connected.
    bool hasDataplanes() const;
    // What data planes refused, each key once.
    std::vector<model::KeyedProblem> rejected() const;
    Versions versions() const;
    // Every connected data plane (and there is one) has acknowledged these versions, but for what
    // it refused.
    bool acknowledged(const Versions& versions) const;
    // Every connected data plane has all of it (and there is one).
    bool converged() const;

private:
    // A version that not every data plane has, and the event that led to it.
    struct Unapplied {
        std::uint64_t version = 0;
        EventTime since;
    };

    static constexpr std::size_t kMaxUnapplied = 1'000;

    bool everyLive(const std::function<bool(const DataplaneLink&)>& condition) const;
    void accept(std::unique_ptr<rpc::Channel> channel);
    void spread(const std::vector<KeyChange>& changes, EventTime since);
    void remember(const std::vector<KeyChange>& changes);
    void watchDeadlines();
    void renewTicketKeys();
    void noteUnapplied(const std::vector<KeyChange>& changes, EventTime since);
    void onLinkHello(DataplaneLink& link) override;
    void onLinkAnswer() override;
    void onLinkDown(DataplaneLink& link, const std::string& why) override;
    void onRelistWanted() override;

    boost::asio::io_context& io_;
    process::Logger logger_;
    PublishObserver& observer_;
    std::function<void()> relistWanted_;
    PublishedState state_;
    std::deque<Revision> revisions_;
    std::array<std::deque<Unapplied>, 2> unapplied_;  // by lane, oldest first
    std::vector<std::unique_ptr<DataplaneLink>> links_;
    std::vector<std::unique_ptr<DataplaneLink>> ended_;  // destroyed from the loop, not from a call
    std::optional<TicketSecret> ticketSecret_;
    std::int64_t ticketPeriod_ = -1;
    rpc::TicketKeys ticketKeys_;  // of that period; empty: none
    std::unique_ptr<rpc::Listener> listener_;
    boost::asio::steady_timer tick_;
    // Handlers that are queued when we go look at it.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace evergate::controller
