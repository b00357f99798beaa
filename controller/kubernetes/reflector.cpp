// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/reflector.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>

#include "controller/kubernetes/list_stream.hpp"
#include "controller/kubernetes/resource.hpp"

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::controller::kubernetes {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// What a watch brought besides objects.
struct Reflector::WatchOutcome {
    std::optional<Clock::time_point> openedAt;
    std::optional<ApiStatus> errorEvent;
    bool historyReset = false;
    WatchStream stream;
};

Reflector::Reflector(asio::any_io_executor executor, ClusterConfig config, ResourceKind kind,
                     std::string nameSpace, ReflectorTuning tuning, std::uint32_t seed,
                     ReflectorSink& sink)
    : client_(executor, std::move(config)),
      timer_(executor),
      kind_(kind),
      path_(collectionPath(kind, nameSpace)),
      tuning_(std::move(tuning)),
      random_(seed),
      logic_(seed, tuning_.retry),
      sink_(&sink) {}

void Reflector::launch(const std::shared_ptr<Reflector>& reflector) {
    // Nothing throws in there but for want of memory. To go on without a reflector would be to
    // serve old news for ever: out of the event loop with it.
    asio::co_spawn(reflector->timer_.get_executor(), run(reflector), [](std::exception_ptr thrown) {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
    });
}

void Reflector::relist(std::uint64_t round) {
    wantedRound_ = round;
    logic_.requestRelist();
    if (watchOpen_) {
        client_.cancel();
    }
}

void Reflector::stop() {
    sink_ = nullptr;
    timer_.cancel();
    client_.cancel();
}

asio::awaitable<void> Reflector::run(std::shared_ptr<Reflector> self) {
    auto step = self->logic_.start();
    while (self->sink_ != nullptr) {
        self->enter(step.state, step.trouble);
        if (step.discard) {
            self->staged_.clear();
        }
        if (step.reloadToken) {
            self->client_.distrustToken();
        }
        co_await self->pause(step.delay);
        if (self->sink_ == nullptr) {
            break;
        }
        if (self->logic_.hasListed() && self->logic_.relistWanted()) {
            step = self->logic_.onInterrupted();
            self->staged_.clear();
        }
        step = co_await self->perform(std::move(step));
    }
}

asio::awaitable<void> Reflector::pause(std::chrono::milliseconds delay) {
    if (delay.count() > 0) {
        timer_.expires_after(delay);
        co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

asio::awaitable<NextStep> Reflector::perform(NextStep step) {
    if (step.request == NextRequest::watch) {
        step = co_await watch();
    } else {
        step = co_await listPage();
    }
    if (step.commit && sink_ != nullptr) {
        commit();
    }
    co_return step;
}

asio::awaitable<NextStep> Reflector::listPage() {
    ApiRequest request;
    request.target = path_ + "?limit=" + std::to_string(tuning_.pageLimit);
    request.target += selectorQuery(kind_);
    if (logic_.continueToken().empty()) {
        stagedRound_ = wantedRound_;
    } else {
        request.target += "&continue=" + percentEncoded(logic_.continueToken());
    }
    request.deadlines = tuning_.list;
    ListStream list;
    std::vector<Decoded> page;
    const ListStream::OnItem onItem = [&](std::string_view item) {
        page.push_back(decodeAs(kind_, item));
    };
    auto answer = co_await client_.send(
        std::move(request), {}, [&](std::string_view bytes) { return list.feed(bytes, onItem); });
    if (answer.ok() && !list.complete()) {
        answer.error = list.error().empty() ? "the list is cut off" : list.error();
    }
    if (!answer.ok()) {
        co_return failed(answer);
    }
    if (const auto& refusal = list.refusal()) {
        ++counters_.errors;
        co_return logic_.onErrorEvent(*refusal);
    }
    staged_.insert(staged_.end(), std::make_move_iterator(page.begin()),
                   std::make_move_iterator(page.end()));
    co_return logic_.onPage(list.resourceVersion(), list.continueToken());
}

asio::awaitable<NextStep> Reflector::watch() {
    WatchOutcome outcome;
    const WatchStream::OnEvent onEvent = [&](const WatchEvent& event) {
        return take(event, outcome);
    };
    const auto answer = co_await client_.send(
        watchRequest(),
        [&] {
            outcome.openedAt = Clock::now();
            watchOpen_ = true;
            enter("watching", false);
            if (sink_ != nullptr) {
                sink_->onWatching(kind_);
            }
            if (logic_.relistWanted()) {
                client_.cancel();
            }
        },
        [&](std::string_view bytes) { return outcome.stream.feed(bytes, onEvent); });
    watchOpen_ = false;
    co_return conclude(answer, outcome);
}

ApiRequest Reflector::watchRequest() {
    const auto seconds = std::chrono::seconds(std::uniform_int_distribution<std::int64_t>(
        tuning_.minWatch.count(), tuning_.maxWatch.count())(random_));
    ApiRequest request;
    request.target = path_ + "?watch=1&allowWatchBookmarks=true&resourceVersion=" +
                     percentEncoded(logic_.resourceVersion()) +
                     "&timeoutSeconds=" + std::to_string(seconds.count());
    request.target += selectorQuery(kind_);
    request.deadlines = tuning_.list;
    request.deadlines.silence = tuning_.watchSilence;
    request.deadlines.total = seconds + tuning_.watchGrace;
    return request;
}

NextStep Reflector::conclude(const ApiAnswer& answer, const WatchOutcome& outcome) {
    const auto lived = outcome.openedAt ? std::chrono::duration_cast<std::chrono::milliseconds>(
                                              Clock::now() - *outcome.openedAt)
                                        : std::chrono::milliseconds(0);
    if (lived >= kHealthyWatch) {
        logic_.onProgress();
    }
    if (outcome.errorEvent) {
        ++counters_.errors;
        return logic_.onErrorEvent(*outcome.errorEvent);
    }
    if (outcome.historyReset) {
        ++counters_.errors;
        return logic_.onHistoryReset();
    }
    if (answer.silent && outcome.openedAt) {
        ++counters_.errors;
        return logic_.onSilentWatch();
    }
    if (!outcome.stream.error().empty()) {
        ++counters_.errors;
        return logic_.onBrokenWatch(outcome.stream.error());
    }
    if (logic_.relistWanted()) {
        return logic_.onInterrupted();
    }
    return answer.ok() ? logic_.onWatchEnd(lived) : failed(answer);
}

NextStep Reflector::failed(const ApiAnswer& answer) {
    ++counters_.errors;
    const bool answered = answer.status != 0 && answer.status / 100 != 2;
    auto retryAfter = answer.retryAfter;
    if (!retryAfter && answer.refusal) {
        retryAfter = answer.refusal->retryAfter;
    }
    if (answer.status == 403 && sink_ != nullptr) {
        sink_->onForbidden(kind_);
    }
    return logic_.onFailure({answered ? answer.status : 0, retryAfter, answer.text()});
}

bool Reflector::take(const WatchEvent& event, WatchOutcome& outcome) {
    if (sink_ == nullptr) {
        return false;
    }
    if (event.type == WatchType::error) {
        outcome.errorEvent =
            parseStatus(event.object).value_or(ApiStatus{0, "", "an ERROR event", {}});
        return false;
    }
    const auto identity = identityOf(event.object).value_or(ObjectIdentity{});
    if (!logic_.onEvent(identity.resourceVersion)) {
        outcome.historyReset = true;
        return false;
    }
    if (event.type == WatchType::bookmark) {
        return true;
    }
    ++counters_.events;
    if (event.type == WatchType::deleted) {
        sink_->onErased({kind_, {identity.nameSpace, identity.name}});
    } else {
        sink_->onChanged(kind_, decodeAs(kind_, event.object));
    }
    return true;
}

void Reflector::commit() {
    ++counters_.lists;
    sink_->onListed(kind_, std::exchange(staged_, {}), stagedRound_);
}

void Reflector::enter(std::string state, bool trouble) {
    if (state_ == state) {
        return;
    }
    state_ = std::move(state);
    if (sink_ != nullptr) {
        sink_->onState(kind_, state_, trouble);
    }
}

}  // namespace evergate::controller::kubernetes
