// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/marathon_source.hpp"

#include <stdexcept>
#include <utility>
#include <variant>

#include "controller/marathon/masters.hpp"
#include "controller/marathon/sync_engine.hpp"

namespace evergate::controller {
namespace {

class MarathonSource final : public Source {
public:
    MarathonSource(boost::asio::io_context& context, const marathon::Masters& masters,
                   MarathonOptions options)
        : engine_(std::make_shared<marathon::SyncEngine>(context.get_executor(), masters,
                                                         std::move(options))) {}

    ~MarathonSource() override { engine_->stop(); }

    void start(SourceSink& sink) override { marathon::SyncEngine::launch(engine_, sink); }

    void relist() override { engine_->relist(); }

    void stop() override { engine_->stop(); }

    SourceStatus status() const override { return engine_->status(); }

private:
    std::shared_ptr<marathon::SyncEngine> engine_;
};

}  // namespace

std::unique_ptr<Source> makeMarathonSource(boost::asio::io_context& context,
                                           MarathonOptions options) {
    auto masters = marathon::parseMasters(options.urls, options.authorityFile, options.authFile);
    if (const auto* problem = std::get_if<client::ConfigProblem>(&masters)) {
        throw std::invalid_argument(problem->what);
    }
    return std::make_unique<MarathonSource>(context, std::get<marathon::Masters>(masters),
                                            std::move(options));
}

}  // namespace evergate::controller
