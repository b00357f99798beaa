// SPDX-License-Identifier: Apache-2.0
// A data plane without its control side: a WorkerPool with one HTTP listener on a free port, a
// scripted endpoint and a raw client, all in this process. Deadlines of 10 s turn a hang into a
// failure.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/model/config.hpp"
#include "dataplane/worker/worker_pool.hpp"

namespace evergate::test {

// A blocking TCP connection with deadlines.
class RawConnection {
public:
    RawConnection() = default;

    explicit RawConnection(int fd) : fd_(fd) {}

    RawConnection(RawConnection&& other) noexcept : fd_(other.fd_), held_(std::move(other.held_)) {
        other.fd_ = -1;
    }

    RawConnection& operator=(RawConnection&& other) noexcept;

    ~RawConnection() { close(); }

    static RawConnection connect(std::uint16_t port);

    bool open() const noexcept { return fd_ >= 0; }

    int fd() const noexcept { return fd_; }

    bool send(std::string_view bytes);  // all of them, or false
    std::string readUntil(
        std::string_view end);  // up to and including; shorter on close or deadline
    std::string readExactly(std::size_t size);
    std::string readAll();  // to EOF

    // One response: head, then the body by its own framing (chunks are joined).
    struct Response {
        int status = 0;
        std::string head;
        std::string body;
        bool complete = false;
    };

    Response readResponse(bool headRequest = false);
    bool eof();  // waits for the peer's close
    void shutdownWrite();
    void reset();  // RST
    void close();

private:
    bool fill();
    int fd_ = -1;
    std::string held_;
};

// Accepts connections and runs a script on each, in threads of its own.
class ScriptedEndpoint {
public:
    using Script = std::function<void(RawConnection&, int index)>;
    explicit ScriptedEndpoint(Script script);
    ~ScriptedEndpoint();

    std::uint16_t port() const noexcept { return port_; }

    int accepted() const noexcept { return accepted_; }

private:
    void run();
    Script script_;
    int fd_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> accepted_{0};
    std::thread thread_;
    std::vector<std::thread> connections_;
};

// Answers every request with 200, `body` and Content-Length, keeping the connection.
ScriptedEndpoint::Script answerAll(std::string body);

class ProxyFixture {
public:
    explicit ProxyFixture(model::Settings settings = {}, unsigned workers = 1);
    ~ProxyFixture();

    // Replaces everything: one backend "b" with these endpoint ports, all hosts and paths routed to
    // it.
    void serve(const std::vector<std::uint16_t>& ports, model::Backend backend = {});
    void setEndpoints(const std::vector<std::uint16_t>& ports);

    std::uint16_t port() const noexcept { return port_; }

    RawConnection client() const { return RawConnection::connect(port_); }

    session::Counters counters();

    worker::WorkerPool& pool() noexcept { return *pool_; }

    // Runs `call(done)` on the control thread and waits for done().
    void onControl(const std::function<void(std::function<void()>)>& call);

private:
    boost::asio::io_context control_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::unique_ptr<worker::WorkerPool> pool_;
    model::Settings settings_;
    std::uint16_t port_ = 0;
    std::uint64_t version_ = 0;
    std::thread thread_;
};

}  // namespace evergate::test
