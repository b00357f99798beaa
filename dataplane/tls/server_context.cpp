// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/server_context.hpp"

#include <openssl/err.h>

#include <chrono>

#include "dataplane/tls/stream.hpp"
#include "dataplane/tls/ticket_keys.hpp"

namespace evergate::tls {
namespace {

// Mozilla "intermediate" (5.7) without the finite-field groups, whose cost only serves attackers.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
// Tickets outlive neither this nor their keys.
constexpr long kSessionSeconds =
    std::chrono::duration_cast<std::chrono::seconds>(2 * TicketKeys::kPeriod).count();
constexpr unsigned char kSessionScope[] = "evergate";
constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int onServerName(SSL* ssl, int*, void*) {
    return Stream::of(ssl).selectCertificate() ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int onProtocols(SSL* ssl, const unsigned char** out, unsigned char* outSize,
                const unsigned char* in, unsigned size, void*) {
    if (Stream::of(ssl).protocolOpen())
        return SSL_TLSEXT_ERR_NOACK;
    unsigned char* chosen = nullptr;
    const int found = SSL_select_next_proto(&chosen, outSize, kHttp11, sizeof kHttp11, in, size);
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

bool useCertificate(SSL_CTX* context, const Certificate& certificate) {
    if (SSL_CTX_use_certificate(context, certificate.leaf()) != 1 ||
        SSL_CTX_use_PrivateKey(context, certificate.key()) != 1)
        return false;
    for (const OpensslPtr<X509>& issuer : certificate.issuers()) {
        if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1)
            return false;
    }
    return true;
}

bool setServerOptions(SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(context, kSessionSeconds);
    SSL_CTX_set_tlsext_servername_callback(context, onServerName);
    SSL_CTX_set_alpn_select_cb(context, onProtocols, nullptr);
    return SSL_CTX_set_session_id_context(context, kSessionScope, sizeof kSessionScope) == 1 &&
           SSL_CTX_set_tlsext_ticket_key_evp_cb(context, onTicket) == 1 &&
           SSL_CTX_set_cipher_list(context, kCiphers12) == 1;
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

std::shared_ptr<const ServerContext> ServerContext::make(
    std::span<const std::shared_ptr<const Certificate>> certificates, std::string& wrong) {
    ERR_clear_error();
    OpensslPtr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
    bool good = context && setCommonOptions(context.get()) && setServerOptions(context.get());
    for (const auto& certificate : certificates)
        good = good && useCertificate(context.get(), *certificate);
    if (!good) {
        wrong = takeErrorText();
        return nullptr;
    }
    return std::unique_ptr<const ServerContext>(new ServerContext(std::move(context)));
}

}  // namespace evergate::tls
