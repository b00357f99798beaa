// SPDX-License-Identifier: Apache-2.0
// Backends with a connection limit or an affinity cookie: waiting for a slot, and staying with an
// endpoint. Requests to other backends never get here.
#include <algorithm>
#include <utility>

#include "dataplane/http/cookie.hpp"
#include "dataplane/session/exchange.hpp"

namespace evergate::session {

using http::ProxyError;

upstream::Wish Exchange::wish() const noexcept {
    return {pickRequest(), affinity_};
}

// An endpoint with a slot of it, or null when there is none; or the state is queued.
ProxyError Exchange::admit(upstream::EndpointState*& picked) {
    upstream::WaitQueue* const queue = backend_->queue.get();
    // Who waits already goes first.
    bool busy = backend_->maxConnections != 0 && queue != nullptr && !queue->empty();
    while (!busy) {
        picked = upstream::choose(*backend_, wish(), context_.random, busy);
        if (!busy && (picked == nullptr || upstream::takeSlot(*backend_, *picked)))
            return ProxyError::none;
    }
    picked = nullptr;
    if (clientLeft())
        return ProxyError::clientClosed;
    // One that has tried every endpoint has nobody left to wait for.
    const auto left = [this](const upstream::EndpointPtr& each) { return suits(*each); };
    if (triedCount_ != 0 &&
        std::none_of(backend_->endpoints.begin(), backend_->endpoints.end(), left))
        return ProxyError::none;
    if (!queue->enter(*this, policy_->maxPending)) {
        // Those who wait may be bound to other endpoints: what is free now is of no use to them.
        picked = upstream::choose(*backend_, wish(), context_.random, busy);
        if (picked != nullptr && upstream::takeSlot(*backend_, *picked))
            return ProxyError::none;
        picked = nullptr;
        return ProxyError::queueFull;
    }
    state_ = State::queued;
    queuedAt_ = std::chrono::steady_clock::now();
    ++context_.counters.queued;
    return ProxyError::none;
}

// queued => sending, but for the connection
void Exchange::leaveQueue() {
    if (Waiter::is_linked())
        backend_->queue->leave(*this);
    state_ = State::sending;
    --context_.counters.queued;
    const auto waited = std::chrono::steady_clock::now() - queuedAt_;
    context_.counters.queueWaits.observe(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(waited).count()));
}

upstream::EndpointState* Exchange::chooseEndpoint() {
    bool busy = false;
    return upstream::choose(*backend_, wish(), context_.random, busy);
}

bool Exchange::suits(const upstream::EndpointState& endpoint) const {
    return upstream::suits(*backend_, wish(), endpoint);
}

bool Exchange::selective() const noexcept {
    return affinity_ != 0 || triedCount_ != 0;
}

// queued => connecting or sending
void Exchange::onSlot(upstream::EndpointState& endpoint) {
    leaveQueue();
    const ProxyError error = acquire(&endpoint);
    if (error != ProxyError::none) {
        fail(error);
    } else if (state_ == State::sending) {
        step();
    }
    owner_->onExchangeEvent();
}

void Exchange::onBackendGone() {
    leaveQueue();
    fail(ProxyError::noEndpoint);
    owner_->onExchangeEvent();
}

void Exchange::readAffinity(const http::RequestHead& head) {
    if (policy_->affinityCookie.empty())
        return;
    for (const http::HeaderField& field : head.fields) {
        if (field.id != http::HeaderName::cookie)
            continue;
        affinity_ = upstream::parseAffinity(http::findCookie(field.value, policy_->affinityCookie));
        if (affinity_ != 0)
            return;
    }
}

// The field for a client that is not bound to this endpoint yet; else empty.
std::string Exchange::affinityCookie() const {
    std::string field;
    if (policy_->affinityCookie.empty() || endpoint_->affinity == affinity_ ||
        endpoint_->affinity == 0)
        return field;
    char value[upstream::kAffinityDigits];
    upstream::writeAffinity(endpoint_->affinity, value);
    field.append("Set-Cookie: ").append(policy_->affinityCookie).append(1, '=');
    field.append(value, sizeof value).append("; Path=/; HttpOnly; SameSite=Lax");
    if (clientUsesTls())
        field += "; Secure";
    return field += "\r\n";
}

}  // namespace evergate::session
