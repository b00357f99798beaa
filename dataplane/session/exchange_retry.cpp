// SPDX-License-Identifier: Apache-2.0
// Another try: whether it is safe, whether the backend can bear it, and with whom; and the second
// connect that is begun when the first one takes its time.
#include <algorithm>
#include <utility>

#include "dataplane/session/exchange.hpp"
#include "dataplane/upstream/admission.hpp"
#include "dataplane/upstream/retry_budget.hpp"

namespace evergate::session {

using http::Framing;
using http::ProxyError;

// Safe when the endpoint cannot have seen the request, or may see it twice and has not begun to
// answer (RFC 9110 §9.2.2, RFC 9112 §9.3.1). What was sent of a body is not kept: such a request
// is not sent again; but for the beginning of one over HTTP/2, where an endpoint can say that it
// did nothing with it (RFC 9113 §8.7).
bool Exchange::mayRepeat() const noexcept {
    if (responseStarted_ || interims_ != 0)
        return false;
    if (headSent_ == 0)
        return true;
    if (connection_ && connection_->unprocessed())
        return !upgrade_ && !requestBroken_ && connection_->bodyKept();
    // Content-Length: 0 is no body either.
    const bool empty = requestFraming_ == Framing::none ||
                       (requestFraming_ == Framing::length && up_.done() && up_.received() == 0);
    return connection_ && idempotent_ && !upgrade_ && empty;
}

// A pooled connection that was closing anyway says nothing about its endpoint.
bool Exchange::wasStale() const noexcept {
    return connection_ && !connection_->resetAlone() &&
           (connection_->requests() > 1 || connection_->unprocessed());
}

bool Exchange::mayRetry() const noexcept {
    return heldSize_ == 0 && mayRepeat();
}

bool Exchange::retriesLeft() const noexcept {
    return retries_ < policy_->retries && triedCount_ != kMaxTried;
}

// Tries that cost an endpoint nothing are free: nothing of the request was sent.
bool Exchange::budgetAllows() {
    if (headSent_ == 0 || budgeted_ ||
        upstream::withinRetryBudget(backend_->retriesUnderWay, backend_->activeRequests,
                                    policy_->retryBudgetPercent))
        return true;
    ++context_.counters.retriesDenied;
    ++backend_->counters.counting().retriesDenied;
    return false;
}

void Exchange::chargeBudget() noexcept {
    if (headSent_ == 0 || std::exchange(budgeted_, true))
        return;
    ++backend_->retriesUnderWay;
}

void Exchange::settleBudget() noexcept {
    if (std::exchange(budgeted_, false))
        --backend_->retriesUnderWay;
}

void Exchange::retryOrFail(ProxyError error) {
    const bool stale = !staleRetried_ && wasStale();
    if (!mayRetry() || (!stale && (!retriesLeft() || !budgetAllows())))
        return fail(error);
    const std::string kept = connection_ ? connection_->takeBody() : std::string();
    releaseUpstream(false);
    if (!kept.empty() && !up_.putBack(context_, kept))
        return fail(ProxyError::overloaded);
    if (stale) {
        staleRetried_ = true;
    } else {
        markTried();
        ++retries_;
        chargeBudget();
    }
    beginTry();
    if (acquire() != ProxyError::none) {
        retries_ -= stale ? 0 : 1;  // there was nobody else to try
        return fail(error);
    }
    ++context_.counters.retries;
    if (state_ == State::sending)
        step();
}

void Exchange::beginTry() noexcept {
    held_.reset();
    heldSize_ = responseScanned_ = headSent_ = 0;
    heldUnread_ = requestBroken_ = upstreamReset_ = lastTry_ = pastHedge_ = false;
    sentAt_ = {};
}

// Somebody else who can take the request now, with a slot of theirs; null: nobody. Whoever has the
// request keeps it until then.
upstream::EndpointState* Exchange::alternative() {
    markTried();
    return upstream::takeOther(*backend_, pickRequest(), context_.random);
}

// sending or responding => connecting or sending, or finished; `reusable`: the connection so far.
void Exchange::moveTo(upstream::EndpointState& other, bool reusable) {
    chargeBudget();
    releaseUpstream(reusable);
    beginTry();
    ++retries_;
    ++context_.counters.retries;
    const ProxyError error = acquire(&other);
    if (error != ProxyError::none)
        return fail(error);
    if (state_ == State::sending)
        step();
}

// A final response whose status the policy wants tried again, in context_.responseHead with
// [body, end) behind it. False: the client gets it.
bool Exchange::answeredElsewhere(const char* body, const char* end) {
    const http::ResponseHead& head = context_.responseHead;
    const std::vector<std::uint16_t>& statuses = policy_->retryStatuses;
    if (std::find(statuses.begin(), statuses.end(), head.status) == statuses.end() ||
        !mayRepeat() || !retriesLeft() || !budgetAllows())
        return false;
    upstream::EndpointState* const other = alternative();
    if (other == nullptr)
        return false;
    endpoint_->noteServed(head.status);
    const bool whole = head.keepAlive && !personal_ && head.framing == Framing::length &&
                       requestDone() &&
                       head.contentLength == static_cast<std::uint64_t>(end - body);
    moveTo(*other, whole);
    return true;
}

// How long this state may last before something else is tried besides; `limit`: before it ends.
std::chrono::milliseconds Exchange::tryLimit(Phase phase,
                                             std::chrono::milliseconds limit) noexcept {
    tryLimited_ = false;
    std::chrono::milliseconds part{0};
    if (phase == Phase::connecting) {
        // What this connect had already is part of the whole.
        if (pastHedge_)
            return limit > policy_->hedgeConnect ? limit - policy_->hedgeConnect : limit;
        if (!hedged_)
            part = policy_->hedgeConnect;
    } else if (phase == Phase::awaitingResponse && policy_->perTryTimeout.count() != 0) {
        part = policy_->perTryTimeout;
        // What this try had already is part of the whole.
        if (lastTry_)
            return limit > part ? limit - part : limit;
        if (!retriesLeft() || !mayRetry())
            return limit;
    }
    if (part.count() == 0 || part >= limit)
        return limit;
    tryLimited_ = true;
    return part;
}

// What the client gives the call counts where it is less than the backend's; and a stream of
// messages may be as slow as its client likes.
std::chrono::milliseconds Exchange::grpcLimit(Phase phase,
                                              std::chrono::milliseconds limit) const noexcept {
    if (phase == Phase::requestBody)
        return std::max(limit, policy().inactivityTimeout);
    return phase == Phase::awaitingResponse && grpcTimeout_.count() != 0
               ? std::min(limit, grpcTimeout_)
               : limit;
}

// The try has had its time, the request has not.
void Exchange::onTryLimit(Phase phase) {
    ++trySteps_;
    if (phase == Phase::connecting)
        return beginHedge();
    upstream::EndpointState* const other = budgetAllows() ? alternative() : nullptr;
    if (other == nullptr) {
        lastTry_ = true;
        return;
    }
    endpoint_->noteFailure();
    moveTo(*other, false);
}

// RFC 8305 ("happy eyeballs"), for endpoints: a second connect, of the other address family where
// there is one. One of the two carries the request; nothing is sent on the other.
void Exchange::beginHedge() {
    hedged_ = pastHedge_ = true;
    markTried();
    upstream::EndpointState* const other =
        upstream::takeSecond(*backend_, *endpoint_, pickRequest(), context_.random);
    if (other == nullptr)
        return;
    ++context_.counters.hedges;
    const upstream::Security wanted = security();
    if (auto idle = context_.pool.takeIdle(*other, *this, wanted)) {
        endpoint_->noteSlowConnect(context_.wheel.nowTick());
        releaseUpstream(false);
        endpoint_ = other;
        ++context_.counters.upstreamReuses;
        use(std::move(idle));
        connection_->noteRequest();
        state_ = State::sending;
        return step();
    }
    ++context_.counters.upstreamConnects;
    hedge_.begin(context_.pool, *backend_, *other, *this, wanted);
}

}  // namespace evergate::session
