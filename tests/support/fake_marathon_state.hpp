// SPDX-License-Identifier: Apache-2.0
// What the masters and sessions of one fake Marathon share: apps, tasks, faults, open sockets.
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
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace evergate::test {

struct FakeMarathonFaults {
    std::string credentials;          // "user:password" required; empty: no check
    std::size_t leader = 0;           // index of the master that leads
    bool noLeader = false;            // REST: 502; /v2/leader: 404; streams are closed
    bool leaderlessEmpty = false;     // with noLeader: apps are answered with 200 and an empty list
    bool standbyRedirects = true;     // standbys answer 302 for events; else they proxy
    bool silentStreams = false;       // no heartbeat, no event
    bool closeStreamsAtOnce = false;  // after the head
    bool emptyList = false;           // 200 {"apps":[]}
    bool noTasks = false;             // every app has "tasks": []
    bool noHealth = false;            // tasks without results, as from a new leader
    std::size_t truncate = 0;  // lists are cut after so many bytes, and the connection closed
    std::optional<std::string> body;     // instead of any list
    unsigned status = 0;                 // instead of 200, for REST
    bool mute = false;                   // requests are read and never answered
    std::chrono::milliseconds delay{0};  // before each REST answer
    std::chrono::milliseconds heartbeat{10'000};
    bool splitHeartbeats = true;  // CR and LF are flushed apart
};

struct FakeMarathonStats {
    std::uint64_t lists = 0;
    std::uint64_t appReads = 0;
    std::uint64_t streams = 0;  // opened
    std::uint64_t refused = 0;  // 401
    std::string lastAccept;     // of a request for events
    std::string lastAuthorization;
};

struct FakeMarathonEvent {
    std::uint64_t serial = 0;
    std::string text;  // the whole frame
};

struct FakeMarathonState {
    explicit FakeMarathonState(boost::asio::io_context& io) : context(io) {}

    // Apps as GET /v2/apps gives them, tasks included.
    void putApp(nlohmann::json app, bool tell = true);
    bool deleteApp(const std::string& id, bool tell = true);
    // Adds or replaces a task and tells of it: status_update_event.
    bool putTask(const std::string& appId, nlohmann::json task, bool tell = true);
    // A change of state; terminal ones take the task away.
    bool setTaskState(const std::string& appId, const std::string& taskId,
                      const std::string& taskState, bool tell = true);
    // Result of Marathon's check, and instance_health_changed_event.
    bool setHealth(const std::string& appId, const std::string& taskId, bool alive);
    void sendEvent(nlohmann::json event);
    void sendRaw(std::string frame);

    nlohmann::json appsAnswer() const;
    nlohmann::json shown(const nlohmann::json& app) const;
    nlohmann::json* find(const std::string& id);

    void wakeStreams();
    void dropStreams();
    void dropConnections();
    std::string serverOf(std::size_t master) const;

    boost::asio::io_context& context;
    std::unique_ptr<boost::asio::ssl::context> tls;  // null: plain
    std::vector<std::unique_ptr<boost::asio::ip::tcp::acceptor>>
        acceptors;  // null: that one is down
    std::vector<boost::asio::ip::tcp::endpoint> endpoints;

    nlohmann::json apps = nlohmann::json::array();
    std::deque<FakeMarathonEvent> events;
    std::uint64_t lastSerial = 0;
    FakeMarathonFaults faults;
    FakeMarathonStats stats;
    bool stopped = false;
    std::set<boost::asio::ip::tcp::socket*> sockets;
    std::set<boost::asio::steady_timer*> streams;  // cancelled to wake a stream
    std::uint64_t streamEpoch = 0;                 // raised to end every stream
};

// Takes a master's port away, with its connections, and gives it back.
void takeDown(const std::shared_ptr<FakeMarathonState>& state, std::size_t master);
void bringUp(const std::shared_ptr<FakeMarathonState>& state, std::size_t master);

}  // namespace evergate::test
