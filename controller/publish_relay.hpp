// SPDX-License-Identifier: Apache-2.0
// Hands what happens while publishing to the metrics, and tells somebody else that something did.
// Controller thread.
#pragma once

#include <functional>
#include <utility>

#include "controller/publish/publish_observer.hpp"

namespace evergate::controller {

class PublishRelay final : public PublishObserver {
public:
    // `moved`: data planes may have acknowledged more, or refused something.
    PublishRelay(PublishObserver& metrics, std::function<void(bool refused)> moved)
        : metrics_(metrics), moved_(std::move(moved)) {}

    void onAck(model::Lane lane, EventTime::duration sinceEvent) override {
        metrics_.onAck(lane, sinceEvent);
    }

    void onApplied(model::Lane lane, EventTime::duration sinceEvent) override {
        metrics_.onApplied(lane, sinceEvent);
    }

    void onNack(model::Lane lane, std::size_t keys) override {
        metrics_.onNack(lane, keys);
        moved_(true);
    }

    void onResume(model::Lane lane, ResumeKind kind) override {
        metrics_.onResume(lane, kind);
        moved_(false);
    }

    void onLinkLost() override {
        metrics_.onLinkLost();
        moved_(true);  // what it refused is no problem any more
    }

    void onAnswer() override { moved_(false); }

private:
    PublishObserver& metrics_;
    std::function<void(bool)> moved_;
};

}  // namespace evergate::controller
