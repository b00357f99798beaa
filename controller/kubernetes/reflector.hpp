// SPDX-License-Identifier: Apache-2.0
// Keeps a sink in step with one resource of the API server: list, watch, resume, back off.
//
// Runs on the controller's thread. What to do when is decided by ReflectorLogic; this class does
// it. The sink sees a list only when it is whole, and is not called after stop().
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kubernetes/api_client.hpp"
#include "controller/kubernetes/reflector_logic.hpp"
#include "controller/kubernetes/watch_stream.hpp"
#include "controller/objects/decode.hpp"

namespace evergate::controller::kubernetes {

struct ReflectorTuning {
    RetryTuning retry;
    unsigned pageLimit = 500;
    // How long the server is asked to keep a watch open: a random time in this range.
    std::chrono::seconds minWatch{290};
    std::chrono::seconds maxWatch{580};
    // Bookmarks come about every minute: a watch without a byte for so long is dead.
    ApiDeadlines::Duration watchSilence = std::chrono::seconds(150);
    ApiDeadlines::Duration watchGrace = std::chrono::seconds(30);  // beyond the time asked for
    ApiDeadlines list;
};

class ReflectorSink {
public:
    virtual ~ReflectorSink() = default;
    // The complete list; it replaces everything of that kind. Begun after relist(`round`) was
    // called.
    virtual void onListed(ResourceKind kind, std::vector<Decoded> objects, std::uint64_t round) = 0;
    virtual void onChanged(ResourceKind kind, Decoded object) = 0;
    virtual void onErased(const ObjectKey& key) = 0;
    // The server does not let us read this resource. We go on asking.
    virtual void onForbidden(ResourceKind kind) = 0;
    // A watch is open: the server lets us read this resource.
    virtual void onWatching(ResourceKind kind) = 0;
    // What the reflector is doing now. `trouble`: because something failed.
    virtual void onState(ResourceKind kind, const std::string& state, bool trouble) = 0;
};

struct ReflectorCounters {
    std::uint64_t events = 0;
    std::uint64_t lists = 0;
    std::uint64_t errors = 0;
};

class Reflector {
public:
    // Runs until stop(). A shared pointer to something mutable, against the rule: the coroutine may
    // still have to end when its owner is already gone.
    static void launch(const std::shared_ptr<Reflector>& reflector);

    Reflector(boost::asio::any_io_executor executor, ClusterConfig config, ResourceKind kind,
              std::string nameSpace, ReflectorTuning tuning, std::uint32_t seed,
              ReflectorSink& sink);

    // Asks for a fresh list, after the one under way. Rounds count up from the first list's 1.
    void relist(std::uint64_t round);
    void stop();

    ResourceKind kind() const noexcept { return kind_; }

    const std::string& state() const noexcept { return state_; }

    bool watching() const noexcept { return watchOpen_; }

    const ReflectorCounters& counters() const noexcept { return counters_; }

private:
    struct WatchOutcome;

    static boost::asio::awaitable<void> run(std::shared_ptr<Reflector> self);
    boost::asio::awaitable<void> pause(std::chrono::milliseconds delay);
    boost::asio::awaitable<NextStep> perform(NextStep step);
    boost::asio::awaitable<NextStep> listPage();
    boost::asio::awaitable<NextStep> watch();
    ApiRequest watchRequest();
    NextStep conclude(const ApiAnswer& answer, const WatchOutcome& outcome);
    NextStep failed(const ApiAnswer& answer);
    bool take(const WatchEvent& event, WatchOutcome& outcome);
    void commit();
    void enter(std::string state, bool trouble);

    ApiClient client_;
    boost::asio::steady_timer timer_;
    ResourceKind kind_;
    std::string path_;
    ReflectorTuning tuning_;
    std::minstd_rand random_;
    ReflectorLogic logic_;
    ReflectorSink* sink_;  // null once stopped
    std::vector<Decoded> staged_;
    std::uint64_t wantedRound_ = 1;
    std::uint64_t stagedRound_ = 1;
    std::string state_;
    bool watchOpen_ = false;
    ReflectorCounters counters_;
};

}  // namespace evergate::controller::kubernetes
