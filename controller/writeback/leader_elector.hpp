// SPDX-License-Identifier: Apache-2.0
// Does what LeaderElection decides: reads and writes the Lease, with a client of its own so that no
// other request can hold up a renewal.
//
// Controller thread. `changed` is called when we begin and when we cease to lead; leading() is true
// to the moment, also between two calls of it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/process/logging.hpp"
#include "controller/writeback/api_call.hpp"
#include "controller/writeback/leader_election.hpp"

namespace evergate::controller::writeback {

struct LeaseOptions {
    std::string nameSpace;
    std::string name = "evergate-leader";
    std::string identity;
    LeaseTiming timing;
    std::uint32_t seed = 0;
    // Whether we may lead now; null: always. Told of changes by reconsider().
    std::function<bool()> eligible;
};

class LeaderElector {
public:
    LeaderElector(boost::asio::any_io_executor executor, const kubernetes::ClusterConfig& cluster,
                  LeaseOptions options, process::Logger logger);

    // Runs until release() or stop(). A shared pointer to something mutable, against the rule: the
    // coroutine may still have to end when its owner is already gone.
    static void launch(const std::shared_ptr<LeaderElector>& self, std::function<void()> changed);

    bool leading() const;

    // Whether we would lead if nobody else did.
    bool candidate() const { return !options_.eligible || options_.eligible(); }

    // What options.eligible says may have changed.
    void reconsider();

    const std::string& identity() const noexcept { return election_.identity(); }

    const std::string& holder() const noexcept { return election_.holder(); }

    // Why the last attempt failed; empty after one that did not.
    const std::string& trouble() const noexcept { return trouble_; }

    // Ceases to lead and gives the lease away; ends within `grace`.
    static boost::asio::awaitable<void> release(std::shared_ptr<LeaderElector> self,
                                                std::chrono::milliseconds grace);
    // Ceases at once; says nothing to the server.
    void stop();

private:
    using Clock = std::chrono::steady_clock;

    static boost::asio::awaitable<void> run(std::shared_ptr<LeaderElector> self);
    boost::asio::awaitable<void> perform(const LeaderElection::Step& step);
    boost::asio::awaitable<void> read();
    boost::asio::awaitable<void> write(const LeaderElection::Step& step);
    boost::asio::awaitable<void> pause(Clock::time_point until);
    void failed(const kubernetes::ApiAnswer& answer);
    void note();
    void watchDeadline();
    std::string path() const;

    LeaseOptions options_;
    process::Logger logger_;
    kubernetes::ApiClient client_;
    LeaderElection election_;
    StoredLease stored_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer deadline_;
    std::function<void()> changed_;
    std::weak_ptr<LeaderElector> self_;
    std::string trouble_;
    bool candidate_ = true;  // as the last step took it
    bool led_ = false;       // what changed_ was told last
    bool stopped_ = false;   // no more steps
    bool ended_ = true;      // the coroutine has
};

}  // namespace evergate::controller::writeback
