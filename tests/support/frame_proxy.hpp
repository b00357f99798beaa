// SPDX-License-Identifier: Apache-2.0
// Stands between a data plane and its controller and mistreats their messages: drops, delays,
// repeats, cuts short, changes their order; all by one seeded engine. Works on whole WebSocket
// messages.
//
// One thread, that of the io_context. A dropped message also ends the connection a little later: on
// a stream that loses bytes nothing else can follow.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <random>
#include <string>

#include "common/rpc/listener.hpp"

namespace evergate::test {

struct FrameFaults {
    double drop = 0;
    double repeat = 0;
    double truncate = 0;
    double delay = 0;  // this message alone, so that others pass it
    int longestDelayMs = 10;
};

class FrameProxy {
public:
    // Listens on the Unix socket `front`, dials `back` for each connection.
    FrameProxy(boost::asio::io_context& io, std::string front, std::string back,
               std::uint32_t seed);
    ~FrameProxy();

    void setFaults(const FrameFaults& faults) { faults_ = faults; }

    // Ends every connection now.
    void cut();

    std::uint64_t passed() const noexcept { return passed_; }

    std::uint64_t mistreated() const noexcept { return mistreated_; }

private:
    class Pair;
    friend class Pair;

    bool chance(double probability);
    int randomDelay();
    void remove(Pair& pair);

    boost::asio::io_context& io_;
    rpc::Address back_;
    FrameFaults faults_;
    std::mt19937 random_;
    std::list<std::shared_ptr<Pair>> pairs_;
    std::unique_ptr<rpc::Listener> listener_;
    std::uint64_t passed_ = 0;
    std::uint64_t mistreated_ = 0;
};

}  // namespace evergate::test
