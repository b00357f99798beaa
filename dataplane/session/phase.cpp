// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/phase.hpp"

#include <algorithm>
#include <array>

namespace evergate::session {

namespace {

constexpr std::chrono::milliseconds kLinger{2'000};

}  // namespace

std::string_view name(Phase phase) noexcept {
    static constexpr std::array<std::string_view, static_cast<std::size_t>(Phase::count_)> kNames{
        "tls_handshake",   "idle",           "head",
        "queued",          "connecting",     "request_body",
        "request_blocked", "await_response", "response_body",
        "client_blocked",  "tunnel",         "tunnel_closing",
        "lingering"};
    return kNames[static_cast<std::size_t>(phase)];
}

std::chrono::milliseconds deadlineOf(Phase phase, const model::Settings& settings,
                                     const model::Backend& backend) noexcept {
    switch (phase) {
        case Phase::idle:
            return settings.keepAliveTimeout;
        case Phase::handshake:
            return settings.handshakeTimeout;
        case Phase::head:
            return settings.headTimeout;
        case Phase::queued:
            return backend.queueTimeout;
        case Phase::connecting:
            return backend.connectTimeout;
        case Phase::requestBody:
            return settings.bodyTimeout;
        case Phase::requestBlocked:
        case Phase::responseBody:
            return backend.inactivityTimeout;
        case Phase::awaitingResponse:
            return backend.responseTimeout;
        case Phase::clientBlocked:
            return settings.writeTimeout;
        case Phase::tunnel:
            return settings.tunnelTimeout;
        case Phase::tunnelClosing:
            return std::min(settings.tunnelTimeout, settings.halfCloseTimeout);
        case Phase::lingering:
        case Phase::count_:
            break;
    }
    return kLinger;
}

http::ProxyError timeoutError(Phase phase) noexcept {
    using http::ProxyError;
    switch (phase) {
        case Phase::head:
            return ProxyError::headTimeout;
        case Phase::queued:
            return ProxyError::queueTimeout;
        case Phase::connecting:
            return ProxyError::connectTimeout;
        case Phase::requestBody:
            return ProxyError::bodyTimeout;
        case Phase::requestBlocked:
        case Phase::awaitingResponse:
            return ProxyError::upstreamTimeout;
        case Phase::responseBody:
            return ProxyError::upstreamBodyTimeout;
        case Phase::clientBlocked:
            return ProxyError::clientWriteTimeout;
        case Phase::handshake:
        case Phase::idle:
        case Phase::tunnel:
        case Phase::tunnelClosing:
        case Phase::lingering:
        case Phase::count_:
            break;
    }
    return ProxyError::none;
}

}  // namespace evergate::session
