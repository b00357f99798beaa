// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/control_link.hpp"

#include <utility>

#include "common/rpc/codec.hpp"
#include "common/rpc/limits.hpp"

namespace evergate::dataplane {

ControlLink::ControlLink(boost::asio::io_context& io, ControlLinkOptions options, ConfigSink& sink,
                         process::Logger logger)
    : io_(io),
      options_(std::move(options)),
      logger_(std::move(logger)),
      receiver_(sink, [this](model::Lane lane) { laneChanged(lane); }),
      backoff_(rpc::kRedialMin, rpc::kRedialMax, options_.random),
      timer_(io),
      names_(std::make_shared<process::NameResolver>(io.get_executor())) {}

ControlLink::~ControlLink() = default;

void ControlLink::start() {
    state_ = State::waiting;
    if (options_.stateDir.empty()) {
        return dial();
    }
    writer_ = std::make_unique<StateWriter>(
        io_, options_.stateDir,
        [this] {
            return SavedConfig{{receiver_.states()[0].version, receiver_.states()[1].version},
                               epoch_,
                               receiver_.config()};
        },
        logger_);
    load();
}

void ControlLink::load() {
    LastKnownGood::Loaded loaded = LastKnownGood(options_.stateDir).load();
    for (const std::string& complaint : loaded.complaints) {
        logger_->warn("last known good configuration not usable {}", complaint);
    }
    if (!loaded.saved) {
        return dial();
    }
    epoch_ = loaded.saved->epoch;
    receiver_.restore(std::move(loaded.saved->config), loaded.saved->versions, [this](bool served) {
        counters_.restored = served;
        logger_->info("last known good configuration served={} config={} endpoints={}", served,
                      receiver_.states()[0].version, receiver_.states()[1].version);
        if (state_ == State::waiting) {
            dial();
        }
    });
}

void ControlLink::stop() {
    state_ = State::stopped;
    timer_.cancel();
    channel_.reset();
    receiver_.disconnected();
    if (writer_) {
        writer_->flush();
    }
}

ControlLinkStatus ControlLink::status() const {
    ControlLinkStatus status = counters_;
    status.connected = state_ == State::serving;
    status.epoch = epoch_;
    if (status.connected) {
        status.age = std::chrono::milliseconds(0);
    } else if (heard_ != Clock::time_point{}) {
        status.age = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - heard_);
    }
    if (writer_) {
        status.stateWrites = writer_->writes();
        status.stateWriteFailures = writer_->failures();
    }
    return status;
}

void ControlLink::dial() {
    state_ = State::dialing;
    channel_ = rpc::makeDialer(io_, options_.controller, options_.tls, names_);
    channel_->start(*this);
}

void ControlLink::onOpen() {
    state_ = State::opened;
    if (!receiver_.busy()) {
        sayHello();  // else when the work of the last connection is done: laneChanged()
    }
}

void ControlLink::sayHello() {
    state_ = State::greeting;
    rpc::Hello hello;
    hello.nodeId = options_.nodeId;
    hello.bootId = options_.bootId;
    hello.build = options_.build;
    hello.epoch = epoch_;
    hello.lanes = receiver_.states();
    channel_->send(rpc::encodeHello(++helloId_, hello));
    timer_.expires_after(rpc::kHelloDeadline);
    timer_.async_wait(
        [this, alive = std::weak_ptr<const bool>(alive_)](boost::system::error_code ec) {
            if (!ec && !alive.expired() && state_ == State::greeting) {
                lost("no answer to hello");
            }
        });
}

void ControlLink::laneChanged(model::Lane lane) {
    if (state_ == State::opened && !receiver_.busy()) {
        sayHello();
    }
    if (writer_ && state_ != State::stopped) {
        writer_->changed(lane);
    }
}

void ControlLink::onClosed(const std::string& why) {
    lost(why);
}

// Why the first of a row of failures matters to people; the others only to those who debug.
void ControlLink::lost(const std::string& why) {
    const bool wasServing = state_ == State::serving;
    if (wasServing && Clock::now() - greetedAt_ > rpc::kIdleDeadline) {
        backoff_.reset();
    }
    heard_ = wasServing ? Clock::now() : heard_;
    ++counters_.failures;
    if (counters_.lastError.empty() || state_ != State::closing) {
        const bool news = wasServing || counters_.lastError != why;
        logger_->log(news ? spdlog::level::warn : spdlog::level::debug,
                     "controller not connected reason={}", why);
        counters_.lastError = why;
    }
    state_ = State::waiting;
    channel_.reset();
    receiver_.disconnected();
    timer_.expires_after(redialDelay());
    timer_.async_wait(
        [this, alive = std::weak_ptr<const bool>(alive_)](boost::system::error_code ec) {
            if (!ec && !alive.expired() && state_ == State::waiting) {
                dial();
            }
        });
}

std::chrono::milliseconds ControlLink::redialDelay() {
    if (retryAfter_) {
        const double jitter = 0.5 + options_.random();
        const auto delay = std::chrono::duration<double, std::milli>(*retryAfter_) * jitter;
        retryAfter_.reset();
        return std::chrono::duration_cast<std::chrono::milliseconds>(delay);
    }
    return backoff_.next();
}

void ControlLink::anomaly(const std::string& why) {
    if (state_ == State::serving) {
        heard_ = Clock::now();
    }
    logger_->warn("closing the connection to the controller reason={}", why);
    counters_.lastError = why;
    state_ = State::closing;
    receiver_.disconnected();
    channel_->finish();  // what is queued may be the answer that says why
}

void ControlLink::onMessage(std::string_view text) {
    if (state_ == State::closing) {
        return;
    }
    auto decoded = rpc::decode(text);
    if (auto* error = std::get_if<rpc::DecodeError>(&decoded)) {
        return anomaly("message: " + error->why);
    }
    std::visit(
        [&](auto&& message) { dispatch(std::forward<decltype(message)>(message), text.size()); },
        std::move(std::get<rpc::Message>(decoded)));
}

void ControlLink::dispatch(rpc::Reply&& reply, std::size_t) {
    if (state_ != State::greeting || reply.id != helloId_) {
        return anomaly("an answer nobody waits for");
    }
    if (const auto* welcome = std::get_if<rpc::Welcome>(&reply.outcome)) {
        return greeted(*welcome);
    }
    if (const auto* error = std::get_if<rpc::Error>(&reply.outcome)) {
        return turnedAway(*error);
    }
    anomaly("no answer to hello");
}

void ControlLink::greeted(const rpc::Welcome& welcome) {
    if (welcome.protocol < rpc::kProtocolMin || welcome.protocol > rpc::kProtocolMax) {
        return anomaly("the controller chose a protocol we do not speak");
    }
    timer_.cancel();
    state_ = State::serving;
    greetedAt_ = Clock::now();
    epoch_ = welcome.epoch;
    receiver_.connected(epoch_);
    ++counters_.connects;
    counters_.lastError.clear();
    logger_->info("connected to the controller epoch={}", epoch_);
}

void ControlLink::turnedAway(const rpc::Error& error) {
    if (error.code == rpc::ErrorCode::notReady && error.retryAfterMs > 0) {
        retryAfter_ = std::chrono::milliseconds(error.retryAfterMs);
    }
    timer_.cancel();
    lost("the controller answered: " + error.message);
}

void ControlLink::dispatch(rpc::PartMessage&& message, std::size_t bytes) {
    if (state_ != State::serving) {
        return anomaly("a transaction before the welcome");
    }
    const auto id = message.id;
    auto why =
        receiver_.receive(std::move(message.part), bytes,
                          [this, id](const LaneReceiver::Answer& given) { answer(*id, given); });
    if (!why) {
        return;
    }
    if (id) {
        rpc::Error error;
        error.code = rpc::ErrorCode::outOfOrder;
        error.message = *why;
        channel_->send(rpc::encodeError(*id, error));
    }
    anomaly(*why);
}

void ControlLink::answer(std::uint64_t id, const LaneReceiver::Answer& given) {
    if (const auto* ack = std::get_if<rpc::Ack>(&given)) {
        ++counters_.acks;
        backoff_.reset();
        channel_->send(rpc::encodeAck(id, *ack));
        return;
    }
    const auto& error = std::get<rpc::Error>(given);
    ++counters_.nacks;
    logger_->warn("configuration refused reason={} keys={}", error.message, error.problems.size());
    channel_->send(rpc::encodeError(id, error));
}

void ControlLink::dispatch(rpc::KeysRequest&& request, std::size_t) {
    if (state_ != State::serving) {
        return anomaly("asked for keys before the welcome");
    }
    channel_->send(rpc::encodeKeysPage(request.id, receiver_.keys(request.lane, request.after)));
}

void ControlLink::dispatch(rpc::TicketKeys&& message, std::size_t) {
    if (state_ != State::serving) {
        return anomaly("keys of tickets before the welcome");
    }
    options_.onTicketKeys(message.keys);
}

void ControlLink::dispatch(rpc::UnknownCall&& call, std::size_t) {
    if (call.id) {
        rpc::Error error;
        error.message = "no method " + call.method;
        channel_->send(rpc::encodeError(*call.id, error));
    }
}

}  // namespace evergate::dataplane
