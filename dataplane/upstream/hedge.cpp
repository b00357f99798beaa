// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/hedge.hpp"

#include <system_error>
#include <utility>

#include "dataplane/upstream/admission.hpp"
#include "dataplane/upstream/connection_pool.hpp"

namespace evergate::upstream {

void Hedge::begin(ConnectionPool& pool, BackendState& backend, EndpointState& other,
                  ConnectionUser& user, const Security& security) {
    std::error_code error;
    connection_ = pool.connect(other, user, error, security);
    if (!connection_)
        return giveSlotBack(backend, other);
    endpoint_ = &other;
    beginUse(backend, other);
}

bool Hedge::settle(ConnectionPool& pool, BackendState& backend, const Connection& done,
                   std::unique_ptr<Connection>& first, EndpointPtr& firstEndpoint,
                   std::uint32_t nowTick) {
    const bool second = &done == connection_.get();
    const bool failed = done.connectError() != 0;
    if (second && !failed)
        firstEndpoint->noteSlowConnect(nowTick);
    if (second != failed) {
        std::swap(first, connection_);
        std::swap(firstEndpoint, endpoint_);
    }
    drop(pool, backend);
    return !failed;
}

void Hedge::timeOut(ConnectionPool& pool, BackendState& backend, std::uint32_t nowTick) {
    if (!active())
        return;
    endpoint_->noteConnectFailure(nowTick);
    drop(pool, backend);
}

void Hedge::drop(ConnectionPool& pool, BackendState& backend) {
    if (!active())
        return;
    endUse(backend, *endpoint_);
    giveSlotBack(backend, *endpoint_);
    pool.discard(std::move(connection_));
    endpoint_.reset();
}

}  // namespace evergate::upstream
