// SPDX-License-Identifier: Apache-2.0
// Where the control link hands a new configuration to: the data plane's config applier implements
// it.
//
// Control thread only. The link never calls applyConfig again before `done` of the last call ran;
// applyEndpoints may come at any time, also while a config is being applied. Both completions run
// on the control thread, exactly once, and may run before the call returns.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/model/config.hpp"
#include "common/model/validation.hpp"

namespace evergate::dataplane {

class ConfigSink {
public:
    virtual ~ConfigSink() = default;

    // Config lane. `next` is the complete candidate (both lanes), already cross-checked. `done`
    // with no problems: every worker has it. With problems: nothing changed, the link answers with
    // them. Endpoints in `next` are those of the moment of the call: what applyEndpoints brings
    // before `done` is newer and must win.
    virtual void applyConfig(std::shared_ptr<const model::Config> next, std::uint64_t version,
                             std::function<void(std::vector<model::KeyedProblem>)> done) = 0;

    // Endpoints lane: only values of kind Endpoints, already validated. A deleted key means no
    // endpoints are known for that backend any more. `done`: the last worker has it.
    virtual void applyEndpoints(const model::Delta& delta, std::uint64_t version,
                                std::function<void()> done) = 0;
};

}  // namespace evergate::dataplane
