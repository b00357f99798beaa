// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/sync_engine.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <random>
#include <utility>
#include <variant>

#include "controller/objects/printable.hpp"

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::controller::marathon {
namespace {

namespace asio = boost::asio;

// Beyond so many a full list is cheaper.
constexpr std::size_t kMaxPending = 8;
constexpr auto kResolveTime = std::chrono::seconds(2);

process::Backoff::Random randomOf(std::uint32_t seed) {
    if (seed == 0) {
        return process::systemRandom();
    }
    return [engine = std::minstd_rand(seed)]() mutable {
        return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
    };
}

EventStreamTuning streamTuning(const MarathonTuning& tuning) {
    EventStreamTuning stream;
    stream.heartbeatTimeout = tuning.heartbeatTimeout;
    stream.minPause = tuning.minPause;
    stream.maxPause = tuning.maxPause;
    stream.deadlines.connect = tuning.deadlines.connect;
    stream.deadlines.head = tuning.deadlines.head;
    return stream;
}

// The leader there is, as /v2/leader tells it; empty: none.
bool namesLeader(const MasterAnswer& answer) {
    const auto colon = answer.body.find(':');
    return answer.status == 200 && answer.error.empty() &&
           answer.body.find("\"leader\"") != std::string::npos && colon != std::string::npos &&
           answer.body.find(':', colon + 1) != std::string::npos;
}

bool isLiteral(const std::string& host) {
    boost::system::error_code error;
    asio::ip::make_address(host, error);
    return !error;
}

}  // namespace

SyncEngine::SyncEngine(asio::any_io_executor executor, const Masters& masters,
                       MarathonOptions options)
    : executor_(executor),
      options_(std::move(options)),
      translate_{options_.groups, options_.translate},
      client_(executor, masters, options_.tuning.deadlines),
      resolver_(executor),
      stream_(std::make_shared<EventStream>(executor, masters, streamTuning(options_.tuning),
                                            randomOf(options_.seed == 0 ? 0 : options_.seed + 1),
                                            static_cast<EventStreamSink&>(*this))),
      random_(randomOf(options_.seed)),
      backoff_(options_.tuning.minPause, options_.tuning.maxPause, randomOf(options_.seed)),
      timer_(executor),
      guard_(options_.tuning.patience) {
    status_.state = "starting";
}

void SyncEngine::launch(const std::shared_ptr<SyncEngine>& engine, SourceSink& sink) {
    engine->sink_ = &sink;
    engine->since_ = Clock::now();
    EventStream::launch(engine->stream_);
    // Nothing throws in there but for want of memory: out of the event loop with it.
    asio::co_spawn(engine->executor_, run(engine), [](std::exception_ptr thrown) {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
    });
}

void SyncEngine::stop() {
    sink_ = nullptr;
    stream_->stop();
    client_.cancel();
    resolver_.cancel();
    timer_.cancel();
}

void SyncEngine::relist() {
    wantFullList();
}

SourceStatus SyncEngine::status() const {
    auto status = status_;
    status.objects = store_.apps().size();
    return status;
}

asio::awaitable<void> SyncEngine::run(std::shared_ptr<SyncEngine> self) {
    while (self->sink_ != nullptr) {
        const auto current = Clock::now();
        if (current < self->notBefore_) {
            co_await self->pause(self->notBefore_);
        } else if (self->wantFull_ || current >= self->resyncAt_) {
            if (current < self->nextFullFrom_) {
                co_await self->pause(self->nextFullFrom_);
            } else {
                co_await self->listAll();
            }
        } else if (!self->pending_.empty()) {
            co_await self->listOne(self->pending_.extract(self->pending_.begin()).value());
        } else {
            co_await self->pause(self->resyncAt_);
        }
    }
}

// Ends early when woken.
asio::awaitable<void> SyncEngine::pause(Clock::time_point until) {
    waiting_ = true;
    timer_.expires_at(until);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    waiting_ = false;
}

void SyncEngine::wake() {
    if (waiting_) {
        timer_.cancel();
    }
}

void SyncEngine::wantFullList() {
    wantFull_ = true;
    wake();
}

AppStore::Now SyncEngine::now() const {
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    return {Clock::now(), std::chrono::duration_cast<std::chrono::seconds>(wall).count()};
}

asio::awaitable<void> SyncEngine::listAll() {
    const auto asked = now();
    const auto since = std::exchange(since_, EventTime{});
    wantFull_ = false;
    pending_.clear();
    nextFullFrom_ = asked.steady + options_.tuning.listGap;
    auto answer = co_await client_.get("/v2/apps?embed=apps.tasks");
    rest(asked.steady);
    if (sink_ == nullptr) {
        co_return;
    }
    if (answer.error.empty() && answer.status != 200) {
        answer.error = "answered " + std::to_string(answer.status);
    }
    auto parsed = answer.error.empty() ? parseAppList(answer.body)
                                       : std::variant<AppList, std::string>(answer.error);
    answer.body.clear();
    if (const auto* wrong = std::get_if<std::string>(&parsed)) {
        wantFull_ = true;
        since_ = since;
        failed("cannot list: " + *wrong);
        co_return;
    }
    auto list = std::get<AppList>(std::move(parsed));
    const bool believable = co_await isBelievable(list, asked.steady);
    if (sink_ == nullptr) {
        co_return;
    }
    if (!believable) {
        wantFull_ = true;
        notBefore_ = Clock::now() + std::min(options_.tuning.patience / 6, options_.tuning.poll);
        co_return;
    }
    guard_.believed();
    const auto change = store_.applyList(std::move(list), asked);
    co_await resolveHosts();
    if (sink_ == nullptr) {
        co_return;
    }
    backoff_.reset();
    ++status_.lists;
    status_.synced = true;
    scheduleResync();
    note(streamOpen_ ? "watching" : "polling: there is no event stream", !streamOpen_);
    publish(change, true, since == EventTime{} ? asked.steady : since);
}

asio::awaitable<bool> SyncEngine::isBelievable(const AppList& list, Clock::time_point asked) {
    using Verdict = ListGuard::Verdict;
    const auto change = store_.compare(list);
    auto verdict = guard_.judge(change, asked);
    // Nothing at all from a Marathon not known yet: data planes may know better than we do.
    if (!status_.synced && list.apps.empty()) {
        verdict = Verdict::confirm;
    }
    if (verdict == Verdict::confirm) {
        const auto leader = co_await client_.get("/v2/leader");
        verdict = namesLeader(leader) ? Verdict::believe : Verdict::hold;
    }
    if (verdict == Verdict::hold) {
        note("holding: the list lost " + std::to_string(change.appsLost) + " of " +
                 std::to_string(change.appsBefore) + " apps and has " +
                 std::to_string(change.tasksNow) + " tasks; asking again",
             true);
    }
    co_return verdict == Verdict::believe;
}

asio::awaitable<void> SyncEngine::listOne(std::string appId) {
    const auto asked = now();
    const auto since = pending_.empty() ? std::exchange(since_, EventTime{}) : since_;
    auto answer = co_await client_.get("/v2/apps/" + appId.substr(1) + "?embed=app.tasks");
    rest(asked.steady);
    if (sink_ == nullptr) {
        co_return;
    }
    if (!answer.error.empty()) {
        wantFull_ = true;
        failed("cannot read " + appId + ": " + answer.error);
        co_return;
    }
    auto parsed = parseOneApp(answer.body);
    auto* one = std::get_if<AppList>(&parsed);
    AppStore::Change change;
    // Gone, or gone wrong: the full list decides, and the guard with it.
    if (answer.status == 404 || one == nullptr ||
        store_.applyOne(appId, std::move(*one), asked, change) == AppStore::One::doubtful) {
        wantFull_ = true;
        since_ = since;
        co_return;
    }
    co_await resolveHosts();
    if (sink_ != nullptr && status_.synced) {
        publish(change, false, since == EventTime{} ? asked.steady : since);
    }
}

asio::awaitable<void> SyncEngine::resolveHosts() {
    std::set<std::string> names;
    for (const auto& [id, app] : store_.apps()) {
        for (const auto& task : app.tasks) {
            if (!task.host.empty() && !isLiteral(task.host)) {
                names.insert(task.host);
            }
        }
    }
    if (names.empty()) {
        co_return;
    }
    resolver_.forgetBut(names);
    co_await resolver_.refresh(std::move(names), kResolveTime);
}

// However many events come, Marathon has twice the time it took to answer for other things.
void SyncEngine::rest(Clock::time_point asked) {
    constexpr Clock::duration kLongest = std::chrono::seconds(2);
    const auto current = Clock::now();
    notBefore_ = current + std::min((current - asked) * 2, kLongest);
}

void SyncEngine::failed(const std::string& what) {
    ++status_.errors;
    notBefore_ = Clock::now() + backoff_.next();
    note(what, true);
}

void SyncEngine::scheduleResync() {
    const auto every = streamOpen_ ? options_.tuning.resync : options_.tuning.poll;
    const auto jitter = 0.8 + 0.4 * random_();
    resyncAt_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(every * jitter);
}

void SyncEngine::publish(const AppStore::Change& change, bool full, EventTime since) {
    // Endpoints first: they wait for no holdoff.
    for (const auto& appId : change.tasksOf) {
        publishEndpoints(appId, since);
    }
    if (!full && !change.shape) {
        return;
    }
    auto translated = translate(store_.apps(), store_.malformed(), translate_,
                                [this](const std::string& host) { return lookup(host); });
    owners_ = std::move(translated.owners);
    translated.desired.fullList = status_.lists;
    sink_->onDesired(std::move(translated.desired), since);
}

void SyncEngine::publishEndpoints(const std::string& appId, EventTime since) {
    const auto app = store_.apps().find(appId);
    if (sink_ == nullptr || app == store_.apps().end()) {
        return;
    }
    for (const auto& [backend, owner] : owners_) {
        if (owner.appId == appId && owner.port < app->second.shape.ports.size()) {
            sink_->onEndpoints(
                backend,
                endpointsOf(
                    app->second, app->second.shape.ports[owner.port],
                    [this](const std::string& host) { return lookup(host); }, nullptr),
                since);
        }
    }
}

void SyncEngine::onStreamOpen(const std::string& server) {
    streamOpen_ = true;
    if (options_.logger) {
        options_.logger->info("event stream open server={}", server);
    }
    wantFullList();
}

void SyncEngine::onStreamEnd(const std::string& reason) {
    ++status_.errors;
    if (options_.logger) {
        options_.logger->debug("no event stream reason={}", printable(reason, 300));
    }
    if (std::exchange(streamOpen_, false)) {
        note("no event stream: " + reason, true);
        // Only now: attempts that fail faster than the poll comes round would put it off for ever.
        if (status_.synced) {
            scheduleResync();
            wake();
        }
    }
}

void SyncEngine::onStreamEvent(const StreamEvent& event) {
    ++status_.events;
    for (const auto& news : newsOf(event)) {
        if (since_ == EventTime{}) {
            since_ = Clock::now();
        }
        std::visit([this](const auto& each) { act(each); }, news);
    }
}

// The task may close its port any moment: it goes before anything is asked.
void SyncEngine::act(const TaskEnding& news) {
    const auto current = Clock::now();
    const auto appId = store_.taskEnding(news.appId, news.taskId, current);
    if (!appId.empty() && status_.synced) {
        publishEndpoints(appId, current);
    }
}

void SyncEngine::act(const TaskAlive& news) {
    store_.taskAlive(news.taskId);
}

void SyncEngine::act(const AppChanged& news) {
    pending_.insert(news.appId);
    if (pending_.size() > kMaxPending) {
        wantFull_ = true;
    }
    wake();
}

void SyncEngine::act(const AppGone& news) {
    store_.expectGone(news.appId);
    wantFullList();
}

void SyncEngine::act(const AnythingChanged&) {
    wantFullList();
}

// At info only what is news: trouble, and its end.
void SyncEngine::note(const std::string& state, bool trouble) {
    const auto text = printable(state, 300);
    if (options_.logger && text != status_.state) {
        const bool news = trouble != trouble_ || status_.lists <= 1;
        options_.logger->log(news ? spdlog::level::info : spdlog::level::debug, "source state={}",
                             text);
    }
    trouble_ = trouble;
    status_.state = text;
}

}  // namespace evergate::controller::marathon
