// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/reflector_logic.hpp"

#include <algorithm>
#include <utility>

namespace evergate::controller::kubernetes {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kGone = 410;
// So often may a server complain about the version we resume from before we list again.
constexpr unsigned kMaxRefused = 3;
// A server restored from a backup is silent on versions it has not reached yet.
constexpr unsigned kMaxSilent = 2;

// A request that will not get better by repeating it as it is.
bool isRefusalOfRequest(unsigned status) {
    return status / 100 == 4 && status != 401 && status != 403 && status != 404 && status != 408 &&
           status != 429;
}

// Versions are opaque, but those of every real server are growing numbers.
bool isOlder(const std::string& version, const std::string& than) {
    const auto isNumber = [](const std::string& text) {
        return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    };
    if (!isNumber(version) || !isNumber(than)) {
        return false;
    }
    return version.size() != than.size() ? version.size() < than.size() : version < than;
}

std::string withStatus(const RequestFailure& failure) {
    if (failure.status == 0 || failure.text.find(std::to_string(failure.status)) == 0) {
        return failure.text;
    }
    return std::to_string(failure.status) + " " + failure.text;
}

}  // namespace

std::string toText(milliseconds duration) {
    const auto count = duration.count();
    if (count < 1000) {
        return std::to_string(count) + "ms";
    }
    return std::to_string(count / 1000) + "." + std::to_string(count % 1000 / 100) + "s";
}

ReflectorLogic::ReflectorLogic(std::uint32_t seed, RetryTuning tuning)
    : tuning_(tuning), random_(seed) {}

NextStep ReflectorLogic::start() const {
    NextStep step;
    step.state = "listing";
    return step;
}

NextStep ReflectorLogic::onPage(std::string resourceVersion, std::string continueToken) {
    if (resourceVersion.empty()) {
        return onFailure({0, {}, "a list without resourceVersion"});
    }
    failures_ = 0;
    continue_ = std::move(continueToken);
    NextStep step;
    if (!continue_.empty()) {
        step.request = NextRequest::nextPage;
        step.state = "listing";
        return step;
    }
    // listing -> watching, or -> listing when a fresh list was asked for while this one was under
    // way
    version_ = std::move(resourceVersion);
    refused_ = 0;
    watching_ = !relistWanted_;
    step.commit = true;
    step.request = watching_ ? NextRequest::watch : NextRequest::firstPage;
    step.state = watching_ ? "opening a watch" : "relisting: asked to";
    relistWanted_ = false;
    return step;
}

NextStep ReflectorLogic::onFailure(const RequestFailure& failure) {
    if (failure.status == kGone) {
        return gone("410 Gone");
    }
    if (isRefusalOfRequest(failure.status) && (watching_ || !continue_.empty())) {
        // The version or continue token is no good to this server; a list without them may be.
        return gone(withStatus(failure));
    }
    return retry(failure);
}

NextStep ReflectorLogic::onErrorEvent(const ApiStatus& status) {
    ++refused_;
    if (refused_ >= kMaxRefused) {
        return gone(status.text());
    }
    return onFailure(
        {static_cast<unsigned>(std::max(status.code, 0)), status.retryAfter, status.text()});
}

NextStep ReflectorLogic::onBrokenWatch(const std::string& why) {
    ++refused_;
    return refused_ >= kMaxRefused ? gone(why) : retry({0, {}, why});
}

NextStep ReflectorLogic::onSilentWatch() {
    ++silent_;
    return silent_ >= kMaxSilent ? gone("the watch is silent")
                                 : retry({0, {}, "the watch is silent"});
}

NextStep ReflectorLogic::onHistoryReset() {
    return gone("the server's history went back");
}

NextStep ReflectorLogic::onWatchEnd(milliseconds lived) {
    if (lived >= kHealthyWatch) {
        onProgress();
    }
    // watching -> watching: from the version seen last
    const auto delay = nextDelay({});
    NextStep step;
    step.request = NextRequest::watch;
    step.delay = delay;
    step.state = "reopening the watch in " + toText(delay);
    return step;
}

NextStep ReflectorLogic::onInterrupted() {
    relistWanted_ = false;
    return list(milliseconds(0), "relisting: asked to");
}

void ReflectorLogic::onProgress() {
    failures_ = 0;
    gone_ = 0;
}

bool ReflectorLogic::onEvent(std::string resourceVersion) {
    if (isOlder(resourceVersion, version_)) {
        return false;
    }
    onProgress();
    refused_ = 0;
    silent_ = 0;
    if (!resourceVersion.empty()) {
        version_ = std::move(resourceVersion);
    }
    return true;
}

// any state -> listing from the first page; the store stays as it is until that list is complete
NextStep ReflectorLogic::list(milliseconds delay, std::string state) {
    watching_ = false;
    refused_ = 0;
    silent_ = 0;
    continue_.clear();
    NextStep step;
    step.request = NextRequest::firstPage;
    step.delay = delay;
    step.discard = true;
    step.state = std::move(state);
    return step;
}

NextStep ReflectorLogic::gone(const std::string& text) {
    // The first time at once; a server that says so again and again is given time. Lists that
    // succeed in between are no progress: they are the cost to be bounded.
    const auto delay = gone_ == 0 ? milliseconds(0) : backoff(gone_);
    ++gone_;
    return list(delay, "relisting: " + text);
}

NextStep ReflectorLogic::retry(const RequestFailure& failure) {
    NextStep step;
    step.request = watching_           ? NextRequest::watch
                   : continue_.empty() ? NextRequest::firstPage
                                       : NextRequest::nextPage;
    step.delay = nextDelay(failure);
    step.reloadToken = failure.status == 401;
    step.trouble = true;
    step.state = "backing off " + toText(step.delay) + ": " + withStatus(failure);
    return step;
}

milliseconds ReflectorLogic::nextDelay(const RequestFailure& failure) {
    ++failures_;
    auto delay = backoff(failures_);
    if (failure.retryAfter) {
        // Not a moment earlier than told, and not all clients at the same moment.
        const milliseconds told = *failure.retryAfter;
        delay = std::max(delay, between(told, told + told / 10));
    }
    return delay;
}

// Before the attempt after `failures` in a row.
milliseconds ReflectorLogic::backoff(unsigned failures) {
    if (failures <= 1) {
        return between(tuning_.first, 5 * tuning_.first);
    }
    const auto doublings = std::min(failures - 2, 20U);
    const auto high = std::min<milliseconds>(tuning_.cap, 2 * tuning_.base * (1LL << doublings));
    return between(high / 2, high);
}

milliseconds ReflectorLogic::between(milliseconds low, milliseconds high) {
    return milliseconds(
        std::uniform_int_distribution<milliseconds::rep>(low.count(), high.count())(random_));
}

}  // namespace evergate::controller::kubernetes
