// SPDX-License-Identifier: Apache-2.0
// What the Marathon integration tests share: a fake Marathon, the source, a sink that keeps what
// the source says, one event loop, and apps.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "controller/marathon/marathon_source.hpp"
#include "tests/support/fake_marathon.hpp"

namespace evergate::test {

using namespace std::chrono_literals;
using nlohmann::json;

// Applies everything as a data plane would.
class MarathonSink : public controller::SourceSink {
public:
    void onDesired(controller::Desired desired, controller::EventTime) override {
        ++desiredCalls;
        fewestBackends = std::min(fewestBackends, desired.config.count(model::Kind::backend));
        last = std::move(desired);
    }

    void onEndpoints(const std::string& backend, model::Endpoints endpoints,
                     controller::EventTime) override {
        ++endpointCalls;
        last.config.put({model::Kind::endpoints, backend}, model::Value(std::move(endpoints)));
    }

    // "10.0.0.1:31000 10.0.0.2:31000", or "-" when there is no such backend.
    std::string endpoints(const std::string& backend) const {
        const auto* set = last.config.find<model::Endpoints>({model::Kind::endpoints, backend});
        std::string text = set == nullptr ? "-" : "";
        for (std::size_t i = 0; set != nullptr && i < set->endpoints.size(); ++i) {
            text += (i == 0 ? "" : " ") + set->endpoints[i].address + ":" +
                    std::to_string(set->endpoints[i].port);
        }
        return text;
    }

    bool hasListener(const std::string& name) const {
        return last.config.entries().contains({model::Kind::listener, name});
    }

    controller::Desired last;
    int desiredCalls = 0;
    int endpointCalls = 0;
    std::size_t fewestBackends = 1'000'000;  // in any Desired so far: shows flapping
};

inline json marathonTask(const std::string& id, const std::string& host, int port,
                         const std::string& state = "TASK_RUNNING") {
    return {{"id", id}, {"host", host}, {"ports", {port}}, {"state", state}};
}

// In host mode, one service port, group "external".
inline json marathonApp(const std::string& id, int servicePort, std::vector<json> tasks = {},
                        const json& labels = json::object()) {
    json app = {{"id", id},
                {"networks", {{{"mode", "host"}}}},
                {"portDefinitions", {{{"port", servicePort}, {"protocol", "tcp"}}}},
                {"labels", {{"HAPROXY_GROUP", "external"}}},
                {"tasks", std::move(tasks)}};
    app["labels"].update(labels);
    return app;
}

class MarathonRig {
public:
    explicit MarathonRig(std::size_t masters = 1, const FakeMarathonTls& tls = {})
        : fake(io, std::vector<std::uint16_t>(masters, 0), tls) {
        fake.faults().heartbeat = 20ms;
    }

    ~MarathonRig() {
        source.reset();
        io.restart();
        io.poll();
    }

    MarathonRig(const MarathonRig&) = delete;
    MarathonRig& operator=(const MarathonRig&) = delete;

    // Quick pauses: what is tested is what happens, not how long it takes.
    controller::MarathonOptions options() const {
        controller::MarathonOptions options;
        for (std::size_t i = 0; i < fake.masters(); ++i) {
            options.urls.push_back(fake.url(i));
        }
        options.groups = {"external"};
        options.seed = 1;
        options.tuning.heartbeatTimeout = 10s;
        options.tuning.resync = 1h;
        options.tuning.poll = 30ms;
        options.tuning.patience = 300ms;
        options.tuning.minPause = 1ms;
        options.tuning.maxPause = 20ms;
        options.tuning.listGap = 1ms;
        return options;
    }

    void start() { start(options()); }

    void start(controller::MarathonOptions how) {
        source = controller::makeMarathonSource(io, std::move(how));
        source->start(sink);
    }

    bool runUntil(const std::function<bool()>& condition, std::chrono::seconds limit = 30s) {
        const auto end = std::chrono::steady_clock::now() + limit;
        io.restart();
        while (!condition() && std::chrono::steady_clock::now() < end) {
            io.run_one_for(20ms);
            io.restart();
        }
        return condition();
    }

    // The stream is open, and the list that follows its opening has been taken over.
    bool runUntilWatching() {
        return runUntil(
            [this] { return source->status().state == "watching" && source->status().lists >= 2; });
    }

    bool runUntilEndpoints(const std::string& backend, const std::string& text) {
        return runUntil([&] { return sink.endpoints(backend) == text; });
    }

    // Until so many more full lists have been taken over.
    bool runTaken(std::uint64_t more) {
        const auto before = source->status().lists;
        return runUntil([&] { return source->status().lists >= before + more; });
    }

    // Until so many more full lists have been asked for.
    bool runLists(std::uint64_t more) {
        const auto before = fake.stats().lists;
        return runUntil([&] { return fake.stats().lists >= before + more; });
    }

    FakeMarathonState& state() { return fake.state(); }

    boost::asio::io_context io;
    FakeMarathon fake;
    MarathonSink sink;
    std::unique_ptr<controller::Source> source;
};

}  // namespace evergate::test
