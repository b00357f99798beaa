// SPDX-License-Identifier: Apache-2.0
// What the sessions of one fake API server share: the store, the faults, the open sockets and
// watches.
//
// One thread. Sessions hold it by shared pointer, so that it outlives a server destroyed while they
// still have to end.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "tests/support/fake_kube_api_store.hpp"

namespace evergate::test {

// The next `count` requests whose target contains `match` are refused.
struct FakeRefusalPlan {
    unsigned count = 0;
    unsigned status = 500;
    std::string match;
    std::optional<unsigned> retryAfter;
};

struct FakeFaults {
    std::string token;           // required as a bearer token; empty: no check
    bool silentWatches = false;  // watches stay open and send nothing, no bookmarks either
    bool goneAsStatus = false;   // a version too old is refused with HTTP 410, not an ERROR event
    FakeRefusalPlan refusals;
    std::size_t slowBytes = 0;  // everything goes out in pieces of this size; 0: whole
    std::chrono::milliseconds slowPause{1};
    std::chrono::milliseconds bookmarkEvery{10'000};
};

struct FakeKubeStats {
    std::uint64_t connections = 0;
    std::uint64_t requests = 0;  // without /fake
    std::uint64_t lists = 0;
    std::uint64_t watches = 0;
    std::string lastAuthorization;
    std::string lastUserAgent;
    std::string lastTarget;
};

struct FakeKubeState {
    explicit FakeKubeState(boost::asio::io_context& io);

    void open();  // throws when the address cannot be had
    void wakeWatches();
    void dropConnections(const boost::asio::ip::tcp::socket* except);
    void goDown(const boost::asio::ip::tcp::socket* except);

    boost::asio::io_context& context;
    boost::asio::ip::tcp::acceptor acceptor;
    boost::asio::ip::tcp::endpoint endpoint;
    std::unique_ptr<boost::asio::ssl::context> tls;  // null: plain
    boost::asio::steady_timer dropTimer;
    boost::asio::steady_timer upTimer;

    FakeKubeStore store;
    FakeFaults faults;
    FakeKubeStats stats;
    unsigned halfEvents = 0;  // how often half an event was asked for
    bool stopped = false;
    std::set<boost::asio::ip::tcp::socket*> sockets;
    std::set<boost::asio::steady_timer*> watches;  // cancelled to wake a watch
};

}  // namespace evergate::test
