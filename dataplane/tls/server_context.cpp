// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/server_context.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <chrono>
#include <cstring>
#include <ctime>

#include "dataplane/tls/stream.hpp"
#include "dataplane/tls/ticket_keys.hpp"

namespace evergate::tls {
namespace {

constexpr const char* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// Mozilla's "old" without finite-field groups and 3DES. OpenSSL's level 0 is what TLS 1.0 and 1.1
// need: they sign with SHA-1.
constexpr const char* kOldCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:"
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA:"
    "@SECLEVEL=0";
constexpr const char* kGroups = "X25519:P-256:P-384";
// Sessions end then; tickets also with their keys.
constexpr long kSessionSeconds =
    std::chrono::duration_cast<std::chrono::seconds>(2 * TicketKeys::kPeriod).count();
// For each connection of TLS 1.3, also a resumed one: who had several can resume as many.
constexpr std::size_t kTickets = 1;
constexpr unsigned char kSessionScope[] = "evergate";
// In the order we prefer them.
constexpr unsigned char kProtocols[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr unsigned kHttp2Bytes = 3;  // of it

std::span<const unsigned char> protocols(model::ClientHttp2 http2) noexcept {
    const std::span<const unsigned char> all(kProtocols);
    switch (http2) {
        case model::ClientHttp2::off:
            return all.subspan(kHttp2Bytes);
        case model::ClientHttp2::on:
            break;
        case model::ClientHttp2::only:
            return all.first(kHttp2Bytes);
    }
    return all;
}

// The first host name of the extension (RFC 6066 §3), before OpenSSL has looked at it; empty: none.
// What is malformed it refuses later.
std::string_view serverNameOf(SSL* ssl) noexcept {
    const unsigned char* data = nullptr;
    std::size_t size = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1 || size < 5 ||
        data[2] != TLSEXT_NAMETYPE_host_name)
        return {};
    const std::size_t length = static_cast<std::size_t>(data[3]) << 8U | data[4];
    return length > size - 5 ? std::string_view()
                             : std::string_view(reinterpret_cast<const char*>(data + 5), length);
}

// Before OpenSSL looks for a session to resume: the context decides which ones it may be.
int onClientHello(SSL* ssl, int* alert, void*) {
    if (Stream::of(ssl).selectCertificate(serverNameOf(ssl)))
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
}

// Where no session is resumed, before a certificate is chosen and anything signed.
int onFullHandshake(SSL* ssl, void*) {
    return Stream::of(ssl).admitted() ? 1 : 0;
}

int onServerName(SSL* ssl, int*, void*) {
    return Stream::of(ssl).certificateSelected() ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int onProtocols(SSL* ssl, const unsigned char** out, unsigned char* outSize,
                const unsigned char* in, unsigned size, void*) {
    if (Stream::of(ssl).protocolOpen())
        return SSL_TLSEXT_ERR_NOACK;
    const auto offered = protocols(Stream::of(ssl).http2());
    unsigned char* chosen = nullptr;
    const int found = SSL_select_next_proto(&chosen, outSize, offered.data(),
                                            static_cast<unsigned>(offered.size()), in, size);
    *out = chosen;
    // No common protocol is fatal (RFC 7301 §3.2).
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int onTicket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
             EVP_MAC_CTX* mac, int sealing) {
    const TicketKeys* const keys = Stream::of(ssl).ticketKeys();
    if (keys == nullptr)
        return sealing != 0 ? -1 : 0;
    if (sealing != 0)
        return keys->seal(name, iv, cipher, mac);
    const int result = keys->open(name, iv, cipher, mac);
    // Clients use a TLS 1.3 ticket once (RFC 8446 §C.4): each gets a fresh one.
    return result == 1 && SSL_version(ssl) == TLS1_3_VERSION ? 2 : result;
}

// A session lives no longer than what its client was verified by: its certificate, and everything
// that the rules had then.
bool outlivesClient(const SSL* ssl, SSL_SESSION* session) {
    const X509* const peer = SSL_SESSION_get0_peer(session);
    if (peer == nullptr)
        return false;
    const ClientRules* const rules = Stream::of(ssl).clients();
    return X509_cmp_current_time(X509_get0_notAfter(peer)) <= 0 ||
           (rules != nullptr && !rules->heldSince(SSL_SESSION_get_time(session), ::time(nullptr)));
}

// A session is for the host it was made for (RFC 6066 §3); of hosts that have no certificate here
// none is remembered.
bool isForThisHost(SSL* ssl, const SSL_SESSION* session) noexcept {
    const char* const host = SSL_SESSION_get0_hostname(session);
    if (host == nullptr)
        return !Stream::of(ssl).certificateSelected();
    const std::string_view asked = serverNameOf(ssl);
    return std::strlen(host) == asked.size() &&
           OPENSSL_strncasecmp(host, asked.data(), asked.size()) == 0;
}

SSL_TICKET_RETURN onTicketOpened(SSL* ssl, SSL_SESSION* session, const unsigned char*, std::size_t,
                                 SSL_TICKET_STATUS status, void*) {
    const bool opened = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
    if (!opened)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (outlivesClient(ssl, session) || !isForThisHost(ssl, session))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

std::string_view idOf(const SSL_SESSION* session) {
    unsigned size = 0;
    const unsigned char* const id = SSL_SESSION_get_id(session, &size);
    return {reinterpret_cast<const char*>(id), size};
}

// After a full handshake that gave the session an id, because the client takes no tickets; and with
// each ticket of TLS 1.3. 0: the session stays OpenSSL's, other connections get copies of it.
int onNewSession(SSL* ssl, SSL_SESSION* session) {
    if (SSL_version(ssl) == TLS1_3_VERSION)
        return 0;
    const int size = i2d_SSL_SESSION(session, nullptr);
    if (size <= 0 || static_cast<std::size_t>(size) > SessionCache::kMostBytes)
        return 0;
    std::string bytes(static_cast<std::size_t>(size), '\0');
    auto* out = reinterpret_cast<unsigned char*>(bytes.data());
    i2d_SSL_SESSION(session, &out);
    const Stream& stream = Stream::of(ssl);
    const char* const host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    stream.sessionCache().keep(idOf(session), stream.sessionScope(host == nullptr ? "" : host),
                               std::move(bytes),
                               SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session));
    SSL_SESSION_set_app_data(session, &stream.sessionCache());
    return 0;
}

// The hello has an id and no ticket. What is found is the caller's; it looks at the session's id
// context and time as it does with tickets.
SSL_SESSION* onSessionWanted(SSL* ssl, const unsigned char* id, int size, int* copy) {
    *copy = 0;
    const Stream& stream = Stream::of(ssl);
    const std::string_view bytes = stream.sessionCache().find(
        {reinterpret_cast<const char*>(id), static_cast<std::size_t>(size)},
        stream.sessionScope(serverNameOf(ssl)), ::time(nullptr));
    if (bytes.empty())
        return nullptr;
    const auto* in = reinterpret_cast<const unsigned char*>(bytes.data());
    OpensslPtr<SSL_SESSION> session(d2i_SSL_SESSION(nullptr, &in, static_cast<long>(bytes.size())));
    if (!session || outlivesClient(ssl, session.get()))
        return nullptr;
    SSL_SESSION_set_app_data(session.get(), &stream.sessionCache());
    return session.release();
}

// A connection that ends with a fatal alert ends its session (RFC 5246 §7.2.2).
void onSessionBroken(SSL_CTX*, SSL_SESSION* session) {
    if (auto* const cache = static_cast<SessionCache*>(SSL_SESSION_get_app_data(session)))
        cache->forget(idOf(session));
}

// Only clients without tickets ever get there.
void setSessionCache(SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(
        context, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
    SSL_CTX_sess_set_new_cb(context, onNewSession);
    SSL_CTX_sess_set_get_cb(context, onSessionWanted);
    SSL_CTX_sess_set_remove_cb(context, onSessionBroken);
}

// Only for clients that ask for one, after the certificate is chosen (RFC 6066 §8).
int onStatusRequest(SSL* ssl, void*) {
    const Staples* const staples = Stream::of(ssl).staples();
    const Staple* const staple =
        staples == nullptr ? nullptr : staples->find(SSL_get_certificate(ssl), ::time(nullptr));
    if (staple == nullptr)
        return SSL_TLSEXT_ERR_NOACK;
    void* const copy = OPENSSL_memdup(staple->response.data(), staple->response.size());
    if (copy == nullptr)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(staple->response.size()));
    return SSL_TLSEXT_ERR_OK;
}

bool setPolicy(SSL_CTX* context, model::TlsPolicy policy) {
    switch (policy) {
        case model::TlsPolicy::intermediate:
            return SSL_CTX_set_cipher_list(context, kCiphers12) == 1;
        case model::TlsPolicy::modern:
            return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1;
        case model::TlsPolicy::old:
            return SSL_CTX_set_min_proto_version(context, TLS1_VERSION) == 1 &&
                   SSL_CTX_set_cipher_list(context, kOldCiphers) == 1;
    }
    return false;
}

bool setServerOptions(SSL_CTX* context) {
    // Our order; who prefers ChaCha20 has no hardware for AES and gets it.
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    setSessionCache(context);
    SSL_CTX_set_timeout(context, kSessionSeconds);
    SSL_CTX_set_client_hello_cb(context, onClientHello, nullptr);
    SSL_CTX_set_cert_cb(context, onFullHandshake, nullptr);
    SSL_CTX_set_tlsext_servername_callback(context, onServerName);
    SSL_CTX_set_alpn_select_cb(context, onProtocols, nullptr);
    SSL_CTX_set_tlsext_status_cb(context, onStatusRequest);
    return SSL_CTX_set_session_id_context(context, kSessionScope, sizeof kSessionScope) == 1 &&
           SSL_CTX_set_tlsext_ticket_key_evp_cb(context, onTicket) == 1 &&
           SSL_CTX_set_ciphersuites(context, kCiphers13) == 1 &&
           SSL_CTX_set_num_tickets(context, kTickets) == 1 &&
           SSL_CTX_set_session_ticket_cb(context, nullptr, onTicketOpened, nullptr) == 1;
}

// False: a certificate cannot be hashed.
bool makeScope(std::span<const std::shared_ptr<const Certificate>> certificates,
               const ServerProfile& profile, const ClientRules* clients,
               SessionCache::Scope& scope) {
    std::string text = "sessions/" + std::to_string(static_cast<int>(profile.policy)) + '/';
    for (const auto& certificate : certificates) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        if (X509_digest(certificate->leaf(), EVP_sha256(), digest, &size) != 1)
            return false;
        text.append(reinterpret_cast<const char*>(digest), size);
    }
    if (clients != nullptr)
        text.append(1, '/').append(clients->id().begin(), clients->id().end());
    scope = model::sha256({text});
    return true;
}

}  // namespace

bool setCommonOptions(SSL_CTX* context) {
    // An end without close_notify is for Stream to judge: to OpenSSL it would break the writing
    // side too.
    SSL_CTX_set_options(
        context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // A read without data comes back, so that Stream can tell a flood of such records.
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_read_ahead(context, 1);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set1_groups_list(context, kGroups) == 1;
}

bool ServerContext::askClientOf(SSL* ssl) const {
    if (clients_)
        return clients_->applyTo(ssl);
    SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
    return SSL_set_session_id_context(ssl, kSessionScope, sizeof kSessionScope) == 1;
}

std::shared_ptr<const ServerContext> ServerContext::make(
    std::span<const std::shared_ptr<const Certificate>> certificates, const ServerProfile& profile,
    std::shared_ptr<const ClientRules> clients, std::string& wrong) {
    ERR_clear_error();
    OpensslPtr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
    bool good = context && setCommonOptions(context.get()) && setServerOptions(context.get()) &&
                setPolicy(context.get(), profile.policy);
    for (const auto& certificate : certificates)
        good = good && certificate->useIn(context.get());
    if (good && clients)
        good = clients->applyTo(context.get());
    SessionCache::Scope scope{};
    if (!good || !makeScope(certificates, profile, clients.get(), scope)) {
        wrong = takeErrorText();
        return nullptr;
    }
    return std::unique_ptr<const ServerContext>(
        new ServerContext(std::move(context), std::move(clients), scope));
}

}  // namespace evergate::tls
