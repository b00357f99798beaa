// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/publish_loop.hpp"

#include <utility>

#include "controller/publish/admission.hpp"

namespace evergate::controller {

namespace {

EventTime now() {
    return std::chrono::steady_clock::now();
}

ObjectProblem describe(const model::Key& key, const model::Problem& problem) {
    return {model::toText(key), problem.where, problem.what};
}

}  // namespace

PublishLoop::PublishLoop(boost::asio::io_context& io, Publisher& publisher, process::Logger logger,
                         std::function<void()> relistWanted)
    : publisher_(publisher),
      logger_(std::move(logger)),
      relistWanted_(std::move(relistWanted)),
      timer_(io) {}

void PublishLoop::onDesired(Desired desired, EventTime since) {
    sourceProblems_ = std::move(desired.problems);
    endpointProblems_.clear();
    intake_.desired(std::move(desired.config), desired.fullList, since, now(), desired.serial);
    poll();
}

void PublishLoop::onEndpoints(const std::string& backend, model::Endpoints endpoints,
                              EventTime since) {
    const model::Key key{model::Kind::endpoints, backend};
    const model::Value value(std::move(endpoints));
    const auto problems = admissionProblems(key, value);
    if (!problems.empty()) {
        logger_->warn("left out key={} where={} problem={}", model::toText(key),
                      problems.front().where, problems.front().what);
        endpointProblems_[key] = problems.front();
        return;
    }
    endpointProblems_.erase(key);
    model::Entry entry = model::makeEntry(value);
    if (intake_.endpoints(backend, entry, publisher_.state().config())) {
        publisher_.publishEndpoints(key, std::move(entry), since);
    }
}

void PublishLoop::poll() {
    const EventTime at = now();
    const model::Config& published = publisher_.state().config();
    if (model::Config* candidate = intake_.ripe(at)) {
        admissionProblems_ = admit(*candidate, published);
        for (const model::KeyedProblem& entry : admissionProblems_) {
            logger_->warn("left out key={} where={} problem={}", model::toText(entry.key),
                          entry.problem.where, entry.problem.what);
        }
    }
    switch (intake_.poll(at, published)) {
        case Intake::State::idle:
            return;
        case Intake::State::waiting:
            return arm(*intake_.due());
        case Intake::State::held:
            logger_->warn("a change would remove most routes or all listeners: listing again");
            return relistWanted_();
        case Intake::State::ready:
            return publish();
    }
}

void PublishLoop::arm(EventTime due) {
    timer_.expires_at(due);
    timer_.async_wait(
        [this, alive = std::weak_ptr<const bool>(alive_)](boost::system::error_code ec) {
            if (!ec && !alive.expired()) {
                poll();
            }
        });
}

void PublishLoop::publish() {
    Intake::Publication publication = intake_.take();
    publisher_.publish(std::move(publication.config), publication.fullList, publication.since);
    // One whose versions were acknowledged before a newer one was published is no loss.
    if (unacknowledged_.size() == kMaxUnacknowledged) {
        unacknowledged_.pop_front();
    }
    unacknowledged_.push_back({publication.serial, publisher_.versions()});
    tellProblems();
}

// Also when nothing was published but them. Not each of them: they are asked for, and Events say
// them where there is a cluster.
void PublishLoop::tellProblems() {
    const std::size_t count = problems().size();
    if (count == toldProblems_) {
        return;
    }
    logger_->log(count == 0 ? spdlog::level::info : spdlog::level::warn,
                 "problems={} before={}: evergatectl problems names them", count, toldProblems_);
    toldProblems_ = count;
}

std::uint64_t PublishLoop::acknowledgedSerial() {
    while (!unacknowledged_.empty() && publisher_.acknowledged(unacknowledged_.front().versions)) {
        acknowledgedSerial_ = unacknowledged_.front().serial;
        unacknowledged_.pop_front();
    }
    return acknowledgedSerial_;
}

std::vector<ObjectProblem> PublishLoop::problems() const {
    std::vector<ObjectProblem> all = sourceProblems_;
    for (const model::KeyedProblem& entry : keyProblems()) {
        all.push_back(describe(entry.key, entry.problem));
    }
    return all;
}

std::vector<model::KeyedProblem> PublishLoop::keyProblems() const {
    std::vector<model::KeyedProblem> all = admissionProblems_;
    for (const auto& [key, problem] : endpointProblems_) {
        all.push_back({key, problem});
    }
    for (model::KeyedProblem& entry : publisher_.rejected()) {
        all.push_back(std::move(entry));
    }
    return all;
}

}  // namespace evergate::controller
