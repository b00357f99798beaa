// SPDX-License-Identifier: Apache-2.0
// From the source to the publisher: holdoff, admission, delete brake. The controller's one loop.
//
// Controller thread. Endpoint changes go straight through; full rebuilds wait their holdoff, lose
// what no data plane would accept, and wait for a second list when they would remove most of what
// is served.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
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

private:
    void poll();
    void arm(EventTime due);
    void publish();

    Publisher& publisher_;
    process::Logger logger_;
    std::function<void()> relistWanted_;
    Intake intake_;
    boost::asio::steady_timer timer_;
    std::vector<ObjectProblem> sourceProblems_;
    std::vector<model::KeyedProblem> admissionProblems_;
    std::map<model::Key, model::Problem> endpointProblems_;
    // A timer that is due when we go looks at it.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace evergate::controller
