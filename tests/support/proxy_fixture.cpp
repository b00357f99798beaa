// SPDX-License-Identifier: Apache-2.0
#include "tests/support/proxy_fixture.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <stdexcept>

#include "dataplane/control/tls_compiler.hpp"

namespace evergate::test {

namespace {

class FixtureIds : public routing::BackendIds {
public:
    routing::BackendId idOf(const std::string& name) override { return name == "b" ? 0 : 1; }
};

}  // namespace

std::size_t openDescriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

ProxyFixture::ProxyFixture(model::Settings settings, worker::WorkerPoolOptions options)
    : work_(boost::asio::make_work_guard(control_)),
      pool_(std::make_unique<worker::WorkerPool>(control_.get_executor(), std::move(options))),
      settings_(settings),
      fallbackCertificate_(tls::Certificate::selfSigned()) {
    pool_->start();
    thread_ = std::thread([this] { control_.run(); });
}

ProxyFixture::~ProxyFixture() {
    pool_->stop();
    work_.reset();
    control_.stop();
    thread_.join();
}

void ProxyFixture::onControl(const std::function<void(std::function<void()>)>& call) {
    std::promise<void> done;
    boost::asio::post(control_, [&] { call([&] { done.set_value(); }); });
    done.get_future().wait();
}

std::shared_ptr<const routing::Snapshot> ProxyFixture::snapshot() {
    model::Config config;
    model::Route route = route_;
    for (const auto& [name, listener] : listeners_) {
        config.put({model::Kind::listener, name}, listener);
        if (!model::carriesBytes(listener.protocol))
            route.listeners.push_back(name);
    }
    if (backend_) {
        config.put({model::Kind::backend, "b"}, *backend_);
        if (!route.listeners.empty())
            config.put({model::Kind::route, "r"}, route);
    }
    for (const auto& [host, through] : passthrough_) {
        config.put({model::Kind::backend, "p"}, passthroughBackend_);
        config.put({model::Kind::route, "through/" + host}, through);
    }
    FixtureIds ids;
    auto snapshot = std::make_shared<routing::Snapshot>();
    snapshot->version = ++version_;
    snapshot->settings = settings_;
    snapshot->routes = routing::compile(config, ids);
    for (const auto& [name, listener] : listeners_)
        snapshot->listeners.push_back({name, listener, snapshot->routes.listenerIndex(name), 0,
                                       routing::sourcesOf(listener),
                                       routing::networksOf(listener.proxyProtocolFrom)});
    snapshot->trustedProxies = routing::networksOf(settings_.trustedProxies);
    if (backend_)
        snapshot->backends.push_back({0, "b", backend_});
    if (!passthrough_.empty())
        snapshot->backends.push_back(
            {1, "p", std::make_shared<const model::Backend>(passthroughBackend_)});
    for (const auto& [name, certificate] : certificates_)
        config.put({model::Kind::certificate, name}, certificate);
    config.put({model::Kind::settings, "global"}, settings_);
    dataplane::Candidate candidate;
    candidate.config = std::make_shared<const model::Config>(std::move(config));
    candidate.serving = serving_;
    candidate.fallbackCertificate = fallbackCertificate_;
    std::vector<model::KeyedProblem> problems;
    dataplane::compileTls(candidate, *snapshot, problems);
    if (!problems.empty())
        throw std::runtime_error(problems.front().problem.where + problems.front().problem.what);
    serving_ = snapshot;
    return snapshot;
}

void ProxyFixture::setCertificate(const std::string& name, model::Certificate certificate) {
    certificates_[name] = std::move(certificate);
}

void ProxyFixture::publish(worker::Publication publication) {
    publication.snapshot = snapshot();
    onControl([&](std::function<void()> done) {
        pool_->publish(std::move(publication), std::move(done));
    });
}

void ProxyFixture::publish() {
    publish(worker::Publication{});
}

void ProxyFixture::serve(const std::vector<std::uint16_t>& ports, model::Backend backend) {
    backend_ = std::make_shared<const model::Backend>(std::move(backend));
    if (port_ == 0) {
        port_ = openListener("http");
    } else {
        publish();
    }
    setEndpoints(ports);
}

std::uint16_t ProxyFixture::openListener(const std::string& name, std::uint16_t port,
                                         model::ListenerProtocol protocol) {
    const model::Listener listener{"127.0.0.1", port, protocol,
                                   model::carriesBytes(protocol) ? "b" : ""};
    listeners_[name] = listener;
    worker::Publication publication;
    onControl([&](const std::function<void()>& done) {
        std::string error;
        if (auto bound = pool_->bind(name, listener, error)) {
            port = bound->port();
            publication.open.push_back(std::move(*bound));
        }
        done();
    });
    if (publication.open.empty())
        throw std::runtime_error("cannot bind");
    publish(std::move(publication));
    return port;
}

void ProxyFixture::passThrough(const std::string& host, const std::vector<std::uint16_t>& ports,
                               model::Route route) {
    for (const auto& [name, listener] : listeners_) {
        if (listener.protocol == model::ListenerProtocol::https)
            route.listeners.push_back(name);
    }
    route.host = host;
    route.backend = "p";
    route.origin = "test";
    route.passthrough = true;
    passthrough_[host] = std::move(route);
    auto endpoints = std::make_shared<model::Endpoints>();
    for (const std::uint16_t port : ports)
        endpoints->endpoints.push_back({"127.0.0.1", port, 1});
    worker::Publication publication;
    publication.endpoints.push_back({1, endpoints});
    publish(std::move(publication));
}

void ProxyFixture::closeListener(const std::string& name) {
    listeners_.erase(name);
    worker::Publication publication;
    publication.close.push_back(name);
    publish(std::move(publication));
}

void ProxyFixture::forgetBackend() {
    backend_.reset();
    worker::Publication publication;
    publication.forget.push_back(0);
    publish(std::move(publication));
}

void ProxyFixture::setEndpoints(const std::vector<std::uint16_t>& ports) {
    std::vector<model::Endpoint> all;
    for (const std::uint16_t port : ports)
        all.push_back({"127.0.0.1", port, 1});
    setWeighted(std::move(all));
}

void ProxyFixture::setWeighted(std::vector<model::Endpoint> all) {
    auto endpoints = std::make_shared<model::Endpoints>();
    endpoints->endpoints = std::move(all);
    onControl([&](std::function<void()> done) {
        pool_->updateEndpoints({{0, endpoints}}, std::move(done));
    });
}

std::vector<worker::WorkerStats> ProxyFixture::stats() {
    std::vector<worker::WorkerStats> result;
    onControl([&](const std::function<void()>& done) {
        pool_->collect([&result, done](std::vector<worker::WorkerStats> stats) {
            result = std::move(stats);
            done();
        });
    });
    return result;
}

session::Counters ProxyFixture::counters() {
    session::Counters sum;
    for (const worker::WorkerStats& one : stats())
        sum.add(one.counters);
    return sum;
}

std::vector<worker::BackendStats> ProxyFixture::backends() {
    std::vector<worker::BackendStats> result;
    onControl([&](const std::function<void()>& done) {
        pool_->collectBackends({}, [&result, done](std::vector<worker::BackendStats> stats) {
            result = std::move(stats);
            done();
        });
    });
    return result;
}

std::vector<worker::ConnectionInfo> ProxyFixture::connections() {
    std::vector<worker::ConnectionInfo> result;
    onControl([&](const std::function<void()>& done) {
        pool_->collectConnections(1000, [&result, done](std::vector<worker::ConnectionInfo> all) {
            result = std::move(all);
            done();
        });
    });
    return result;
}

std::size_t ProxyFixture::drain(std::chrono::milliseconds timeout) {
    std::size_t cut = 0;
    onControl([&](const std::function<void()>& done) {
        pool_->drain(timeout, [&cut, done](std::size_t count) {
            cut = count;
            done();
        });
    });
    return cut;
}

bool ProxyFixture::eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));  // not to starve the worker
    }
    return true;
}

bool ProxyFixture::eventuallyIn(std::string_view phase) {
    return eventually([&] {
        const auto all = connections();
        return std::any_of(all.begin(), all.end(),
                           [&](const auto& connection) { return connection.state == phase; });
    });
}

bool ProxyFixture::eventuallyQuiet() {
    return eventually([&] {
        const session::Counters now = counters();
        return now.activeConnections == 0 && now.activeRequests == 0;
    });
}

}  // namespace evergate::test
