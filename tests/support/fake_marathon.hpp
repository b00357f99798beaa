// SPDX-License-Identifier: Apache-2.0
// A fake Marathon: several masters of one cluster, one of which leads, and misbehaviour on demand.
//
// Runs on the io_context it is given; every method is called on that thread. Speaks the REST API we
// read, the event stream with CRLF framing and heartbeats, and /fake/... for control (see
// fake_marathon_control.hpp). Each master has a port of its own; all share apps and faults.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/fake_marathon_state.hpp"

namespace evergate::test {

struct FakeMarathonTls {
    std::string certificatePem;
    std::string keyPem;
};

class FakeMarathon {
public:
    // One master per port; 0: any free one. Throws when a port cannot be had.
    explicit FakeMarathon(boost::asio::io_context& context,
                          const std::vector<std::uint16_t>& ports = {0},
                          const FakeMarathonTls& tls = {});
    ~FakeMarathon();
    FakeMarathon(const FakeMarathon&) = delete;
    FakeMarathon& operator=(const FakeMarathon&) = delete;

    std::size_t masters() const noexcept { return state_->endpoints.size(); }

    std::uint16_t port(std::size_t master = 0) const;
    std::string url(std::size_t master = 0) const;

    FakeMarathonState& state() noexcept { return *state_; }

    FakeMarathonFaults& faults() noexcept { return state_->faults; }

    const FakeMarathonStats& stats() const noexcept { return state_->stats; }

    void takeDown(std::size_t master) { test::takeDown(state_, master); }

    void bringUp(std::size_t master) { test::bringUp(state_, master); }

private:
    std::shared_ptr<FakeMarathonState> state_;  // sessions hold it too
};

}  // namespace evergate::test
