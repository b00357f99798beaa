// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/publisher.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <map>
#include <utility>

namespace evergate::controller {

namespace asio = boost::asio;
using model::Lane;

Publisher::Publisher(asio::io_context& io, std::string epoch, process::Logger logger,
                     PublishObserver& observer, std::function<void()> relistWanted)
    : io_(io),
      logger_(std::move(logger)),
      observer_(observer),
      relistWanted_(std::move(relistWanted)),
      state_(std::move(epoch)),
      tick_(io) {}

Publisher::~Publisher() = default;

bool Publisher::listen(const rpc::Address& address, const rpc::TlsFiles& files,
                       std::string& error) {
    listener_ = rpc::makeListener(
        io_, address, files,
        [this](std::unique_ptr<rpc::Channel> channel) { accept(std::move(channel)); }, error);
    if (!listener_) {
        return false;
    }
    watchDeadlines();
    return true;
}

void Publisher::useTicketSecret(TicketSecret secret) {
    ticketSecret_ = std::move(secret);
    renewTicketKeys();
}

// Once in a period, or when the clock was set.
void Publisher::renewTicketKeys() {
    const std::int64_t period = TicketSecret::periodOf(std::chrono::system_clock::now());
    if (!ticketSecret_ || period == ticketPeriod_) {
        return;
    }
    rpc::TicketKeys fresh{ticketSecret_->keysOf(period)};
    if (fresh.keys.empty()) {
        return;  // the old ones serve on
    }
    ticketPeriod_ = period;
    ticketKeys_ = std::move(fresh);
    for (const auto& link : links_) {
        if (link->greeted()) {
            link->sendTicketKeys(ticketKeys_);
        }
    }
}

void Publisher::stop() {
    listener_.reset();
    tick_.cancel();
    links_.clear();
}

void Publisher::accept(std::unique_ptr<rpc::Channel> channel) {
    LinkOwner& owner = *this;
    links_.push_back(std::make_unique<DataplaneLink>(std::move(channel), state_, owner, observer_));
    links_.back()->start();
}

void Publisher::publish(model::Config next, std::uint64_t fullList, EventTime since) {
    const bool first = !state_.ready();
    const std::vector<KeyChange> changes = state_.replace(std::move(next), fullList);
    spread(changes, since);
    if (first || !changes.empty()) {
        logger_->info("published config={} endpoints={} changes={} keys={}",
                      state_.version(Lane::config), state_.version(Lane::endpoints), changes.size(),
                      state_.config().entries().size());
    }
}

void Publisher::publishEndpoints(const model::Key& key, model::Entry entry, EventTime since) {
    const std::vector<KeyChange> changes = state_.putEndpoints(key, std::move(entry));
    if (!changes.empty()) {
        spread(changes, since);
        logger_->debug("published endpoints={} backend={}", state_.version(Lane::endpoints),
                       key.name);
    }
}

void Publisher::spread(const std::vector<KeyChange>& changes, EventTime since) {
    remember(changes);
    noteUnapplied(changes, since);
    for (std::size_t i = 0; i < links_.size();) {
        DataplaneLink* link = links_[i].get();
        link->published(changes, since);
        i += i < links_.size() && links_[i].get() == link ? 1 : 0;  // it may have gone down
    }
}

void Publisher::noteUnapplied(const std::vector<KeyChange>& changes, EventTime since) {
    for (const Lane lane : {Lane::config, Lane::endpoints}) {
        const bool changed = std::any_of(
            changes.begin(), changes.end(),
            [lane](const KeyChange& change) { return model::laneOf(change.key.kind) == lane; });
        auto& unapplied = unapplied_[static_cast<std::size_t>(lane)];
        // Nobody is there to apply it: what a data plane gets when it connects is no event.
        if (links_.empty()) {
            unapplied.clear();
        } else if (changed && unapplied.size() < kMaxUnapplied) {
            unapplied.push_back({state_.version(lane), since});
        }
    }
}

void Publisher::onLinkAnswer() {
    for (const Lane lane : {Lane::config, Lane::endpoints}) {
        auto& unapplied = unapplied_[static_cast<std::size_t>(lane)];
        while (!unapplied.empty() && everyLive([&](const DataplaneLink& link) {
            return link.sender(lane).holds(unapplied.front().version);
        })) {
            observer_.onApplied(lane, EventTime::clock::now() - unapplied.front().since);
            unapplied.pop_front();
        }
    }
}

void Publisher::remember(const std::vector<KeyChange>& changes) {
    std::array<Revision, 2> steps;
    for (const KeyChange& change : changes) {
        Revision& step = steps[static_cast<std::size_t>(model::laneOf(change.key.kind))];
        ++(change.after ? step.upserts : step.deletes);
    }
    for (const Lane lane : {Lane::config, Lane::endpoints}) {
        Revision& step = steps[static_cast<std::size_t>(lane)];
        if (step.upserts + step.deletes == 0) {
            continue;
        }
        step.lane = lane;
        step.version = state_.version(lane);
        step.at = std::chrono::system_clock::now();
        revisions_.push_back(step);
        if (revisions_.size() > kMaxRevisions) {
            revisions_.pop_front();
        }
    }
}

std::vector<DataplaneStatus> Publisher::dataplanes() const {
    std::vector<DataplaneStatus> all;
    for (const auto& link : links_) {
        if (!link->greeted()) {
            continue;
        }
        DataplaneStatus status;
        status.nodeId = link->hello().nodeId;
        status.build = link->hello().build;
        for (const Lane lane : {Lane::config, Lane::endpoints}) {
            const LaneSender& sender = link->sender(lane);
            status.applied[static_cast<std::size_t>(lane)] = sender.applied();
            status.converged[static_cast<std::size_t>(lane)] = sender.converged();
            status.rejected += sender.rejected().size();
        }
        all.push_back(std::move(status));
    }
    return all;
}

bool Publisher::hasDataplanes() const {
    return std::any_of(links_.begin(), links_.end(),
                       [](const auto& link) { return link->greeted(); });
}

std::vector<model::KeyedProblem> Publisher::rejected() const {
    std::map<model::Key, model::Problem> unique;
    for (const auto& link : links_) {
        for (const Lane lane : {Lane::config, Lane::endpoints}) {
            for (model::KeyedProblem& entry : link->sender(lane).rejected()) {
                unique.emplace(std::move(entry.key), std::move(entry.problem));
            }
        }
    }
    std::vector<model::KeyedProblem> problems;
    problems.reserve(unique.size());
    for (auto& [key, problem] : unique) {
        problems.push_back({key, std::move(problem)});
    }
    return problems;
}

Versions Publisher::versions() const {
    return {state_.version(Lane::config), state_.version(Lane::endpoints)};
}

bool Publisher::acknowledged(const Versions& versions) const {
    return everyLive([&](const DataplaneLink& link) {
        return link.sender(Lane::config).holds(versions[0]) &&
               link.sender(Lane::endpoints).holds(versions[1]);
    });
}

bool Publisher::converged() const {
    return everyLive([](const DataplaneLink& link) { return link.converged(); });
}

bool Publisher::everyLive(const std::function<bool(const DataplaneLink&)>& condition) const {
    return hasDataplanes() && std::all_of(links_.begin(), links_.end(), [&](const auto& link) {
               return !link->greeted() || condition(*link);
           });
}

void Publisher::watchDeadlines() {
    tick_.expires_after(std::chrono::seconds(1));
    tick_.async_wait(
        [this, alive = std::weak_ptr<const bool>(alive_)](boost::system::error_code ec) {
            if (ec || alive.expired()) {
                return;
            }
            const auto now = std::chrono::steady_clock::now();
            for (std::size_t i = 0; i < links_.size();) {
                DataplaneLink* link = links_[i].get();
                link->expire(now);
                i += i < links_.size() && links_[i].get() == link ? 1 : 0;
            }
            renewTicketKeys();
            watchDeadlines();
        });
}

void Publisher::onLinkHello(DataplaneLink& link) {
    logger_->info("data plane connected node={} build={} config={} endpoints={}",
                  link.hello().nodeId, link.hello().build, link.hello().lanes[0].version,
                  link.hello().lanes[1].version);
    if (!ticketKeys_.keys.empty()) {
        link.sendTicketKeys(ticketKeys_);
    }
    // The same process again: its earlier connection is dead, we only have not noticed.
    for (const auto& other : links_) {
        if (other.get() != &link && other->greeted() &&
            other->hello().nodeId == link.hello().nodeId &&
            other->hello().bootId == link.hello().bootId) {
            return other->close("connected again");
        }
    }
}

void Publisher::onLinkDown(DataplaneLink& link, const std::string& why) {
    const auto found = std::find_if(links_.begin(), links_.end(),
                                    [&](const auto& other) { return other.get() == &link; });
    if (found == links_.end()) {
        return;
    }
    if (link.greeted()) {
        logger_->info("data plane lost node={} reason={}", link.hello().nodeId, why);
        observer_.onLinkLost();
    } else {
        logger_->debug("connection ended reason={}", why);
    }
    ended_.push_back(std::move(*found));
    links_.erase(found);
    asio::post(io_, [this, alive = std::weak_ptr<const bool>(alive_)] {
        if (!alive.expired()) {
            ended_.clear();
        }
    });
}

void Publisher::onRelistWanted() {
    logger_->warn("the first list would remove most of what a data plane serves: listing again");
    asio::post(io_, [this, alive = std::weak_ptr<const bool>(alive_)] {
        if (!alive.expired()) {
            relistWanted_();
        }
    });
}

}  // namespace evergate::controller
