// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/session_context.hpp"

#include "dataplane/session/exchange.hpp"
#include "dataplane/session/http2_engine.hpp"

namespace evergate::session {

SessionContext::SessionContext(net::Poller& thePoller, net::TimerWheel& theWheel,
                               net::BufferPool& theBuffers, upstream::ConnectionPool& thePool,
                               upstream::Registry& theRegistry, Requeue& theQueue)
    : poller(thePoller),
      wheel(theWheel),
      buffers(theBuffers),
      pool(thePool),
      registry(theRegistry),
      queue(theQueue) {}

SessionContext::~SessionContext() = default;

// Spreads the share evenly, without chance: of 4 in 256, every 64th.
http::ProxyError SessionContext::turnAway() noexcept {
    if (buffers.full())
        return http::ProxyError::bufferMemory;
    shedSum_ += shedShare;
    if (shedSum_ < kEverything)
        return http::ProxyError::none;
    shedSum_ -= kEverything;
    return http::ProxyError::overloaded;
}

}  // namespace evergate::session
