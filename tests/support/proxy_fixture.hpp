// SPDX-License-Identifier: Apache-2.0
// A data plane without its control side: a WorkerPool with one HTTP listener on a free port, a
// scripted endpoint and a raw client, all in this process. Deadlines of 30 s turn a hang into a
// failure.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/model/config.hpp"
#include "dataplane/tls/certificate.hpp"
#include "dataplane/worker/worker_pool.hpp"
#include "tests/support/raw_connection.hpp"

namespace evergate::test {

// How many descriptors this process has open.
std::size_t openDescriptors();

class ProxyFixture {
public:
    explicit ProxyFixture(model::Settings settings = {}, worker::WorkerPoolOptions options = {});
    ~ProxyFixture();

    // Replaces everything: one backend "b" with these endpoint ports, all hosts and paths routed to
    // it, on listener "http" (opened by the first call).
    void serve(const std::vector<std::uint16_t>& ports, model::Backend backend = {});
    void setEndpoints(const std::vector<std::uint16_t>& ports);
    void setWeighted(std::vector<model::Endpoint> all);

    // Of the backend that passThrough() leads to.
    model::Backend& passthroughBackend() noexcept { return passthroughBackend_; }

    // A further listener, or another port for one: its port. Publishes.
    std::uint16_t openListener(const std::string& name, std::uint16_t port = 0,
                               model::ListenerProtocol protocol = model::ListenerProtocol::http);
    void closeListener(const std::string& name);
    // TLS that asks for `host` on https listeners goes to a backend of its own with these endpoint
    // ports. Publishes. `route`: what else its route says.
    void passThrough(const std::string& host, const std::vector<std::uint16_t>& ports,
                     model::Route route = {});
    // For https listeners, with the next publication. openSecureListener() opens one.
    void setCertificate(const std::string& name, model::Certificate certificate);

    std::uint16_t openSecureListener(const std::string& name = "https") {
        return openListener(name, 0, model::ListenerProtocol::https);
    }

    void publish();        // the same once more, as a new revision
    void forgetBackend();  // routes and backend leave the configuration

    model::Settings& settings() noexcept { return settings_; }  // for the next publication

    // The route of all requests, for the next publication; its listeners and backend are set then.
    model::Route& route() noexcept { return route_; }

    // For the next publication: of a listener that was opened before.
    model::Listener& listener(const std::string& name) { return listeners_.at(name); }

    std::weak_ptr<const routing::Snapshot> serving() const { return serving_; }

    std::uint16_t port() const noexcept { return port_; }

    RawConnection client(int receiveBuffer = 0) const {
        return RawConnection::connect(port_, receiveBuffer);
    }

    session::Counters counters();  // of all workers together, without the durations
    std::vector<worker::WorkerStats> stats();
    std::vector<worker::BackendStats> backends();
    std::vector<worker::ConnectionInfo> connections();
    std::size_t drain(std::chrono::milliseconds timeout);  // waits; how many were cut

    // Asks again and again until it holds; false after 30 s.
    bool eventually(const std::function<bool()>& holds);
    // Until some connection is in this phase.
    bool eventuallyIn(std::string_view phase);
    // Until no request runs and no client is connected.
    bool eventuallyQuiet();

    worker::WorkerPool& pool() noexcept { return *pool_; }

    // Runs `call(done)` on the control thread and waits for done().
    void onControl(const std::function<void(std::function<void()>)>& call);

private:
    std::shared_ptr<const routing::Snapshot> snapshot();
    void publish(worker::Publication publication);

    boost::asio::io_context control_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::unique_ptr<worker::WorkerPool> pool_;
    model::Settings settings_;
    model::Route route_{{}, "", model::PathType::prefix, "/", "b", "test"};
    std::map<std::string, model::Route> passthrough_;  // by host
    std::shared_ptr<const model::Backend> backend_;    // null: none
    model::Backend passthroughBackend_;
    std::map<std::string, model::Listener> listeners_;
    std::map<std::string, model::Certificate> certificates_;
    std::shared_ptr<const tls::Certificate> fallbackCertificate_;
    std::shared_ptr<const routing::Snapshot> serving_;
    std::uint16_t port_ = 0;
    std::uint64_t version_ = 0;
    std::thread thread_;
};

}  // namespace evergate::test
