// SPDX-License-Identifier: Apache-2.0
// One TCP connection to one endpoint, with TLS when the backend wants it; or one stream of an
// HTTP/2 connection, which its user takes for the same.
//
// Exactly one owner at any time: the pool while it is idle, its user otherwise. Registered with the
// poller from its birth to its death; while idle, an event makes the pool look and drop it if
// it is dead, and its timer drops it after the idle timeout. A stream is neither registered nor
// ever idle: it serves one request. One worker thread.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "dataplane/http/head.hpp"
#include "dataplane/http/proxy_error.hpp"
#include "dataplane/net/poller.hpp"
#include "dataplane/net/socket.hpp"
#include "dataplane/net/timer_wheel.hpp"
#include "dataplane/upstream/security.hpp"

namespace evergate::upstream {

class Connection;
class ConnectionPool;
struct EndpointState;

class ConnectionUser {
public:
    // The socket's flags are up to date when called. May discard the connection.
    virtual void onUpstream(Connection& connection, std::uint32_t events) = 0;

protected:
    ~ConnectionUser() = default;
};

struct IdleTag;
struct AllIdleTag;
template <typename Tag>
using ListHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<Tag>,
                                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using IdleHook = ListHook<IdleTag>;
using AllIdleHook = ListHook<AllIdleTag>;

class Connection final : public net::EventHandler,
                         public net::Timer,
                         public IdleHook,
                         public AllIdleHook {
public:
    Connection(ConnectionPool& pool, EndpointState& endpoint, net::Socket socket);
    // A stream: what it is a stream of is counted, it is not.
    Connection(ConnectionPool& pool, EndpointState& endpoint,
               std::unique_ptr<net::StreamLayer> stream, ConnectionUser& user);
    ~Connection() override;

    net::Socket& socket() noexcept { return socket_; }

    EndpointState& endpoint() noexcept { return *endpoint_; }

    ConnectionUser* user() noexcept { return user_; }

    // Still waiting for the handshakes, TCP's and TLS's. Ends before the user hears of it: then
    // connectError() says how.
    bool connecting() const noexcept { return connecting_; }

    int connectError() const noexcept { return connectError_; }  // errno; 0: fine

    // Why the TLS handshake failed; none when TCP did.
    net::HandshakeFailure handshakeFailure() const noexcept;

    // One of HTTP/2: heads that come from it are text we wrote.
    bool isStream() const noexcept { return stream_; }

    // Then: where the fields of the head it begins with are; empty: not known.
    std::span<const http::FieldPlace> places() const noexcept { return places_; }

    // HTTP/2: the endpoint has done nothing with the request, whatever was sent of it.
    bool unprocessed() const noexcept { return unprocessed_; }

    // HTTP/2: the endpoint has broken this request off, not the connection, having seen it.
    bool resetAlone() const noexcept { return resetAlone_; }

    // unprocessed(): what was sent behind its head; false: it was too much to be kept.
    bool bodyKept() const noexcept { return bodyKept_; }

    std::string takeBody() noexcept { return std::move(body_); }

    // HTTP/2: what is wrong with the response, or keeps the request from being asked; else none.
    http::ProxyError problem() const noexcept { return problem_; }

    // May it carry requests that want this?
    bool suits(const Security& security) const noexcept {
        return context_ == security.context && serverName_ == security.serverName &&
               introduction_ == security.introduction;
    }

    // No request was sent on it yet: a failure is the endpoint's, not that of a stale idle
    // connection.
    bool fresh() const noexcept { return requests_ == 0; }

    std::uint32_t requests() const noexcept { return requests_; }

    inline void noteRequest() noexcept;  // one is sent on it; endpoint.hpp

    void onEvents(std::uint32_t events) override;
    void onTimer() override;

private:
    friend class ConnectionPool;
    friend class Http2Connection;
    friend class Http2Stream;
    void finishConnect(std::uint32_t events);
    bool failedByName() const noexcept;
    bool secure(EndpointState& endpoint, const Security& security);

    ConnectionPool& pool_;
    boost::intrusive_ptr<EndpointState> endpoint_;
    ConnectionUser* user_ = nullptr;
    net::Socket socket_;
    std::chrono::steady_clock::time_point begun_;
    std::shared_ptr<const tls::ClientContext> context_;  // null: no TLS
    std::string serverName_;
    std::string introduction_;  // what is, or was, said first
    std::string body_;
    std::span<const http::FieldPlace> places_;
    std::uint32_t requests_ = 0;
    int connectError_ = 0;
    bool connecting_ = true;
    http::ProxyError problem_ = http::ProxyError::none;
    bool reached_ = false;  // TCP is connected
    bool counted_ = true;   // in endpoint().openConnections
    bool nameOfClient_ = false;
    const bool stream_ = false;
    bool unprocessed_ = false;
    bool resetAlone_ = false;
    bool bodyKept_ = false;
};

// Per endpoint, and all of the pool's together.
using IdleList = boost::intrusive::list<Connection, boost::intrusive::base_hook<IdleHook>,
                                        boost::intrusive::constant_time_size<false>>;

using AllIdleList = boost::intrusive::list<Connection, boost::intrusive::base_hook<AllIdleHook>,
                                           boost::intrusive::constant_time_size<false>>;

}  // namespace evergate::upstream
