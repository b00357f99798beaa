// SPDX-License-Identifier: Apache-2.0
// One request to one endpoint and back, streamed both ways.
//
// Owned by its ClientSession while it runs and kept for reuse afterwards. It never reads a request
// head (the session does) and never outlives the client connection. It holds the snapshot it was
// routed with to its end, or until it becomes a tunnel. Every call ends either with something to
// wait for (phase() says what) or with finished().
//
// States: [queued ->] connecting -> sending -> responding -> finished, or tunnel after a 101; a
// failure before the first response byte becomes an error reply, after it the connection is cut so
// that the client sees a broken message and never a complete one (RFC 9112 §8).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dataplane/http/coded_response.hpp"
#include "dataplane/http/compose.hpp"
#include "dataplane/http/compressor.hpp"
#include "dataplane/http/head.hpp"
#include "dataplane/net/proxy_header.hpp"
#include "dataplane/session/body_flow.hpp"
#include "dataplane/session/body_rate.hpp"
#include "dataplane/session/grpc_web_call.hpp"
#include "dataplane/session/phase.hpp"
#include "dataplane/session/session_context.hpp"
#include "dataplane/upstream/admission.hpp"
#include "dataplane/upstream/connection.hpp"
#include "dataplane/upstream/hedge.hpp"

namespace evergate::session {

// The client's side of an exchange, lent by the session.
struct ClientFacts {
    net::Socket& socket;
    const ListenerState& listener;
    const net::SocketAddress& address;
    std::string_view addressText;
    const net::ProxiedDestination* destination = nullptr;  // Session::destination()
};

// How an exchange ended, for the session.
enum class Outcome : std::uint8_t {
    keepAlive,  // the connection may carry the next request
    close,      // the response is complete, the connection ends
    linger,     // as close, but the client may still be sending: let it read the answer first
    abort,      // cut the connection: the message is broken or the client is gone
    reset,      // as abort, where a plain close would look like a complete message or leave bytes
                // in the kernel that nobody takes
};

// The session, as its exchange sees it. Only onExchangeEvent() may end or reuse the exchange.
class ExchangeOwner {
public:
    // After an event of the endpoint's: look at phase() or finished(). The exchange's last action.
    virtual void onExchangeEvent() = 0;
    // There is more to do, but others should have their turn: call resume() soon.
    virtual void onExchangeYield() = 0;
    // Bytes behind the request's body: the beginning of the next request.
    virtual void onLeftover(std::string_view bytes) = 0;
    // Gives those bytes back, for a tunnel. Valid until the owner is called again.
    virtual std::string_view takeLeftover() = 0;

    // Of a client that speaks HTTP/2: the head of a final response, which is not sent through the
    // socket then; the body is, as it is. How long it is as text; 0: nobody is there to take it.
    virtual std::size_t takeHead(const http::ResponseHead&, const http::ResponseFacts&) {
        return 0;
    }

protected:
    ~ExchangeOwner() = default;
};

inline std::uint64_t microsOf(std::chrono::steady_clock::time_point when) noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count());
}

class Exchange final : public upstream::ConnectionUser, public upstream::Waiter {
public:
    explicit Exchange(SessionContext& context) : context_(context) {}

    ~Exchange() override;

    // Routes and sends the request in context.requestHead; `body`/`bodySize` are the bytes behind
    // its head, in `buffer` (which may be taken over).
    void start(ClientFacts client, ExchangeOwner& owner, char* body, std::size_t bodySize,
               net::Buffer& buffer);
    // Answers a request that could not be parsed or served at all. `version`: RequestHead's.
    void refuse(ClientFacts client, ExchangeOwner& owner, http::ProxyError error,
                const char* detail, std::uint8_t version = 1);

    void onClientEvents();  // the client socket's flags changed
    void onUpstream(upstream::Connection& connection, std::uint32_t events) override;
    void onDeadline();
    void resume();   // after onExchangeYield
    void abandon();  // the client connection goes away now

    Phase phase() const noexcept;

    const model::Backend& policy() const noexcept {
        if (policy_ != nullptr)
            return *policy_;
        return backend_ != nullptr ? *backend_->policy : context_.defaultPolicy;
    }

    bool finished() const noexcept { return state_ == State::finished; }

    Outcome outcome() const noexcept { return outcome_; }  // once finished

    // Of a gRPC call that failed when its response had begun: the trailers that say so, where the
    // client can be told by trailers. Once finished.
    std::string failedCallTrailers() const;

    // Changes whenever that happened which phase() waits for: its deadline then begins anew. What
    // other directions do is no excuse.
    std::uint64_t progress() const noexcept;
    // `limit`, the deadline of `phase`, or less for a client that sends its body too slowly.
    std::chrono::milliseconds waitLimit(Phase phase, std::chrono::milliseconds limit) noexcept;
    // Something is to be read from the client or written to it before anything else can happen, or
    // its request body is still on its way: its socket must be watched.
    bool needsClient() const noexcept;
    // As far as its socket's flags tell, nobody waits for the answer any more.
    bool clientLeft() const noexcept;

    std::string_view endpointText() const noexcept;

private:
    enum class State : std::uint8_t {
        queued,
        connecting,
        sending,
        responding,
        replying,
        tunnel,
        finished
    };
    static constexpr std::size_t kInlineHead = 1024;
    static constexpr std::size_t kMaxTried = 11;  // as many retries as validation allows, and one

    // exchange.cpp: the request's way
    void begin(const ClientFacts& client, ExchangeOwner& owner);
    void takeFacts(const http::RequestHead& head);
    http::ProxyError route(const http::RequestHead& head);
    void composeHead(const http::RequestHead& head, std::string_view clientText);
    std::uint64_t balanceHash(const http::RequestHead& head) const noexcept;
    void sendRequest();
    void pumpRequest();
    void onRequestFlow(BodyFlow::Result result);
    void requestSent();
    void letGoOfHead() noexcept;
    void upstreamBroken(int error);
    bool finishesAlone() const noexcept;
    void allowStall() noexcept;

    bool requestDone() const noexcept {
        return up_.done() && headSent_ == headSize_ && !requestBroken_;
    }

    void step();  // whatever can be done with the flags as they are

    // exchange_policy.cpp: what the route wants besides
    http::ProxyError checkTarget(const http::RequestHead& head);
    http::ProxyError applyPolicy(const http::RequestHead& head, std::string_view normalPath);
    void rewriteTarget(const http::RequestHead& head, std::string_view normalPath);
    void replyOurselves();
    void believeProxy(const http::RequestHead& head);
    bool clientUsesTls() const noexcept;
    const net::PeerIdentity* verifiedClient(std::string_view host) const;
    std::string clientFields() const;
    void badRequestBody();
    bool sendEdited(http::ResponseFacts facts, char* body, char* end, net::Buffer& buffer);

    // exchange_coding.cpp: compression, where the route asks for it
    void negotiateCoding(const http::RequestHead& head);
    bool beginCoding();
    std::string codingFields(const http::HeadEdits& edits);
    bool sendCoded(std::string_view head, char* body, const char* end);
    void endCoding();

    // exchange_grpc_web.cpp: gRPC-Web, where the route translates it; and which filter it is
    void noteGrpcWeb(const http::RequestHead& head);
    Framed frameFirst(char* body, std::size_t size, http::ProxyError& refusal);
    bool beginFilter();
    http::BodyFilter& responseFilter() noexcept;
    std::string webFields(const http::HeadEdits& edits);
    std::size_t grpcReply(const http::ErrorReply& reply, char* out, std::size_t capacity) const;
    void endFilters();

    // exchange_dispatch.cpp: which endpoint, which connection, again or not
    http::ProxyError acquire(upstream::EndpointState* granted = nullptr);
    upstream::PickRequest pickRequest() const noexcept;
    bool connectTo(upstream::EndpointState& endpoint);
    void use(std::unique_ptr<upstream::Connection> connection);
    void markTried();
    std::unique_ptr<upstream::Connection> openConnection(upstream::EndpointState& endpoint,
                                                         const upstream::Security& wanted);
    upstream::Security security();
    static http::ProxyError connectError(const upstream::Connection& connection) noexcept;
    bool sendFirst(const Framed& body, net::Buffer& buffer);
    bool sendOnce(const Framed& body, net::Buffer& buffer, bool& broken);

    // exchange_retry.cpp: again, with somebody else
    bool mayRepeat() const noexcept;
    bool mayRetry() const noexcept;
    bool wasStale() const noexcept;
    bool retriesLeft() const noexcept;
    bool budgetAllows();
    void chargeBudget() noexcept;
    void settleBudget() noexcept;
    void retryOrFail(http::ProxyError error);
    void beginTry() noexcept;
    upstream::EndpointState* alternative();
    void moveTo(upstream::EndpointState& other, bool reusable);
    bool answeredElsewhere(const char* body, const char* end);
    std::chrono::milliseconds tryLimit(Phase phase, std::chrono::milliseconds limit) noexcept;
    std::chrono::milliseconds grpcLimit(Phase phase,
                                        std::chrono::milliseconds limit) const noexcept;
    void onTryLimit(Phase phase);
    void beginHedge();

    // exchange_queue.cpp: connection limits and affinity
    http::ProxyError admit(upstream::EndpointState*& picked);
    upstream::Wish wish() const noexcept;
    void leaveQueue();
    upstream::EndpointState* chooseEndpoint() override;
    bool suits(const upstream::EndpointState& endpoint) const override;
    bool selective() const noexcept override;
    void onSlot(upstream::EndpointState& endpoint) override;
    void onBackendGone() override;
    void readAffinity(const http::RequestHead& head);
    std::string affinityCookie() const;

    // exchange_response.cpp: the response's way
    void readResponse();
    bool flushInterims();
    void upstreamEnded();
    bool parseHeads(char* at, char* end, net::Buffer& buffer);
    bool relayInterim();
    void startResponse(char* body, char* end, net::Buffer& buffer);
    void startTunnel(char* body, char* end, net::Buffer& buffer);
    http::Framing clientFraming(const http::ResponseHead& head) const noexcept;

    bool streamsToClient() const noexcept { return clientMinorVersion_ == http::kHttp2; }

    bool sendHeadAndBody(const http::ResponseFacts& facts, char* body, char* end,
                         net::Buffer& buffer);
    bool sendComposed(const http::ResponseFacts& facts, char* body, char* end, net::Buffer& buffer);
    bool sendApart(const http::ResponseFacts& facts, char* body, const char* end,
                   net::Buffer& buffer);
    bool frameResponse(char* body, const char* end, Framed& out);
    void noteLatency(std::chrono::steady_clock::time_point now) noexcept;
    void pumpResponse();
    void onResponseFlow(BodyFlow::Result result);
    void letGoOfSnapshot();
    void pumpTunnel();
    bool pumpTunnelWay(BodyFlow& flow, net::Socket& from, net::Socket& to, bool& ended);
    bool tunnelClientReset() const noexcept;
    void responseDone();
    void hold(const char* at, const char* end, net::Buffer& buffer);

    // exchange_end.cpp: errors, log, end
    void fail(http::ProxyError error, const char* detail = "");
    void reply(http::ProxyError error);
    bool endsWithReply(http::ProxyError error) const noexcept;
    bool awaitsContinue() const noexcept;
    void sendReply(std::string_view text, bool close);
    void flushReply();
    void cut(http::ProxyError error);
    void releaseUpstream(bool reusable);
    void finish(Outcome outcome);
    void account();
    void countTraffic(std::size_t status, std::uint32_t micros);
    void writeLog(std::uint32_t micros) const;

    // What composeRequest() begins with: "METHOD target HTTP/1.1\r\nHost: authority\r\n".
    struct RequestLine {
        std::string_view method;
        std::string_view target;
        std::string_view authority;
    };

    RequestLine composedLine() const noexcept;

    SessionContext& context_;
    net::Socket* client_ = nullptr;
    const ListenerState* listener_ = nullptr;
    const net::SocketAddress* clientAddress_ = nullptr;  // the peer's, or saidClient_
    const net::ProxiedDestination* destination_ = nullptr;
    net::SocketAddress saidClient_;  // by a trusted proxy
    ExchangeOwner* owner_ = nullptr;
    SnapshotPtr snapshot_;
    const routing::Target* target_ = nullptr;
    std::unique_ptr<const routing::Target> ownTarget_;  // a tunnel's copy of it
    const routing::RoutePolicy* extras_ = nullptr;      // of target_; null: none
    const net::PeerIdentity* identity_ = nullptr;       // while the head is composed; null: unknown
    upstream::BackendState* backend_ = nullptr;
    // Kept alive by the snapshot; null: the backend's present one.
    const model::Backend* policy_ = nullptr;
    std::unique_ptr<upstream::Connection> connection_;
    upstream::EndpointPtr endpoint_;
    upstream::Hedge hedge_;
    std::array<const upstream::EndpointState*, kMaxTried> tried_{};
    BodyFlow up_;
    BodyFlow down_;
    BodyRate bodyRate_;
    // Of routes that ask for it only; null: the bodies stay as they are.
    std::unique_ptr<http::Compressor> compressor_;  // of the response's
    std::unique_ptr<GrpcWebCall> web_;
    net::Buffer bigHead_;
    net::Buffer held_;  // the beginning of a response head, or bytes that came while blocked
    std::size_t heldSize_ = 0;  // a head over its limit is refused long before it fills held_
    std::size_t responseScanned_ = 0;
    std::uint64_t hash_ = 0;
    std::uint64_t affinity_ = 0;  // the endpoint the client's cookie names; 0: none
    std::chrono::steady_clock::time_point queuedAt_;
    std::chrono::milliseconds grpcTimeout_{0};  // the client's; 0: none
    std::chrono::steady_clock::time_point startedAt_;
    std::chrono::steady_clock::time_point sentAt_;  // the last byte; only when somebody asks
    std::int64_t startedUnixMicros_ = 0;
    std::uint32_t upstreamMicros_ = 0;
    std::string rewritten_;       // the target that was sent on, when it is not the client's
    std::string receivedTarget_;  // then: the client's, for the log
    std::string upgradeAsked_;    // upgrade_: the protocols the client offered
    std::string introduction_;    // PROXY protocol header for the endpoint; empty: none
    char* head_ = nullptr;
    std::size_t headSize_ = 0;
    std::size_t headSent_ = 0;
    std::uint16_t methodSize_ = 0;
    std::uint16_t status_ = 0;
    std::uint8_t triedCount_ = 0;
    std::uint8_t retries_ = 0;
    std::uint8_t interims_ = 0;
    std::uint8_t trySteps_ = 0;  // times a try had its time and the request had not
    State state_ = State::finished;
    http::ProxyError error_ = http::ProxyError::none;
    // The last connect failed for want of something of ours.
    http::ProxyError localFailure_ = http::ProxyError::none;
    http::Framing requestFraming_ = http::Framing::none;
    // Of routes that compress only: what the client would like, and what becomes of the response.
    http::ContentCoding coding_ = http::ContentCoding::identity;
    http::CodingPlan codingPlan_ = http::CodingPlan::none;
    bool weakTagHeld_ = false;  // and what the client has may be what we made of it
    bool webAnswer_ = false;    // web_: the response is gRPC's
    Outcome replyOutcome_ = Outcome::close;
    Outcome outcome_ = Outcome::close;
    std::uint8_t clientMinorVersion_ = 1;
    bool peerTrusted_ = false;  // a proxy whose word is believed
    bool proxiedTls_ = false;   // and to which the client spoke TLS
    bool keepAlive_ = false;
    bool headRequest_ = false;
    bool idempotent_ = false;
    bool upgrade_ = false;
    bool expectContinue_ = false;  // the client may wait for a 100 before it sends its body
    bool moreSent_ = false;        // the client sent bytes behind its request
    bool redirect_ = false;        // answered by ourselves: with a redirect to https, or
    bool lastHop_ = false;         // an OPTIONS that may go no further (Max-Forwards)
    bool grpc_ = false;            // the client expects errors as gRPC says them
    bool personal_ = false;        // the endpoint takes this connection for the client (NTLM)
    bool heldUnread_ = false;      // held_ may have a complete head: it was not looked at
    bool upstreamReusable_ = false;
    bool requestBroken_ = false;    // the endpoint takes no more of the request
    bool upstreamReset_ = false;    // and its reset was consumed by our send: no read will tell
    bool responseStarted_ = false;  // bytes of the final response may have left
    bool extraUpstreamBytes_ = false;
    bool closeDelimited_ = false;  // the client finds the end by our close
    bool staleRetried_ =
        false;                 // a pooled connection turned out dead: from here on fresh ones only
    bool budgeted_ = false;    // among its backend's retriesUnderWay
    bool hedged_ = false;      // a second connect was begun, or there was nobody for it
    bool pastHedge_ = false;   // and that was while this try connects
    bool lastTry_ = false;     // had its perTryTimeout, and there was nobody else
    bool tryLimited_ = false;  // the deadline is the try's, not the request's
    bool upEnded_ = false;     // tunnel: that direction is finished
    bool downEnded_ = false;
    std::array<char, kInlineHead> inlineHead_;
};

}  // namespace evergate::session
