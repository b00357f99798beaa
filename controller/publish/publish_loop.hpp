// SPDX-License-Identifier: Apache-2.0
// From the source to the publisher: holdoff, admission, delete brake. The controller's one loop.
//
// Controller thread. Endpoint changes go straight through; full rebuilds wait their holdoff, lose
// what no data plane would accept, and wait for a second list when they would remove most of what
// is served.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/process/logging.hpp"
#include "controller/publish/intake.hpp"
#include "controller/publish/publisher.hpp"
#include "controller/source.hpp"

namespace evergate::controller {

class PublishLoop final : public SourceSink {
public:
    // `relistWanted`: the brake holds a rebuild and needs the source's second opinion.
    PublishLoop(boost::asio::io_context& io, Publisher& publisher, process::Logger logger,
                std::function<void()> relistWanted);

    void onDesired(Desired desired, EventTime since) override;
    void onEndpoints(const std::string& backend, model::Endpoints endpoints,
                     EventTime since) override;

    void stop() { timer_.cancel(); }

    bool holding() const noexcept { return intake_.holding(); }

    // Of the source, of admission and of the data planes, in this order.
    std::vector<ObjectProblem> problems() const;

    const std::vector<ObjectProblem>& sourceProblems() const noexcept { return sourceProblems_; }

    // Of admission and of the data planes.
    std::vector<model::KeyedProblem> keyProblems() const;

    // The last Desired::serial that every live data plane has acknowledged; it never goes back.
    std::uint64_t acknowledgedSerial();

private:
    void poll();
    void arm(EventTime due);
    void publish();
    void tellProblems();

    // A publication that not every live data plane has acknowledged, as far as we have looked.
    struct Unacknowledged {
        std::uint64_t serial = 0;
        Versions versions{};
    };

    static constexpr std::size_t kMaxUnacknowledged = 1'000;

    Publisher& publisher_;
    process::Logger logger_;
    std::function<void()> relistWanted_;
    Intake intake_;
    boost::asio::steady_timer timer_;
    std::vector<ObjectProblem> sourceProblems_;
    std::vector<model::KeyedProblem> admissionProblems_;
    std::map<model::Key, model::Problem> endpointProblems_;
    std::size_t toldProblems_ = 0;  // how many the log said there are
    std::deque<Unacknowledged> unacknowledged_;
    std::uint64_t acknowledgedSerial_ = 0;
    // A timer that is due when we go looks at it.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace evergate::controller
