// SPDX-License-Identifier: Apache-2.0
// Which endpoint, which connection, and whether another try is safe.
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "common/model/backend_protocol.hpp"
#include "dataplane/net/connect.hpp"
#include "dataplane/session/compose_introduction.hpp"
#include "dataplane/session/exchange.hpp"
#include "dataplane/upstream/admission.hpp"

namespace evergate::session {

using http::Framing;
using http::ProxyError;

namespace {

// Nothing the endpoint is to blame for.
ProxyError localFailure(const std::error_code& error) noexcept {
    if (!net::lacksResources(error))
        return ProxyError::none;
    return error.value() == EADDRNOTAVAIL ? ProxyError::noLocalPorts : ProxyError::noDescriptors;
}

// Without port and final dot, and an IPv6 address without its brackets.
std::string_view hostOf(std::string_view authority) noexcept {
    if (authority.starts_with('['))
        return authority.substr(1, std::min(authority.find(']'), authority.size()) - 1);
    const std::string_view host = authority.substr(0, authority.rfind(':'));
    return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

}  // namespace

upstream::Security Exchange::security() {
    upstream::Security wanted;
    wanted.http2 = model::speaksHttp2(policy_->protocol);
    if (backend_->trust) [[unlikely]] {
        const std::string_view name = policy_->tlsServerName;
        wanted = {
            context_.tls, backend_->trust, name.empty() ? hostOf(composedLine().authority) : name,
            {},           wanted.http2,    name.empty()};
    }
    if (policy_->proxyProtocol != model::ProxyProtocol::none) [[unlikely]] {
        introduction_ = composeIntroduction(policy_->proxyProtocol, *client_, *clientAddress_,
                                            destination_, hostOf(composedLine().authority));
        wanted.introduction = introduction_;
    }
    return wanted;
}

ProxyError Exchange::connectError(const upstream::Connection& connection) noexcept {
    switch (connection.handshakeFailure()) {
        case net::HandshakeFailure::none:
            return ProxyError::connectFailed;
        case net::HandshakeFailure::verification:
            return ProxyError::upstreamTlsVerify;
        default:
            return ProxyError::upstreamTls;
    }
}

upstream::PickRequest Exchange::pickRequest() const noexcept {
    upstream::PickRequest request{hash_, std::span(tried_.data(), triedCount_),
                                  context_.wheel.nowTick()};
    if (backend_->timed) [[unlikely]]
        request.nowMicros = microsOf(startedAt_);
    return request;
}

// Finds an endpoint and a connection to it: none, or why there is none. Afterwards the state is
// connecting, sending or queued. `granted`: the queue gave us a slot of this one.
ProxyError Exchange::acquire(upstream::EndpointState* granted) {
    for (;;) {
        upstream::EndpointState* picked = std::exchange(granted, nullptr);
        if (picked != nullptr) {
            // has its slot
        } else if (backend_->special) [[unlikely]] {
            const ProxyError error = admit(picked);
            if (error != ProxyError::none || state_ == State::queued)
                return error;
        } else {
            picked = upstream::pick(*backend_, pickRequest(), context_.random);
        }
        if (picked == nullptr && triedCount_ == 0)
            return ProxyError::noEndpoint;
        if (picked != nullptr) {
            if (connectTo(*picked))
                return ProxyError::none;
            upstream::giveSlotBack(*backend_, *picked);
        }
        if (picked == nullptr || retries_ >= policy_->retries || triedCount_ == kMaxTried)
            return localFailure_ != ProxyError::none ? localFailure_ : ProxyError::connectFailed;
        ++retries_;
        ++context_.counters.retries;
    }
}

bool Exchange::connectTo(upstream::EndpointState& endpoint) {
    endpoint_ = &endpoint;
    const upstream::Security wanted = security();
    if (!staleRetried_) {
        if (auto idle = context_.pool.takeIdle(endpoint, *this, wanted)) {
            ++context_.counters.upstreamReuses;
            use(std::move(idle));
            connection_->noteRequest();
            state_ = State::sending;
            return true;
        }
    }
    if (auto fresh = openConnection(endpoint, wanted)) {
        use(std::move(fresh));
        state_ = State::connecting;
        return true;
    }
    markTried();
    return false;
}

// Idle connections give way when the process has no descriptor left.
std::unique_ptr<upstream::Connection> Exchange::openConnection(upstream::EndpointState& endpoint,
                                                               const upstream::Security& wanted) {
    std::error_code error;
    ++context_.counters.upstreamConnects;
    auto fresh = context_.pool.connect(endpoint, *this, error, wanted);
    if (!fresh && localFailure(error) == ProxyError::noDescriptors && context_.pool.idle() != 0) {
        context_.pool.closeAllIdle();
        fresh = context_.pool.connect(endpoint, *this, error, wanted);
    }
    localFailure_ = fresh ? ProxyError::none : localFailure(error);
    return fresh;
}

void Exchange::use(std::unique_ptr<upstream::Connection> connection) {
    connection_ = std::move(connection);
    upstream::beginUse(*backend_, *endpoint_);
}

void Exchange::markTried() {
    const auto end = tried_.begin() + triedCount_;
    if (triedCount_ < kMaxTried && std::find(tried_.begin(), end, endpoint_.get()) == end)
        tried_[triedCount_++] = endpoint_.get();
}

// The first attempt, with the body bytes still where they were read. False: finished.
bool Exchange::sendFirst(const Framed& body, net::Buffer& buffer) {
    while (state_ == State::sending) {
        bool broken = false;
        const bool kept = sendOnce(body, buffer, broken);
        if (!kept) {
            fail(ProxyError::overloaded);
            return false;
        }
        if (!broken)
            return true;
        // Only a pooled connection fails at its first byte: nothing was sent. It says nothing about
        // its endpoint, which may be tried again.
        releaseUpstream(false);
        staleRetried_ = true;
        ++context_.counters.retries;
        const ProxyError error = acquire();
        if (error != ProxyError::none) {
            fail(error);
            return false;
        }
    }
    if (up_.keep(context_, body, 0, buffer))
        return true;
    fail(ProxyError::overloaded);
    return false;
}

// One attempt on an open connection. False: what is left could not be kept.
bool Exchange::sendOnce(const Framed& body, net::Buffer& buffer, bool& broken) {
    const iovec parts[3] = {{head_, headSize_},
                            {body.begin, body.size()},
                            {const_cast<char*>(body.tail.data()), body.tail.size()}};
    net::Socket& socket = connection_->socket();
    const net::IoResult result = body.size() + body.tail.size() == 0 ? socket.send(head_, headSize_)
                                                                     : socket.sendv(parts, 3);
    broken = result.failed();
    if (broken)
        return true;
    const std::size_t sent = result.bytes > 0 ? static_cast<std::size_t>(result.bytes) : 0;
    headSent_ = std::min(sent, headSize_);
    return up_.keep(context_, body, sent - headSent_, buffer);
}

}  // namespace evergate::session
