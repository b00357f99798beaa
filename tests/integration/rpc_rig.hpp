// SPDX-License-Identifier: Apache-2.0
// A publisher, a control link and a sink that keeps what it is given, in one loop: what the RPC
// tests are made of.
#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "common/model/validation.hpp"
#include "common/process/logging.hpp"
#include "controller/publish/publisher.hpp"
#include "dataplane/control/control_link.hpp"
#include "tests/support/quiet_logger.hpp"
#include "tests/support/temporary_certificate.hpp"

namespace evergate::test {

struct CountingObserver final : controller::PublishObserver {
    void onAck(model::Lane lane, controller::EventTime::duration) override { ++acks[index(lane)]; }

    void onApplied(model::Lane lane, controller::EventTime::duration) override {
        ++applied[index(lane)];
    }

    void onNack(model::Lane, std::size_t) override { ++nacks; }

    void onResume(model::Lane, controller::ResumeKind kind) override { ++resumes[kind]; }

    void onLinkLost() override { ++lost; }

    static std::size_t index(model::Lane lane) { return static_cast<std::size_t>(lane); }

    std::array<int, 2> acks{};
    std::array<int, 2> applied{};
    int nacks = 0;
    int lost = 0;
    std::map<controller::ResumeKind, int> resumes;
};

// Applies like the real one does: a config takes a while, endpoints may come meanwhile and win.
class SlowSink final : public dataplane::ConfigSink {
public:
    SlowSink(boost::asio::io_context& io, std::uint32_t seed) : io_(io), random_(seed) {}

    void applyConfig(std::shared_ptr<const model::Config> next, std::uint64_t,
                     std::function<void(std::vector<model::KeyedProblem>)> done) override {
        clean = clean && model::crossCheck(*next).empty();
        std::vector<model::KeyedProblem> problems;
        for (const auto& [key, entry] : next->entries()) {
            if (refused.contains(key.name) && key.kind != model::Kind::endpoints) {
                problems.push_back({key, {model::toText(key), "refused by the test"}});
            }
        }
        later([this, next, problems, done] {
            if (problems.empty()) {
                ++configs;
                config = *next;
            }
            done(problems);
        });
    }

    void applyEndpoints(const model::Delta& delta, std::uint64_t,
                        std::function<void()> done) override {
        ++endpointChanges;
        model::apply(endpoints, delta);
        later(std::move(done));
    }

    model::Config config;     // the last candidate applied
    model::Config endpoints;  // from endpoints changes only
    std::set<std::string> refused;
    int longestMs = 3;
    int configs = 0;
    int endpointChanges = 0;
    bool clean = true;

private:
    template <class Action>
    void later(Action action) {
        auto timer = std::make_shared<boost::asio::steady_timer>(io_);
        timer->expires_after(
            std::chrono::milliseconds(std::uniform_int_distribution<int>(0, longestMs)(random_)));
        timer->async_wait(
            [timer, action = std::move(action)](boost::system::error_code) { action(); });
    }

    boost::asio::io_context& io_;
    std::mt19937 random_;
};

// Random but valid configurations.
class Scenario {
public:
    explicit Scenario(std::uint32_t seed) : random_(seed) {
        config.put({model::Kind::listener, "http"},
                   model::Value{model::Listener{"0.0.0.0", 80, {}, {}}});
    }

    int pick(int most) { return std::uniform_int_distribution<int>(0, most)(random_); }

    // Changes some backends and routes; endpoints of theirs, too.
    void mutate() {
        for (int i = pick(3); i >= 0; --i) {
            const std::string name = "ns/b" + std::to_string(pick(19));
            if (pick(3) == 0) {
                config.erase({model::Kind::route, name});
                config.erase({model::Kind::backend, name});
                config.erase({model::Kind::endpoints, name});
                continue;
            }
            model::Backend backend;
            backend.retries = static_cast<std::uint32_t>(pick(5));
            config.put({model::Kind::backend, name}, model::Value{backend});
            model::Route route;
            route.listeners = {"http"};
            route.host = "h" + std::to_string(pick(3)) + ".example";
            route.path = "/" + name;
            route.backend = name;
            config.put({model::Kind::route, name}, model::Value{route});
            mutateEndpoints(name);
        }
    }

    model::Key mutateEndpoints(const std::string& name) {
        model::Endpoints endpoints;
        for (int i = pick(4); i >= 0; --i) {
            endpoints.endpoints.push_back({"10.0.0." + std::to_string(i + 1),
                                           static_cast<std::uint16_t>(1 + pick(60'000)), 1});
        }
        std::sort(endpoints.endpoints.begin(), endpoints.endpoints.end());
        const model::Key key{model::Kind::endpoints, name};
        config.put(key, model::Value{endpoints});
        return key;
    }

    // The name of a backend there is, or "".
    std::string anyBackend() {
        const auto& entries = config.entries();
        std::vector<std::string> names;
        for (const auto& [key, entry] : entries) {
            if (key.kind == model::Kind::backend) {
                names.push_back(key.name);
            }
        }
        return names.empty()
                   ? ""
                   : names[static_cast<std::size_t>(pick(static_cast<int>(names.size()) - 1))];
    }

    model::Config config;

private:
    std::mt19937 random_;
};

class RpcRig {
public:
    explicit RpcRig(std::uint32_t seed) : sink(io, seed) { startController(); }

    ~RpcRig() { stopDataplane(); }

    std::string rpcPath() const { return (directory.path() / "rpc").string(); }

    void startController() {
        publisher = std::make_unique<controller::Publisher>(
            io, "epoch" + std::to_string(++epochs), quietLogger(), observer, [this] { ++relists; });
        std::string error;
        listening = publisher->listen(rpc::UnixAddress{rpcPath()}, {}, error);
    }

    // `path`: of the controller or of a proxy before it. Dials again quickly.
    void startDataplane(const std::string& path, const std::string& stateDir = "") {
        dataplane::ControlLinkOptions options;
        options.controller = rpc::UnixAddress{path};
        options.nodeId = "node";
        options.bootId = "boot" + std::to_string(++boots);
        options.build = "test";
        options.stateDir = stateDir;
        options.random = [] { return 0.0; };
        link =
            std::make_unique<dataplane::ControlLink>(io, std::move(options), sink, quietLogger());
        link->start();
    }

    // A data plane dies with what it was doing: lets the sink finish first, as nothing may outlive.
    void stopDataplane() {
        if (link) {
            link->stop();
            runUntil([this] { return !link->receiver().busy(); });
            link.reset();
            run(std::chrono::milliseconds(2 * sink.longestMs + 2));
        }
    }

    void publish(const model::Config& config, std::uint64_t fullList = 1) {
        publisher->publish(config, fullList, std::chrono::steady_clock::now());
    }

    void publishEndpoints(const model::Config& config, const model::Key& key) {
        publisher->publishEndpoints(key, config.entries().at(key),
                                    std::chrono::steady_clock::now());
    }

    void run(std::chrono::milliseconds time) {
        io.restart();
        io.run_for(time);
    }

    // True when `condition` came true in time; the limit is for tests that fail.
    bool runUntil(const std::function<bool()>& condition,
                  std::chrono::seconds limit = std::chrono::seconds(20)) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) {
                return false;
            }
            io.restart();
            io.run_one_for(std::chrono::milliseconds(50));
        }
        return true;
    }

    bool sameRoots() const {
        const auto& ours = publisher->state().config();
        const auto& theirs = link->receiver().config();
        return ours.root(model::Lane::config) == theirs.root(model::Lane::config) &&
               ours.root(model::Lane::endpoints) == theirs.root(model::Lane::endpoints);
    }

    bool converge() {
        return runUntil(
            [this] { return publisher->converged() && sameRoots() && !link->receiver().busy(); });
    }

    boost::asio::io_context io;
    TemporaryDirectory directory;
    CountingObserver observer;
    SlowSink sink;
    std::unique_ptr<controller::Publisher> publisher;
    std::unique_ptr<dataplane::ControlLink> link;
    int relists = 0;
    int epochs = 0;
    int boots = 0;
    bool listening = false;
};

}  // namespace evergate::test
