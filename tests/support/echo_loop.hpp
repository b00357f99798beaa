// SPDX-License-Identifier: Apache-2.0
// One thread of the echo server: its listening sockets, connections and delays.
#pragma once

#include <chrono>
#include <memory>
#include <queue>
#include <unordered_map>
#include <vector>

#include "dataplane/net/socket.hpp"
#include "tests/support/echo_connection.hpp"
#include "tests/support/echo_server.hpp"

namespace evergate::test {

class EchoLoop final : public EchoHost {
public:
    EchoLoop(const std::string& name, EchoServer::Counters& counters);

    void addListener(int fd, bool raw);
    void run();   // until stop()
    void stop();  // from any thread

    const std::string& name() const override { return name_; }

    void countRequest() override;
    void delay(EchoConnection& connection, std::chrono::milliseconds time) override;
    std::string statistics() const override;

private:
    using Clock = std::chrono::steady_clock;

    struct Listener {
        net::Socket socket;
        bool raw;
    };

    struct Delay {
        Clock::time_point due;
        std::uint64_t connection;

        bool operator<(const Delay& other) const { return due > other.due; }  // soonest on top
    };

    void onEvent(std::uint64_t id, std::uint32_t events);
    void acceptAll(Listener& listener);
    void resumeDue();
    void reap(EchoConnection& connection);
    int waitTime() const;
    void watch(int fd, std::uint64_t id, std::uint32_t events);

    const std::string name_;
    EchoServer::Counters& counters_;
    net::Socket epoll_;  // any descriptor: only closed by it
    net::Socket wakeUp_;
    bool stopped_ = false;
    std::vector<Listener> listeners_;
    std::priority_queue<Delay> delays_;
    std::uint64_t nextId_ = 1'000;  // smaller ones are listeners
    std::unordered_map<std::uint64_t, std::unique_ptr<EchoConnection>> connections_;
};

}  // namespace evergate::test
