// SPDX-License-Identifier: Apache-2.0
// One connected data plane: hello, resume, then one transaction at a time in each lane.
//
// Controller thread. Uses a Channel and no clock of its own making: deadlines are checked by
// expire(). Whatever is not as it must be ends the link (LinkOwner::onLinkDown, once); the data
// plane dials again and resume puts it right. The owner destroys the link later, never from inside
// one of its calls.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/rpc/channel.hpp"
#include "common/rpc/message.hpp"
#include "controller/publish/lane_sender.hpp"
#include "controller/publish/publish_observer.hpp"

namespace evergate::controller {

class DataplaneLink;

class LinkOwner {
public:
    virtual void onLinkHello(DataplaneLink& link) = 0;

    // The data plane answered: it may hold more now.
    virtual void onLinkAnswer() {}

    virtual void onLinkDown(DataplaneLink& link, const std::string& why) = 0;
    // A data plane holds far more than this controller's first list: it wants a second one.
    virtual void onRelistWanted() = 0;

protected:
    ~LinkOwner() = default;
};

class DataplaneLink final : public rpc::ChannelObserver {
public:
    DataplaneLink(std::unique_ptr<rpc::Channel> channel, const PublishedState& published,
                  LinkOwner& owner, PublishObserver& observer);
    DataplaneLink(const DataplaneLink&) = delete;
    DataplaneLink& operator=(const DataplaneLink&) = delete;

    void start() { channel_->start(*this); }

    // The published configuration changed.
    void published(const std::vector<KeyChange>& changes, EventTime since);
    // For a data plane that was greeted.
    void sendTicketKeys(const rpc::TicketKeys& keys);
    // Ends the link when an answer is overdue; offers refused listeners again. Called every second.
    void expire(EventTime now);
    void close(const std::string& why);

    // For the admin API.
    bool greeted() const noexcept { return hello_.has_value(); }

    const rpc::Hello& hello() const { return *hello_; }

    const LaneSender& sender(model::Lane lane) const { return lanes_[index(lane)].sender; }

    bool converged() const;

    void onOpen() override;
    void onMessage(std::string_view text) override;
    void onWritten() override;
    void onClosed(const std::string& why) override;

private:
    struct Lane {
        enum class Phase { unknown, listing, held, running };

        LaneSender sender;
        Phase phase = Phase::unknown;
        std::optional<rpc::TransactionWriter> writer;  // parts not sent yet
        std::optional<std::uint64_t> awaited;          // id of the answer that is due
        EventTime deadline{};                          // for the writer or the answer
        EventTime offerAgain{};                        // not before: what was refused
        std::vector<std::pair<model::Key, model::ContentHash>> keys;  // while listing
    };

    static std::size_t index(model::Lane lane) noexcept { return static_cast<std::size_t>(lane); }

    void dispatch(rpc::HelloRequest&& request);
    void dispatch(rpc::UnknownCall&& call);
    void dispatch(rpc::Reply&& reply);

    void dispatch(rpc::PartMessage&&) { close("the data plane sent a transaction"); }

    void dispatch(rpc::KeysRequest&&) { close("the data plane asked for keys"); }

    void dispatch(rpc::TicketKeys&&) { close("the data plane sent keys of tickets"); }

    void refuse(std::uint64_t id, rpc::Error error);
    void resume(model::Lane lane);
    void requestKeys(model::Lane lane);
    void keysArrived(model::Lane lane, rpc::KeysPage&& page);
    void keysComplete(model::Lane lane);
    bool deletesMost(model::Lane lane, const Holding& differs) const;
    void answered(model::Lane lane, rpc::Reply&& reply);
    void refused(model::Lane lane, const rpc::Error& error);
    void pump();
    void pump(model::Lane lane);

    std::unique_ptr<rpc::Channel> channel_;
    const PublishedState& published_;
    LinkOwner& owner_;
    PublishObserver& observer_;
    std::optional<rpc::Hello> hello_;
    std::array<Lane, 2> lanes_;
    std::uint64_t nextId_ = 0;
    EventTime helloBy_;
    bool open_ = false;
    bool finished_ = false;  // down, or refused and closing
    bool down_ = false;
};

}  // namespace evergate::controller
