// SPDX-License-Identifier: Apache-2.0
// How a stream begins: its role, the handshake, what came of it.
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "dataplane/net/socket.hpp"
#include "dataplane/tls/peer_identity.hpp"
#include "dataplane/tls/stream.hpp"
#include "dataplane/tls/stream_use.hpp"

namespace evergate::tls {

using net::Handshake;
using net::HandshakeFailure;

namespace {

constexpr unsigned char kHttp2[] = {2, 'h', '2'};

OpensslPtr<SSL> newSsl(SSL_CTX* context, const Engine& engine) {
    OpensslPtr<SSL> ssl(SSL_new(context));
    BIO* const bio = ssl && engine.bio() != nullptr ? BIO_new(engine.bio()) : nullptr;
    if (bio == nullptr) {
        ERR_clear_error();
        return nullptr;
    }
    SSL_set_bio(ssl.get(), bio, bio);
    return ssl;
}

bool isAddress(const std::string& name) noexcept {
    in6_addr bytes{};
    return ::inet_pton(AF_INET, name.c_str(), &bytes) == 1 ||
           ::inet_pton(AF_INET6, name.c_str(), &bytes) == 1;
}

bool expectName(SSL* ssl, const std::string& name, bool verify) {
    const bool address = isAddress(name);
    if (!address && !name.empty() && SSL_set_tlsext_host_name(ssl, name.c_str()) != 1)
        return false;
    if (!verify)
        return true;
    X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return !name.empty() && (address ? X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str())
                                     : X509_VERIFY_PARAM_set1_host(rules, name.c_str(), 0)) == 1;
}

}  // namespace

Stream::Stream(Engine& engine, OpensslPtr<SSL> ssl) : engine_(engine), ssl_(std::move(ssl)) {
    BIO_set_data(SSL_get_rbio(ssl_.get()), this);
    SSL_set_app_data(ssl_.get(), this);
}

Stream::~Stream() {
    engine_.noteBacklog(backlog_.size(), 0);
    // Without this OpenSSL would call the session broken and not resume it.
    if (established_)
        SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

Stream& Stream::of(const SSL* ssl) noexcept {
    return *static_cast<Stream*>(SSL_get_app_data(ssl));
}

std::unique_ptr<Stream> Stream::server(Engine& engine,
                                       std::shared_ptr<const ServerCertificates> certificates) {
    OpensslPtr<SSL> ssl = certificates ? newSsl(certificates->byDefault().get(), engine) : nullptr;
    if (!ssl)
        return nullptr;
    SSL_set_accept_state(ssl.get());
    std::unique_ptr<Stream> stream(new Stream(engine, std::move(ssl)));
    stream->clients_ = certificates->byDefault().clients();
    stream->certificates_ = std::move(certificates);
    return stream;
}

std::unique_ptr<Stream> Stream::client(Engine& engine, std::shared_ptr<const ClientContext> context,
                                       std::string_view serverName, ResumableSession& sessions,
                                       bool http2) {
    const std::string name(serverName);
    OpensslPtr<SSL> ssl = newSsl(context->get(), engine);
    if (!ssl || !expectName(ssl.get(), name, context->verifies())) {
        ERR_clear_error();
        return nullptr;
    }
    if (http2)
        SSL_set_alpn_protos(ssl.get(), kHttp2, sizeof kHttp2);
    SSL_set_connect_state(ssl.get());
    if (SSL_SESSION* const session = sessions.find(context, serverName))
        SSL_set_session(ssl.get(), session);
    std::unique_ptr<Stream> stream(new Stream(engine, std::move(ssl)));
    stream->context_ = std::move(context);
    stream->sessions_ = &sessions;
    return stream;
}

Handshake Stream::handshake(net::Socket& socket) noexcept {
    if (established_)
        return Handshake::done;
    if (failure_ != HandshakeFailure::none)
        return Handshake::failed;
    const Use use(*this, socket);
    const int result = SSL_do_handshake(ssl_.get());
    const int error = SSL_get_error(ssl_.get(), result);
    if (result == 1) {
        ERR_clear_error();
        established_ = true;
        takenWithData_ = taken_;
        certificates_.reset();
        if (clients_) [[unlikely]]
            identify();
        const bool asked = wireReadable(socket) || SSL_has_pending(ssl_.get()) != 0;
        if (asked && endsWithTickets()) {
            tickets_ = engine_.output();
        } else {
            flushOutput(0);
        }
        setReadable(socket, asked);
        setWritable(socket, wireWritable(socket));
        return Handshake::done;
    }
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        setReadable(socket, false);
        flushOutput(0);
        if (writeError_ == 0)
            return Handshake::pending;
        failure_ = HandshakeFailure::closed;
        return Handshake::failed;
    }
    failure_ = classify(error);
    ERR_clear_error();
    if (wireEnd_) {
        engine_.output().clear();
    } else {
        flushOutput(0);  // the alert that says why
    }
    return Handshake::failed;
}

bool Stream::admitted() noexcept {
    if (gate_ == nullptr)
        return true;
    rateLimited_ = !gate_->admit(clientKey_);
    if (!rateLimited_)
        gate_ = nullptr;
    return !rateLimited_;
}

// What ends the handshake is nothing the client waits for.
bool Stream::endsWithTickets() const noexcept {
    return SSL_is_server(ssl_.get()) != 0 && SSL_version(ssl_.get()) == TLS1_3_VERSION;
}

HandshakeFailure Stream::classify(int error) const noexcept {
    if (rateLimited_)
        return HandshakeFailure::rateLimited;
    if (wireEnd_ || readError_ != 0 || error == SSL_ERROR_SYSCALL)
        return HandshakeFailure::closed;
    const int reason = ERR_GET_REASON(ERR_peek_last_error());
    if (reason >= SSL_AD_REASON_OFFSET)
        return HandshakeFailure::alert;
    switch (reason) {
        case SSL_R_HTTP_REQUEST:
            return HandshakeFailure::plainHttp;
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_VERSION_TOO_LOW:
        case SSL_R_WRONG_SSL_VERSION:
            return HandshakeFailure::version;
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_NO_SUITABLE_KEY_SHARE:
        case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
        case SSL_R_NO_SHARED_GROUPS:
            return HandshakeFailure::parameters;
        case SSL_R_NO_APPLICATION_PROTOCOL:
            return HandshakeFailure::alpn;
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            return HandshakeFailure::verification;
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return HandshakeFailure::noCertificate;
        default:
            return HandshakeFailure::protocol;
    }
}

// Takes what the host's context says, all of it: OpenSSL itself would keep the rules for clients
// that the default has. Where no request says again which host it is for, it is only shown: who
// comes in must not be up to the name a client chooses.
bool Stream::selectCertificate(std::string_view host) {
    if (host.empty() || !certificates_)
        return true;
    const ServerContext* const context = certificates_->find(host);
    if (context == nullptr)
        return true;
    SSL* const ssl = ssl_.get();
    if (SSL_set_SSL_CTX(ssl, context->get()) == nullptr)
        return false;
    selected_ = true;
    if (hostless_)
        return certificates_->byDefault().askClientOf(ssl);
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context->get()), nullptr);
    SSL_set_verify_depth(ssl, SSL_CTX_get_verify_depth(context->get()));
    clients_ = context->clients();
    return true;
}

// A resumed session has the certificate it began with.
void Stream::identify() {
    X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate != nullptr && SSL_get_verify_result(ssl_.get()) == X509_V_OK) {
        auto identity = std::make_unique<net::PeerIdentity>(identityOf(certificate));
        identity->rules = clients_->id();
        identity_ = std::move(identity);
    }
    clients_.reset();
}

bool Stream::keepSession(SSL_SESSION* session) {
    if (sessions_ == nullptr)
        return false;
    const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    sessions_->keep(context_, name == nullptr ? std::string_view() : std::string_view(name),
                    OpensslPtr<SSL_SESSION>(session));
    return true;
}

net::StreamFacts Stream::facts() const noexcept {
    net::StreamFacts facts;
    facts.failure = failure_;
    if (failure_ == HandshakeFailure::verification)
        facts.untrusted = X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()));
    if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name))
        facts.serverName = name;
    if (!established_)
        return facts;
    facts.version = SSL_get_version(ssl_.get());
    if (const char* cipher = SSL_get_cipher_name(ssl_.get()))
        facts.cipher = cipher;
    const unsigned char* protocol = nullptr;
    unsigned protocolSize = 0;
    SSL_get0_alpn_selected(ssl_.get(), &protocol, &protocolSize);
    if (protocolSize != 0)
        facts.protocol = {reinterpret_cast<const char*>(protocol), protocolSize};
    facts.resumed = SSL_session_reused(ssl_.get()) == 1;
    return facts;
}

}  // namespace evergate::tls
