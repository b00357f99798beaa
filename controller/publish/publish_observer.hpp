// SPDX-License-Identifier: Apache-2.0
// What happens while publishing, for metrics and whoever waits for it. Controller thread.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/model/config.hpp"
#include "controller/source.hpp"

namespace evergate::controller {

enum class ResumeKind { same, diff, keys, snapshot };

class PublishObserver {
public:
    virtual void onAck(model::Lane lane, EventTime::duration sinceEvent) = 0;

    // The last data plane acknowledged what an event led to.
    virtual void onApplied(model::Lane, EventTime::duration /*sinceEvent*/) {}

    virtual void onNack(model::Lane lane, std::size_t keys) = 0;
    virtual void onResume(model::Lane lane, ResumeKind kind) = 0;
    virtual void onLinkLost() = 0;

    // A data plane answered: what every data plane has acknowledged may be more now.
    virtual void onAnswer() {}

protected:
    ~PublishObserver() = default;
};

std::string_view name(ResumeKind kind) noexcept;
std::string_view name(model::Lane lane) noexcept;

}  // namespace evergate::controller
