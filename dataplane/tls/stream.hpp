// SPDX-License-Identifier: Apache-2.0
// TLS over one Socket, as its StreamLayer.
//
// OpenSSL reads straight from the descriptor while that is readable, as far ahead as its buffer
// goes, and writes into the worker's output memory; what one call produced leaves in one send. The
// records the kernel does not take are kept here, and the plaintext in them counts as sent only as
// they go. An idle stream holds no buffer (SSL_MODE_RELEASE_BUFFERS). One worker thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/model/values.hpp"
#include "dataplane/net/stream_layer.hpp"
#include "dataplane/tls/engine.hpp"
#include "dataplane/tls/handshake_gate.hpp"
#include "dataplane/tls/openssl_ptr.hpp"
#include "dataplane/tls/resumable_session.hpp"
#include "dataplane/tls/server_certificates.hpp"

namespace evergate::tls {

class Stream final : public net::StreamLayer {
public:
    // Towards a client. Null when there is no memory.
    static std::unique_ptr<Stream> server(Engine& engine,
                                          std::shared_ptr<const ServerCertificates> certificates);
    // Towards an endpoint. `serverName`: SNI and, when the context verifies, the name expected; an
    // IP literal is expected but not sent. `http2`: is all we speak; facts().protocol says whether
    // the endpoint agreed. `sessions` outlives the stream. Null when there is no
    // memory, or no name to verify.
    static std::unique_ptr<Stream> client(Engine& engine,
                                          std::shared_ptr<const ClientContext> context,
                                          std::string_view serverName, ResumableSession& sessions,
                                          bool http2 = false);
    ~Stream() override;

    net::Handshake handshake(net::Socket& socket) noexcept override;
    net::IoResult recv(net::Socket& socket, char* data, std::size_t size) noexcept override;
    net::IoResult sendv(net::Socket& socket, const iovec* parts, int count) noexcept override;
    void onWritable(net::Socket& socket) noexcept override;

    void nextSendIsLast() noexcept override { lastSend_ = true; }

    void shutdownWrite(net::Socket& socket) noexcept override;
    void closing(net::Socket& socket) noexcept override;
    bool peekClosed(net::Socket& socket) noexcept override;
    net::StreamFacts facts() const noexcept override;

    const net::PeerIdentity* verifiedPeer() const noexcept override { return identity_.get(); }

    // For OpenSSL's callbacks.
    static Stream& of(const SSL* ssl) noexcept;
    // False: the connection must not go on.
    bool selectCertificate(std::string_view host);

    bool certificateSelected() const noexcept { return selected_; }

    // Towards a client whose bytes are not looked at: what it speaks (ALPN) is not agreed on, and
    // the host it asks for decides what it is shown but not what it has to show: the rules for
    // clients are the default's.
    void serveNoHost() noexcept { hostless_ = true; }

    bool protocolOpen() const noexcept { return hostless_; }

    // Towards a client: what it may choose from.
    void offer(model::ClientHttp2 http2) noexcept { http2_ = http2; }

    model::ClientHttp2 http2() const noexcept { return http2_; }

    // Towards a client: a full handshake has to be admitted. `gate` outlives the stream.
    void limitHandshakes(HandshakeGate& gate, std::uint64_t clientKey) noexcept {
        gate_ = &gate;
        clientKey_ = clientKey;
    }

    // Asked once or twice (a client may be told to say hello again) when no session is resumed.
    bool admitted() noexcept;

    const TicketKeys* ticketKeys() const noexcept { return engine_.ticketKeys(); }

    SessionCache& sessionCache() const noexcept { return engine_.sessionCache(); }

    // Towards a client that asked for `host` (empty: for none), during the handshake.
    SessionCache::Scope sessionScope(std::string_view host) const {
        return certificates_->sessionScope(host);
    }

    // Towards a client, during the handshake: by which rules it is asked; null: it is not.
    const ClientRules* clients() const noexcept { return clients_.get(); }

    const Staples* staples() const noexcept { return engine_.staples(); }

    bool keepSession(SSL_SESSION* session);
    int read(BIO* bio, char* data, int size) noexcept;
    int write(const char* data, int size) noexcept;

    bool atEnd() const noexcept { return wireEnd_; }

private:
    struct Use;  // the socket of the call under way

    Stream(Engine& engine, OpensslPtr<SSL> ssl);

    std::size_t encrypt(const iovec* parts, int count, std::size_t skip) noexcept;
    bool writeRecord(const char* data, std::size_t size) noexcept;
    bool flushOutput(std::size_t plaintext) noexcept;
    void flushReplies() noexcept;
    bool flushBacklog() noexcept;
    void keepRest(std::string_view rest);
    void sayGoodbye() noexcept;
    bool canSpeak() const noexcept;
    bool endsWithTickets() const noexcept;
    int readSome(char* data, std::size_t size, std::size_t& got, bool peek) noexcept;
    net::IoResult readFailed(int result) noexcept;
    net::HandshakeFailure classify(int error) const noexcept;
    void identify();

    std::size_t backlog() const noexcept { return backlog_.size() - backlogBegin_; }

    Engine& engine_;
    OpensslPtr<SSL> ssl_;
    net::Socket* socket_ = nullptr;                           // during a call
    std::shared_ptr<const ServerCertificates> certificates_;  // until the handshake is done
    std::shared_ptr<const ClientRules> clients_;              // the client is asked by them
    std::unique_ptr<const net::PeerIdentity> identity_;       // of a client that was verified
    std::shared_ptr<const ClientContext> context_;            // towards endpoints
    ResumableSession* sessions_ = nullptr;
    HandshakeGate* gate_ = nullptr;  // null: admitted
    std::uint64_t clientKey_ = 0;
    std::string tickets_;  // records that leave in front of what is written next
    std::string backlog_;  // records the kernel did not take
    std::size_t backlogBegin_ = 0;
    std::size_t committed_ = 0;  // plaintext in them that was not reported as sent
    std::size_t released_ = 0;   // plaintext that left since, to be reported
    std::size_t replies_ = 0;    // bytes in them that answer records without data
    std::uint64_t taken_ = 0;    // wire bytes read; and when there last was data
    std::uint64_t takenWithData_ = 0;
    int readError_ = 0;  // errno; what recv says from now on
    int writeError_ = 0;
    net::HandshakeFailure failure_ = net::HandshakeFailure::none;
    bool established_ = false;
    bool hostless_ = false;
    model::ClientHttp2 http2_ = model::ClientHttp2::off;
    bool rateLimited_ = false;
    bool selected_ = false;     // there is a certificate for the host asked for
    bool wireEnd_ = false;      // the peer's FIN was read
    bool starved_ = false;      // OpenSSL asked for more than there was
    bool lastSend_ = false;     // the next send ends what we say
    bool goodbyeSaid_ = false;  // close_notify is sent or kept
    bool finPending_ = false;   // FIN follows when what is kept is gone
};

}  // namespace evergate::tls
