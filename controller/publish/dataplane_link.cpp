// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/dataplane_link.hpp"

#include <algorithm>
#include <utility>

#include "common/rpc/codec.hpp"
#include "common/rpc/limits.hpp"

namespace evergate::controller {

namespace {

constexpr std::array kLanes{model::Lane::endpoints, model::Lane::config};  // in order of urgency
constexpr std::uint32_t kRetryAfterMs = 250;
constexpr std::chrono::seconds kOfferAgain{5};

EventTime now() {
    return std::chrono::steady_clock::now();
}

}  // namespace

DataplaneLink::DataplaneLink(std::unique_ptr<rpc::Channel> channel, const PublishedState& published,
                             LinkOwner& owner, PublishObserver& observer)
    : channel_(std::move(channel)),
      published_(published),
      owner_(owner),
      observer_(observer),
      lanes_{Lane{LaneSender(model::Lane::config, published), {}, {}, {}, {}, {}, {}},
             Lane{LaneSender(model::Lane::endpoints, published), {}, {}, {}, {}, {}, {}}},
      helloBy_(now() + rpc::kOpenDeadline + rpc::kHelloDeadline) {}

void DataplaneLink::onOpen() {
    open_ = true;
    helloBy_ = now() + rpc::kHelloDeadline;
}

void DataplaneLink::onWritten() {
    pump();
}

void DataplaneLink::onClosed(const std::string& why) {
    open_ = false;
    close(why);
}

void DataplaneLink::close(const std::string& why) {
    finished_ = true;
    if (!std::exchange(down_, true)) {
        owner_.onLinkDown(*this, why);
    }
}

void DataplaneLink::expire(EventTime at) {
    if (!hello_ && at >= helloBy_) {
        return close("no hello");
    }
    for (Lane& lane : lanes_) {
        if (lane.awaited || lane.writer) {
            if (at >= lane.deadline) {
                return close("no answer before the deadline");
            }
        } else if (at >= lane.offerAgain && lane.sender.offerListenersAgain()) {
            lane.offerAgain = at + kOfferAgain;
        }
    }
    pump();
}

bool DataplaneLink::converged() const {
    return hello_ && lanes_[0].sender.converged() && lanes_[1].sender.converged();
}

void DataplaneLink::onMessage(std::string_view text) {
    if (finished_) {
        return;
    }
    auto decoded = rpc::decode(text);
    if (auto* error = std::get_if<rpc::DecodeError>(&decoded)) {
        return close("message: " + error->why);
    }
    std::visit([this](auto&& message) { dispatch(std::forward<decltype(message)>(message)); },
               std::move(std::get<rpc::Message>(decoded)));
}

void DataplaneLink::dispatch(rpc::UnknownCall&& call) {
    if (call.id) {
        rpc::Error error;
        error.message = "no method " + call.method;
        channel_->send(rpc::encodeError(*call.id, error));
    }
}

void DataplaneLink::sendTicketKeys(const rpc::TicketKeys& keys) {
    channel_->send(rpc::encodeTicketKeys(keys));
}

void DataplaneLink::refuse(std::uint64_t id, rpc::Error error) {
    channel_->send(rpc::encodeError(id, error));
    finished_ = true;
    channel_->finish();  // onClosed follows
}

void DataplaneLink::dispatch(rpc::HelloRequest&& request) {
    if (hello_) {
        return close("a second hello");
    }
    const int protocol = std::min(request.hello.protocolMax, rpc::kProtocolMax);
    rpc::Error error;
    if (protocol < std::max(request.hello.protocolMin, rpc::kProtocolMin)) {
        error.code = rpc::ErrorCode::noProtocol;
        error.message = "the controller speaks protocol " + std::to_string(rpc::kProtocolMin) +
                        " to " + std::to_string(rpc::kProtocolMax);
        return refuse(request.id, std::move(error));
    }
    if (!published_.ready()) {
        error.code = rpc::ErrorCode::notReady;
        error.message = "the source has not synced yet";
        error.retryAfterMs = kRetryAfterMs;
        return refuse(request.id, std::move(error));
    }
    hello_ = std::move(request.hello);
    channel_->send(rpc::encodeWelcome(request.id, {protocol, published_.epoch()}));
    owner_.onLinkHello(*this);
    for (const model::Lane lane : kLanes) {
        resume(lane);
    }
    pump();
}

void DataplaneLink::resume(model::Lane which) {
    Lane& lane = lanes_[index(which)];
    const rpc::LaneState& applied = hello_->lanes[index(which)];
    const model::Config& config = published_.config();
    lane.phase = Lane::Phase::running;
    if (applied.root == config.root(which)) {
        lane.sender.resume(applied, {}, false);
        return observer_.onResume(which, ResumeKind::same);
    }
    if (applied.root == model::RootHash{}) {
        Holding nothing;
        for (const auto& [key, entry] : config.entries()) {
            if (model::laneOf(key.kind) == which) {
                nothing.emplace_hint(nothing.end(), key, Content{});
            }
        }
        lane.sender.resume(applied, std::move(nothing), true);
        return observer_.onResume(which, ResumeKind::snapshot);
    }
    if (auto held = published_.ring(which).since(applied.root)) {
        lane.sender.resume(applied, std::move(*held), false);
        return observer_.onResume(which, ResumeKind::diff);
    }
    lane.phase = Lane::Phase::listing;
    observer_.onResume(which, ResumeKind::keys);
    requestKeys(which);
}

void DataplaneLink::requestKeys(model::Lane which) {
    Lane& lane = lanes_[index(which)];
    rpc::KeysRequest request{++nextId_, which, {}};
    if (!lane.keys.empty()) {
        request.after = lane.keys.back().first;
    }
    lane.awaited = request.id;
    lane.deadline = now() + rpc::kReplyDeadline;
    channel_->send(rpc::encodeKeysRequest(request));
}

void DataplaneLink::keysArrived(model::Lane which, rpc::KeysPage&& page) {
    Lane& lane = lanes_[index(which)];
    for (auto& entry : page.keys) {
        if (model::laneOf(entry.first.kind) != which ||
            (!lane.keys.empty() && !(lane.keys.back().first < entry.first)) ||
            lane.keys.size() == rpc::kMaxTransactionKeys) {
            return close("keys: wrong lane, order or number");
        }
        lane.keys.push_back(std::move(entry));
    }
    if (!page.more) {
        return keysComplete(which);
    }
    if (page.keys.empty()) {
        return close("keys: an empty page that is not the last");
    }
    requestKeys(which);
}

void DataplaneLink::keysComplete(model::Lane which) {
    Lane& lane = lanes_[index(which)];
    model::RootHash root;
    Holding differs;
    for (const auto& [key, entry] : published_.config().entries()) {
        if (model::laneOf(key.kind) == which) {
            differs.emplace_hint(differs.end(), key, Content{});
        }
    }
    for (const auto& [key, hash] : lane.keys) {
        root.add(key, hash);
        if (contentOf(published_.config(), key) == Content{hash}) {
            differs.erase(key);
        } else {
            differs[key] = hash;
        }
    }
    const rpc::LaneState& applied = hello_->lanes[index(which)];
    if (root != applied.root) {
        return close("keys: they do not add up to the root hash");
    }
    lane.phase = Lane::Phase::running;
    if (!published_.confirmed() && deletesMost(which, differs)) {
        lane.phase = Lane::Phase::held;
        owner_.onRelistWanted();
    }
    lane.keys = {};
    lane.sender.resume(applied, std::move(differs), false);
}

// A restarted controller has no earlier list to compare its first one with; what the data plane
// holds takes that place.
bool DataplaneLink::deletesMost(model::Lane which, const Holding& differs) const {
    std::size_t routes = 0;
    std::size_t listeners = 0;
    for (const auto& [key, hash] : lanes_[index(which)].keys) {
        routes += key.kind == model::Kind::route ? 1 : 0;
        listeners += key.kind == model::Kind::listener ? 1 : 0;
    }
    const auto& entries = published_.config().entries();
    std::size_t gone = 0;
    for (const auto& [key, held] : differs) {
        gone += key.kind == model::Kind::route && held && !entries.contains(key) ? 1 : 0;
    }
    return gone * 2 > routes ||
           (listeners > 0 && published_.config().count(model::Kind::listener) == 0);
}

void DataplaneLink::dispatch(rpc::Reply&& reply) {
    for (const model::Lane which : kLanes) {
        Lane& lane = lanes_[index(which)];
        if (lane.awaited && *lane.awaited == reply.id) {
            lane.awaited.reset();
            answered(which, std::move(reply));
            pump();
            owner_.onLinkAnswer();
            return observer_.onAnswer();
        }
    }
    close("an answer nobody waits for");
}

void DataplaneLink::answered(model::Lane which, rpc::Reply&& reply) {
    Lane& lane = lanes_[index(which)];
    if (const auto* error = std::get_if<rpc::Error>(&reply.outcome)) {
        return refused(which, *error);
    }
    if (lane.phase == Lane::Phase::listing) {
        auto* page = std::get_if<rpc::KeysPage>(&reply.outcome);
        return page != nullptr ? keysArrived(which, std::move(*page)) : close("keys: no list");
    }
    const auto* ack = std::get_if<rpc::Ack>(&reply.outcome);
    if (ack == nullptr || !lane.sender.acknowledge(*ack)) {
        return close("the acknowledgement does not fit");
    }
    if (const auto since = lane.sender.ackedSince()) {
        observer_.onAck(which, now() - *since);
    }
}

void DataplaneLink::refused(model::Lane which, const rpc::Error& error) {
    Lane& lane = lanes_[index(which)];
    observer_.onNack(which, error.problems.size());
    lane.offerAgain = now() + kOfferAgain;
    if (lane.phase != Lane::Phase::running || error.code != rpc::ErrorCode::invalidKeys ||
        !lane.sender.reject(error.problems)) {
        close("refused: " + error.message);
    }
}

void DataplaneLink::published(const std::vector<KeyChange>& changes, EventTime since) {
    if (!hello_ || finished_) {
        return;
    }
    for (Lane& lane : lanes_) {
        if (lane.phase == Lane::Phase::held && published_.confirmed()) {
            lane.phase = Lane::Phase::running;
        }
        if (lane.phase != Lane::Phase::listing) {
            lane.sender.published(changes, since);
        }
    }
    pump();
}

void DataplaneLink::pump() {
    for (const model::Lane lane : kLanes) {
        pump(lane);
    }
}

void DataplaneLink::pump(model::Lane which) {
    Lane& lane = lanes_[index(which)];
    if (finished_ || lane.phase != Lane::Phase::running || lane.awaited) {
        return;
    }
    if (!lane.writer) {
        auto transaction = lane.sender.next();
        if (!transaction) {
            return;
        }
        lane.writer.emplace(std::move(*transaction), ++nextId_);
        lane.deadline = now() + rpc::kReplyDeadline;
    }
    while (channel_->queued() < rpc::kSendAhead) {
        channel_->send(lane.writer->next());
        lane.deadline = now() + rpc::kReplyDeadline;
        if (lane.writer->done()) {
            lane.awaited = lane.writer->id();
            lane.writer.reset();
            return;
        }
    }
}

}  // namespace evergate::controller
