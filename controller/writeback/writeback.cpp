// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/writeback.hpp"

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
constexpr int kStatusBurst = 100;
constexpr milliseconds kStatusPeriod{20};
constexpr milliseconds kLeastPause{50};

std::int64_t wallSeconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

Writeback::Writeback(asio::any_io_executor executor, WritebackOptions options,
                     WritebackInputs inputs)
    : options_(std::move(options)),
      inputs_(std::move(inputs)),
      client_(executor, options_.cluster),
      ledger_(options_.tuning.events),
      pace_(options_.logger, options_.lease.seed),
      statusBucket_(kStatusBurst, kStatusPeriod),
      timer_(executor) {
    plan_.setAddresses(options_.addresses);
    if (options_.election) {
        elector_ = std::make_shared<LeaderElector>(executor, options_.cluster, options_.lease,
                                                   options_.logger);
    }
}

void Writeback::launch(const std::shared_ptr<Writeback>& self) {
    if (self->elector_) {
        LeaderElector::launch(self->elector_, [weak = std::weak_ptr<Writeback>(self)] {
            if (const auto alive = weak.lock(); alive && !alive->stopped_) {
                alive->onLeadership();
            }
        });
    } else {
        self->onLeadership();
    }
    asio::co_spawn(self->timer_.get_executor(), run(self), asio::detached);
}

bool Writeback::leading() const {
    return !stopped_ && (!elector_ || elector_->leading());
}

void Writeback::onLeadership() {
    plan_.forget();
    ledger_.forget();
    serviceDue_ = {};
    if (leading()) {
        changed();
    } else {
        client_.cancel();  // what is under way is not ours to write any more
    }
    wake();
}

void Writeback::changed() {
    reconsider();
    if (!changedAt_ && leading()) {
        changedAt_ = Clock::now();
        wake();
    }
}

void Writeback::reconsider() {
    if (elector_ && !stopped_) {
        elector_->reconsider();
    }
}

void Writeback::acknowledged() {
    reconsider();
    if (hasKeyProblems_) {
        changed();  // what was refused may have been taken now
    }
    if (leading()) {
        wake();
    }
}

void Writeback::stop() {
    stopped_ = true;
    if (elector_) {
        elector_->stop();
    }
    client_.cancel();
    timer_.cancel();
}

asio::awaitable<void> Writeback::release(std::shared_ptr<Writeback> self, milliseconds grace) {
    self->stopped_ = true;  // first of all: nothing is written after the lease is given away
    self->client_.cancel();
    self->timer_.cancel();
    if (self->elector_) {
        co_await LeaderElector::release(self->elector_, grace);
    }
}

LeaderStatus Writeback::status() const {
    LeaderStatus status;
    status.election = elector_ != nullptr;
    status.leading = leading();
    status.candidate = !elector_ || elector_->candidate();
    status.identity = options_.lease.identity;
    status.holder = elector_ ? elector_->holder() : options_.lease.identity;
    status.nameSpace = options_.lease.nameSpace;
    status.lease = options_.lease.name;
    status.trouble = elector_ ? elector_->trouble() : "";
    status.addresses = plan_.addresses();
    status.counters = counters_;
    status.counters.eventsDropped = ledger_.dropped();
    return status;
}

asio::awaitable<void> Writeback::run(std::shared_ptr<Writeback> self) {
    while (!self->stopped_) {
        const auto now = Clock::now();
        if (!self->leading()) {
            self->changedAt_.reset();
            co_await self->pause(Time::max());
            continue;
        }
        if (self->lookDue(now)) {
            self->look(now);
        }
        self->announceEffective(now);
        if (self->options_.publishService && self->serviceDue_ <= now) {
            co_await self->readService();
            continue;
        }
        if (!co_await self->writeOne()) {
            co_await self->pause(self->nextDue(now));
        }
    }
}

bool Writeback::lookDue(Time now) const {
    return changedAt_ && now >= *changedAt_ + options_.tuning.holdoff;
}

// Compares everything there is with everything there should be.
void Writeback::look(Time now) {
    changedAt_.reset();
    const auto serial = inputs_.serial();
    if (!serial) {  // the configuration is being built; we are told when it is there
        return;
    }
    const ObjectStore& store = inputs_.store();
    const auto problems = inputs_.problems();
    hasKeyProblems_ = !problems.ofKeys.empty();
    plan_.observe(store, options_.translate, *serial, refusedIngresses(problems));
    ledger_.observe(eventsAbout(problems, store), now);
}

void Writeback::announceEffective(Time now) {
    seenAcknowledged_ = inputs_.acknowledged();
    const auto& ingresses = inputs_.store().ingresses();
    for (const ObjectName& name : plan_.newlyEffective(seenAcknowledged_)) {
        if (const auto it = ingresses.find(name); it != ingresses.end()) {
            ledger_.announce(syncedEvent(it->second), now);
        }
    }
}

// False when there is nothing to write now. Statuses and Events take turns.
asio::awaitable<bool> Writeback::writeOne() {
    const auto now = Clock::now();
    for (int i = 0; i < 2; ++i) {
        eventsTurn_ = !eventsTurn_;
        if (eventsTurn_ && pace_.may(WriteKind::event, now)) {
            if (auto write = ledger_.next(now)) {
                co_await writeEvent(std::move(*write));
                co_return true;
            }
        }
        if (!eventsTurn_ && pace_.may(WriteKind::status, now) && statusBucket_.ready() <= now) {
            if (auto write = plan_.next(inputs_.store(), seenAcknowledged_, now)) {
                statusBucket_.take(now);
                co_await writeStatus(std::move(*write));
                co_return true;
            }
        }
    }
    co_return false;
}

asio::awaitable<void> Writeback::writeStatus(StatusWrite write) {
    ApiCall call{verb::patch, write.target(), write.body()};
    const auto result = co_await callApi(client_, std::move(call));
    if (!leading()) {
        co_return;
    }
    const auto now = Clock::now();
    using Outcome = StatusPlan::Outcome;
    switch (pace_.judge(WriteKind::status, result.answer, now)) {
        case Verdict::ok:
            ++counters_.statusWritten;
            options_.logger->debug("status written ingress={}/{} addresses={}", write.name.ns,
                                   write.name.name, write.addresses.size());
            co_return plan_.onOutcome(write, Outcome::written, now);
        case Verdict::conflict:
            ++counters_.statusConflicts;
            co_return plan_.onOutcome(write, Outcome::conflict, now);
        case Verdict::missing:
            co_return plan_.onOutcome(write, Outcome::gone, now);
        case Verdict::refused:
            ++counters_.statusFailed;
            co_return plan_.onOutcome(write, Outcome::refused, now);
        case Verdict::tryLater:
            ++counters_.statusFailed;
            co_return plan_.onOutcome(write, Outcome::failed, now);
    }
}

asio::awaitable<void> Writeback::writeEvent(EventWrite write) {
    ApiCall call;
    call.target = eventsPath(write.fact);
    if (write.action == EventWrite::Action::create) {
        call.method = verb::post;
        call.body = newEventJson(write.fact, options_.lease.identity, system_clock::now());
    } else {
        call.target += '/' + eventName(write.fact);
    }
    if (write.action == EventWrite::Action::read) {
        call.method = verb::patch;
        call.body = "{}";  // changes nothing and answers the Event: no leave to get is needed
    } else if (write.action == EventWrite::Action::repeat) {
        call.method = verb::patch;
        call.body = repeatedEventJson(write.count, system_clock::now());
    }
    const auto result = co_await callApi(client_, std::move(call));
    if (leading()) {
        concludeEvent(write, result, Clock::now());
    }
}

void Writeback::concludeEvent(const EventWrite& write, const ApiResult& result, Time now) {
    const bool create = write.action == EventWrite::Action::create;
    switch (pace_.judge(WriteKind::event, result.answer, now)) {
        case Verdict::ok:
            if (write.action == EventWrite::Action::read) {
                const auto stored = parseEvent(result.body);
                return ledger_.onRead(write, stored.value_or(StoredEvent{}), wallSeconds(), now);
            }
            ++(create ? counters_.eventsCreated : counters_.eventsRepeated);
            return ledger_.onWritten(write, now);
        case Verdict::conflict:
            return create ? ledger_.onExists(write, now) : ledger_.onFailed(write, now);
        case Verdict::missing:
            // A POST to a namespace that is gone is told the same.
            return create ? ledger_.onRefused(write) : ledger_.onMissing(write, now);
        case Verdict::refused:
            ++counters_.eventsFailed;
            return ledger_.onRefused(write);
        case Verdict::tryLater:
            ++counters_.eventsFailed;
            return ledger_.onFailed(write, now);
    }
}

// The last addresses known stay in use while it cannot be read, or has none.
asio::awaitable<void> Writeback::readService() {
    const ObjectName& name = *options_.publishService;
    ApiCall call{verb::get, "/api/v1/namespaces/" + name.ns + "/services/" + name.name, {}};
    const auto result = co_await callApi(client_, std::move(call));
    serviceDue_ = Clock::now() + options_.tuning.serviceInterval;
    std::string trouble;
    if (!result.answer.ok()) {
        trouble = result.answer.text();
    } else {
        auto read = addressesOfService(result.body);
        auto* addresses = std::get_if<Addresses>(&read);
        if (addresses == nullptr) {
            trouble = std::get<std::string>(read);
        } else if (addresses->empty()) {
            trouble = "it has no address yet";
        } else if (*addresses != plan_.addresses()) {
            plan_.setAddresses(std::move(*addresses));
            changed();
        }
    }
    if (!trouble.empty() && trouble != serviceTrouble_ && leading()) {
        options_.logger->warn("publish-service {}/{}: {}", name.ns, name.name, trouble);
    }
    serviceTrouble_ = std::move(trouble);
}

Writeback::Time Writeback::nextDue(Time now) const {
    Time first = Time::max();
    const auto consider = [&](std::optional<Time> due) {
        first = due ? std::min(first, *due) : first;
    };
    if (changedAt_) {
        consider(*changedAt_ + options_.tuning.holdoff);
    }
    if (options_.publishService) {
        consider(serviceDue_);
    }
    if (const auto due = ledger_.due()) {
        consider(std::max(*due, pace_.ready(WriteKind::event)));
    }
    if (const auto due = plan_.due(seenAcknowledged_)) {
        consider(std::max({*due, pace_.ready(WriteKind::status), statusBucket_.ready()}));
    }
    // What is overdue but cannot be done waits for a change that wakes us, or for a moment.
    return first == Time::max() ? first : std::max(first, now + kLeastPause);
}

asio::awaitable<void> Writeback::pause(Time until) {
    timer_.expires_at(until);
    co_await timer_.async_wait(kToTuple);
}

void Writeback::wake() {
    timer_.cancel();
}

}  // namespace evergate::controller::writeback
