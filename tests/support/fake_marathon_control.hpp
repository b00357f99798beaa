// SPDX-License-Identifier: Apache-2.0
// The control interface of the fake Marathon, for tests in another process. JSON in, JSON out.
//
//     POST   /fake/app            {app}                                    add or replace, and tell
//     DELETE /fake/app/<id>                                                remove, and tell
//     POST   /fake/task           {"app": id, "task": {...}}               add or replace, and tell
//     POST   /fake/state          {"app": id, "task": id, "state": "..."}  change, and tell
//     POST   /fake/health         {"app": id, "task": id, "alive": bool}
//     POST   /fake/event          {event}                                  tell only
//     POST   /fake/faults         {"silentStreams": true, ...}             members of the struct
//     POST   /fake/drop           end every stream
//     POST   /fake/down/<master>, /fake/up/<master>
//     GET    /fake/stats
#pragma once

#include <memory>
#include <string>

#include "tests/support/fake_marathon_state.hpp"

namespace evergate::test {

struct FakeMarathonReply {
    unsigned status = 200;
    std::string body;
    std::string location;
    std::size_t cutAfter = 0;  // bytes of the body; 0: whole
};

FakeMarathonReply answerFakeMarathonControl(const std::shared_ptr<FakeMarathonState>& state,
                                            const std::string& method, const std::string& path,
                                            const std::string& body);

}  // namespace evergate::test
