// SPDX-License-Identifier: Apache-2.0
// What the source has delivered and what is not published yet. No I/O; time is passed in.
//
// A full rebuild waits for its holdoff, an endpoint change does not: it goes into the waiting
// rebuild, too, so that the rebuild, made earlier but published later, cannot take it back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "controller/publish/delete_brake.hpp"
#include "controller/publish/publish_schedule.hpp"
#include "controller/source.hpp"

namespace evergate::controller {

class Intake {
public:
    static constexpr std::size_t kMaxEarly = 10'000;

    struct Publication {
        model::Config config;
        std::uint64_t fullList = 0;
        EventTime since{};
        std::uint64_t serial = 0;
    };

    enum class State {
        idle,
        waiting,  // for the holdoff
        held,     // by the delete brake: the source is to list again
        ready,    // take() gives the publication
    };

    void desired(model::Config config, std::uint64_t fullList, EventTime since, EventTime now,
                 std::uint64_t serial = 0);

    // Endpoints that changed alone. True: publish them now. Else they wait for their backend.
    bool endpoints(const std::string& backend, const model::Entry& entry,
                   const model::Config& published);

    // The rebuild whose holdoff is over; null while there is none. poll() decides about it next.
    model::Config* ripe(EventTime now) {
        return schedule_.ready(now) ? &candidate_->config : nullptr;
    }

    // Looks at the clock and the brake. `held` is given once per rebuild.
    State poll(EventTime now, const model::Config& published);
    Publication take();

    bool holding() const noexcept { return brake_.holding(); }

    std::optional<EventTime> due() const { return schedule_.due(); }

private:
    PublishSchedule schedule_;
    DeleteBrake brake_;
    std::optional<Publication> candidate_;
    std::map<std::string, model::Entry> early_;  // endpoints of backends not seen yet
};

}  // namespace evergate::controller
