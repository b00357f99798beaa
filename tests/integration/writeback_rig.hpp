// SPDX-License-Identifier: Apache-2.0
// A Kubernetes source and the part that writes back, in one loop; what is published counts as
// acknowledged at once, or when the test says so.
#pragma once

#include <boost/asio/detached.hpp>

#include "controller/writeback/writeback.hpp"
#include "tests/integration/kubernetes_scenario.hpp"
#include "tests/support/quiet_logger.hpp"

namespace evergate::test {

namespace writeback = controller::writeback;

inline const std::string kLease =
    "/apis/coordination.k8s.io/v1/namespaces/edge/leases/evergate-leader";

class WritebackRig {
public:
    ~WritebackRig() {
        stop();
        io.restart();
        io.poll();
    }

    static writeback::WritebackOptions options() {
        writeback::WritebackOptions options;
        options.lease.nameSpace = "edge";
        options.lease.identity = "me";
        options.lease.seed = 1;
        options.lease.timing = {1500ms, 1000ms, 100ms};
        options.addresses = {{"192.0.2.1", ""}};
        options.tuning.holdoff = 5ms;
        options.logger = quietLogger();
        return options;
    }

    void start(const ClusterConfig& cluster, writeback::WritebackOptions options) {
        auto sourceOptions = KubeRig::options(cluster);
        sourceOptions.onChange = [this] { changed(); };
        source = controller::makeKubernetesSource(io, std::move(sourceOptions));
        source->start(sink);
        options.cluster = cluster;
        back = std::make_shared<writeback::Writeback>(
            io.get_executor(), std::move(options),
            writeback::WritebackInputs{
                [this]() -> const controller::ObjectStore& { return source->store(); },
                [this] { return source->serial(); }, [this] { return acknowledged; },
                [this] {
                    return writeback::ProblemSet{sink.last.problems, {}};
                }});
        writeback::Writeback::launch(back);
    }

    void stop() {
        if (back) {
            back->stop();
            source->stop();
            runFor(20ms);
            back.reset();
            source.reset();
        }
    }

    void release() {
        bool done = false;
        boost::asio::co_spawn(io, writeback::Writeback::release(back, 1s),
                              [&](const std::exception_ptr&) { done = true; });
        EXPECT_TRUE(runUntil([&] { return done; }));
    }

    void acknowledgeAll() {
        acknowledged = source->serial().value_or(0);
        back->acknowledged();
    }

    bool runUntil(const std::function<bool()>& condition) {
        const auto end = std::chrono::steady_clock::now() + 30s;
        io.restart();
        while (!condition() && std::chrono::steady_clock::now() < end) {
            io.run_one_for(20ms);
            io.restart();
        }
        return condition();
    }

    void runFor(std::chrono::milliseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        runUntil([&] { return std::chrono::steady_clock::now() >= end; });
    }

    writeback::WritebackCounters counters() const { return back->status().counters; }

    boost::asio::io_context io;
    RecordingSink sink;
    std::unique_ptr<controller::KubernetesSource> source;
    std::shared_ptr<writeback::Writeback> back;
    std::uint64_t acknowledged = 0;
    bool autoAcknowledge = true;

private:
    void changed() {
        if (autoAcknowledge) {
            acknowledged = source->serial().value_or(acknowledged);
        }
        if (back) {
            back->changed();
        }
    }
};

}  // namespace evergate::test
