// SPDX-License-Identifier: Apache-2.0
// The second of two connects, begun when an endpoint takes its time (RFC 8305, for endpoints rather
// than addresses): whichever is accepted first is used, the other is dropped. Knows nothing of what
// goes over either; the slot of its endpoint is taken before, and given back by it. One user, one
// worker thread.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/upstream/connection.hpp"
#include "dataplane/upstream/registry.hpp"

namespace evergate::upstream {

class Hedge {
public:
    bool active() const noexcept { return connection_ != nullptr; }

    // Gives the slot back when no connect can be begun; then it is not active().
    void begin(ConnectionPool& pool, BackendState& backend, EndpointState& other,
               ConnectionUser& user, const Security& security);

    // One of the two, `done`, is over. True: `first` is the one to use, whichever that was. False:
    // it failed, and `first` is the one still to be waited for.
    bool settle(ConnectionPool& pool, BackendState& backend, const Connection& done,
                std::unique_ptr<Connection>& first, EndpointPtr& firstEndpoint,
                std::uint32_t nowTick);

    // Neither was accepted in time.
    void timeOut(ConnectionPool& pool, BackendState& backend, std::uint32_t nowTick);

    void drop(ConnectionPool& pool, BackendState& backend);

private:
    std::unique_ptr<Connection> connection_;
    EndpointPtr endpoint_;
};

}  // namespace evergate::upstream
