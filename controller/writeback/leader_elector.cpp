// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/leader_elector.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::controller::writeback {
namespace {

namespace asio = boost::asio;
using boost::beast::http::verb;
using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);
constexpr const char* kLeases = "/apis/coordination.k8s.io/v1/namespaces/";

// A request that hangs must leave time for another one before the deadline.
milliseconds requestDeadline(const LeaseTiming& timing) {
    return std::min<milliseconds>(milliseconds(5'000), timing.renewDeadline / 2);
}

}  // namespace

LeaderElector::LeaderElector(asio::any_io_executor executor,
                             const kubernetes::ClusterConfig& cluster, LeaseOptions options,
                             process::Logger logger)
    : options_(std::move(options)),
      logger_(std::move(logger)),
      client_(executor, cluster),
      election_(options_.timing, options_.identity, options_.seed),
      timer_(executor),
      deadline_(executor) {}

void LeaderElector::launch(const std::shared_ptr<LeaderElector>& self,
                           std::function<void()> changed) {
    self->self_ = self;
    self->changed_ = std::move(changed);
    self->ended_ = false;
    asio::co_spawn(self->timer_.get_executor(), run(self), asio::detached);
}

bool LeaderElector::leading() const {
    return election_.leading(Clock::now());
}

void LeaderElector::reconsider() {
    if (candidate() != candidate_) {
        timer_.cancel();
    }
}

void LeaderElector::stop() {
    stopped_ = true;
    changed_ = nullptr;
    election_.release(system_clock::now());
    timer_.cancel();
    deadline_.cancel();
    client_.cancel();
}

asio::awaitable<void> LeaderElector::release(std::shared_ptr<LeaderElector> self,
                                             milliseconds grace) {
    const auto record = self->election_.release(system_clock::now());
    self->note();
    self->stop();
    // The run under way ends with its request, which stop() cancelled.
    const auto until = Clock::now() + grace;
    asio::steady_timer timer(self->timer_.get_executor());
    while (!self->ended_ && Clock::now() < until) {
        timer.expires_after(milliseconds(5));
        co_await timer.async_wait(kToTuple);
    }
    if (!record || !self->ended_) {
        co_return;
    }
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
    ApiCall call{verb::put, self->path() + '/' + self->options_.name,
                 changedLeaseJson(self->stored_, *record), std::max(milliseconds(1), left)};
    const auto result = co_await callApi(self->client_, std::move(call));
    self->logger_->info("gave the lease away result={}",
                        result.answer.ok() ? "ok" : result.answer.text());
}

asio::awaitable<void> LeaderElector::run(std::shared_ptr<LeaderElector> self) {
    while (!self->stopped_) {
        self->candidate_ = self->candidate();
        const auto step = self->election_.next(Clock::now(), system_clock::now(), self->candidate_);
        if (self->led_ && !self->leading()) {
            self->note();  // before the lease is given away
        }
        co_await self->perform(step);
    }
    self->ended_ = true;
}

asio::awaitable<void> LeaderElector::perform(const LeaderElection::Step& step) {
    switch (step.action) {
        case LeaderElection::Action::wait:
            co_await pause(step.until);
            co_return;
        case LeaderElection::Action::read:
            co_await read();
            break;
        case LeaderElection::Action::create:
        case LeaderElection::Action::replace:
            co_await write(step);
            break;
    }
    if (!stopped_) {
        note();
    }
}

asio::awaitable<void> LeaderElector::read() {
    ApiCall call{verb::get, path() + '/' + options_.name, {}, requestDeadline(options_.timing)};
    auto result = co_await callApi(client_, std::move(call));
    const auto now = Clock::now();
    if (result.answer.status == 404) {
        election_.onMissing(now);
        co_return;
    }
    auto lease = result.answer.ok() ? parseLease(result.body) : std::nullopt;
    if (!lease) {
        failed(result.answer);
        co_return;
    }
    trouble_.clear();
    stored_ = std::move(*lease);
    election_.onRead(stored_.record, now);
}

asio::awaitable<void> LeaderElector::write(const LeaderElection::Step& step) {
    const bool create = step.action == LeaderElection::Action::create;
    ApiCall call{create ? verb::post : verb::put, create ? path() : path() + '/' + options_.name,
                 create ? newLeaseJson(options_.nameSpace, options_.name, step.record)
                        : changedLeaseJson(stored_, step.record),
                 requestDeadline(options_.timing)};
    auto result = co_await callApi(client_, std::move(call));
    const auto now = Clock::now();
    if (result.answer.status == 409) {
        election_.onConflict(now);
    } else if (result.answer.status == 404 && !create) {
        election_.onMissing(now);
    } else if (auto lease = result.answer.ok() ? parseLease(result.body) : std::nullopt) {
        trouble_.clear();
        stored_ = std::move(*lease);
        election_.onWritten(now);
    } else {
        failed(result.answer);
    }
}

void LeaderElector::failed(const kubernetes::ApiAnswer& answer) {
    auto why = answer.ok() ? std::string("the answer is no Lease") : answer.text();
    if (answer.status == 403) {
        why += "; needs get, create and update on leases.coordination.k8s.io in namespace " +
               options_.nameSpace;
    }
    if (!stopped_ && why != trouble_) {
        logger_->warn("leader election: the lease cannot be had reason=\"{}\"", why);
    }
    trouble_ = std::move(why);
    election_.onFailed(Clock::now(), answer.status == 403);
}

// Tells when we began or ceased to lead.
void LeaderElector::note() {
    const bool leads = leading();
    if (leads) {
        watchDeadline();
    }
    if (leads == led_) {
        return;
    }
    led_ = leads;
    logger_->info("{} identity={} holder={}", leads ? "leading" : "not leading any more",
                  identity(), holder());
    if (changed_) {
        changed_();
    }
}

void LeaderElector::watchDeadline() {
    deadline_.expires_at(election_.leadsUntil());
    deadline_.async_wait([weak = self_](boost::system::error_code error) {
        const auto self = weak.lock();
        if (!error && self && !self->stopped_) {
            self->note();
        }
    });
}

asio::awaitable<void> LeaderElector::pause(Clock::time_point until) {
    timer_.expires_at(until);
    co_await timer_.async_wait(kToTuple);
}

std::string LeaderElector::path() const {
    return kLeases + options_.nameSpace + "/leases";
}

}  // namespace evergate::controller::writeback
