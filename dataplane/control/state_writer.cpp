// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/state_writer.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace evergate::dataplane {

namespace asio = boost::asio;

namespace {

constexpr int kConfigPause = 10;      // times the duration of the last write
constexpr int kEndpointsPause = 100;  // likewise
constexpr std::chrono::seconds kEndpointsLeast{1};
constexpr std::chrono::seconds kLongestPause{30};

}  // namespace

StateWriter::StateWriter(asio::io_context& io, std::string directory, Collect collect,
                         process::Logger logger)
    : io_(io),
      files_(std::move(directory)),
      collect_(std::move(collect)),
      logger_(std::move(logger)),
      timer_(io) {}

StateWriter::~StateWriter() {
    thread_.join();
}

void StateWriter::changed(model::Lane lane) {
    const auto now = Clock::now();
    const auto longest = Clock::duration(kLongestPause);
    Clock::time_point at;
    if (lane == model::Lane::config) {
        configWaits_ = true;
        at = std::max(now, lastEnd_ + std::min(longest, kConfigPause * lastTook_));
    } else {
        endpointsWait_ = true;
        const auto pause = std::max(Clock::duration(kEndpointsLeast), kEndpointsPause * lastTook_);
        at = std::max(now, lastEnd_ + std::min(longest, pause));
    }
    if (!writing_) {
        arm(at);
    }
}

void StateWriter::arm(Clock::time_point at) {
    if (at >= armedFor_) {
        return;
    }
    armedFor_ = at;
    timer_.expires_at(at);
    timer_.async_wait(
        [this, alive = std::weak_ptr<const bool>(alive_)](boost::system::error_code ec) {
            if (!ec && !alive.expired()) {
                write();
            }
        });
}

void StateWriter::write() {
    armedFor_ = Clock::time_point::max();
    writing_ = true;
    configWaits_ = false;
    endpointsWait_ = false;
    auto saved = std::make_shared<const SavedConfig>(collect_());
    asio::post(thread_, [this, saved = std::move(saved),
                         alive = std::weak_ptr<const bool>(alive_)]() mutable {
        const auto start = Clock::now();
        const auto error = files_.store(*saved);
        saved.reset();  // a large configuration dies here, not on the control thread
        const auto took = Clock::now() - start;
        asio::post(io_, [this, error, took, alive = std::move(alive)] {
            if (!alive.expired()) {
                written(error, took);
            }
        });
    });
}

void StateWriter::written(boost::system::error_code error, Clock::duration took) {
    writing_ = false;
    lastEnd_ = Clock::now();
    lastTook_ = took;
    if (error) {
        ++failures_;
        logger_->error("cannot write file={} reason={}", files_.current(), error.message());
        endpointsWait_ = true;
        return arm(lastEnd_ + kLongestPause);
    }
    ++writes_;
    if (configWaits_) {
        changed(model::Lane::config);
    } else if (endpointsWait_) {
        changed(model::Lane::endpoints);
    }
}

void StateWriter::flush() {
    timer_.cancel();
    armedFor_ = Clock::time_point::max();
    thread_.join();
    if (writing_ || configWaits_ || endpointsWait_) {
        if (const auto error = files_.store(collect_())) {
            ++failures_;
            logger_->error("cannot write file={} reason={}", files_.current(), error.message());
        }
    }
    configWaits_ = endpointsWait_ = writing_ = false;
}

}  // namespace evergate::dataplane
