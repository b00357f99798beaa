// SPDX-License-Identifier: Apache-2.0
// The data plane's connection to its controller: dials, says hello, serves what the controller
// asks, dials again for ever. Also loads and keeps the last known good configuration.
//
// Control thread only. Losing the controller changes nothing in what is served. Anything out of
// order closes the connection; the next hello tells the controller where we are.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/process/backoff.hpp"
#include "common/process/logging.hpp"
#include "common/process/name_resolver.hpp"
#include "common/rpc/channel.hpp"
#include "dataplane/control/lane_receiver.hpp"
#include "dataplane/control/state_writer.hpp"

namespace evergate::dataplane {

struct ControlLinkOptions {
    rpc::Address controller;
    rpc::TlsFiles tls;
    std::string nodeId;
    std::string bootId;  // new for every process
    std::string build;
    std::string stateDir;  // "": nothing is kept
    process::Backoff::Random random = process::systemRandom();
    // The controller's keys of session tickets, each rpc::kTicketKeyBytes, the first to seal with.
    std::function<void(const std::vector<std::string>&)> onTicketKeys = [](const auto&) {};
};

struct ControlLinkStatus {
    bool connected = false;                        // and greeted
    std::optional<std::chrono::milliseconds> age;  // since the controller was last heard
    std::string lastError;                         // why not connected
    std::string epoch;                             // of the controller heard last
    std::uint64_t connects = 0;
    std::uint64_t failures = 0;  // dials and connections that ended
    std::uint64_t acks = 0;
    std::uint64_t nacks = 0;
    std::uint64_t stateWrites = 0;
    std::uint64_t stateWriteFailures = 0;
    bool restored = false;  // what is served came from disk at first
};

class ControlLink final : public rpc::ChannelObserver {
public:
    // `sink` outlives the link and calls nothing back after the link is gone.
    ControlLink(boost::asio::io_context& io, ControlLinkOptions options, ConfigSink& sink,
                process::Logger logger);
    ~ControlLink();
    ControlLink(const ControlLink&) = delete;
    ControlLink& operator=(const ControlLink&) = delete;

    // Serves what is on disk, then dials.
    void start();
    // Hangs up for good and writes what is not on disk yet.
    void stop();

    ControlLinkStatus status() const;

    const LaneReceiver& receiver() const noexcept { return receiver_; }

    void onOpen() override;
    void onMessage(std::string_view text) override;

    void onWritten() override {}

    void onClosed(const std::string& why) override;

private:
    enum class State { stopped, waiting, dialing, opened, greeting, serving, closing };

    using Clock = std::chrono::steady_clock;

    void load();
    void dial();
    void sayHello();
    void laneChanged(model::Lane lane);
    void lost(const std::string& why);
    void anomaly(const std::string& why);
    std::chrono::milliseconds redialDelay();

    void dispatch(rpc::PartMessage&& message, std::size_t bytes);
    void dispatch(rpc::KeysRequest&& request, std::size_t bytes);
    void dispatch(rpc::TicketKeys&& message, std::size_t bytes);
    void dispatch(rpc::UnknownCall&& call, std::size_t bytes);
    void dispatch(rpc::Reply&& reply, std::size_t bytes);

    void dispatch(rpc::HelloRequest&&, std::size_t) { anomaly("the controller said hello"); }

    void answer(std::uint64_t id, const LaneReceiver::Answer& answer);
    void greeted(const rpc::Welcome& welcome);
    void turnedAway(const rpc::Error& error);

    boost::asio::io_context& io_;
    ControlLinkOptions options_;
    process::Logger logger_;
    LaneReceiver receiver_;
    std::unique_ptr<StateWriter> writer_;
    process::Backoff backoff_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<process::NameResolver> names_;
    std::unique_ptr<rpc::Channel> channel_;
    State state_ = State::stopped;
    std::string epoch_;
    std::uint64_t helloId_ = 0;
    std::optional<std::chrono::milliseconds> retryAfter_;
    Clock::time_point heard_{};
    Clock::time_point greetedAt_{};
    ControlLinkStatus counters_;
    // Timers that are due when we go look at it.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace evergate::dataplane
