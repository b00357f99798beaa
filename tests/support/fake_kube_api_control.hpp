// SPDX-License-Identifier: Apache-2.0
// The fault endpoints of the fake API server, for tests in another process:
//
//   POST /fake/drop            close every other connection
//   POST /fake/drop-every?ms=1000   and again and again; 0 ends it
//   POST /fake/down?ms=500     refuse connections for a while
//   POST /fake/compact         forget past events and lists in progress
//   POST /fake/half            half an event to each watch, then close it
//   POST /fake/stall?on=1      watches say nothing more
//   POST /fake/refuse?status=429&count=3&match=watch&retryAfter=2
//   POST /fake/slow?bytes=7&ms=1    everything in small pieces; bytes=0 ends it
//   POST /fake/token?value=secret   the bearer token required from now on
//   POST /fake/bookmarks?ms=100     how often watches get one
//   POST /fake/window?events=100    how many events of each kind are remembered
//   POST /fake/objects         body {"items": [objects with kind]}: created or replaced
//   GET  /fake/stats
#pragma once

#include <memory>

#include "tests/support/fake_kube_api_rest.hpp"
#include "tests/support/fake_kube_api_state.hpp"

namespace evergate::test {

// `socket`: of the caller, whom dropping spares.
FakeAnswer answerFakeControl(const std::shared_ptr<FakeKubeState>& state,
                             const FakeRequest& request,
                             const boost::asio::ip::tcp::socket* socket);

// Shared with the methods of FakeKubeApi.
void acceptConnections(std::shared_ptr<FakeKubeState> state);
void dropEvery(const std::shared_ptr<FakeKubeState>& state, std::chrono::milliseconds interval);
void goUpAfter(const std::shared_ptr<FakeKubeState>& state, std::chrono::milliseconds delay);

}  // namespace evergate::test
