// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tls_peer.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <signal.h>

#include <cerrno>
#include <stdexcept>

namespace evergate::test {

namespace {

void require(bool good, const char* what) {
    if (!good)
        throw std::runtime_error(std::string("TLS peer: ") + what);
}

std::string takeReason() {
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return reason == nullptr ? "closed" : reason;
}

// An operation that a signal interrupted goes on.
template <typename Operation>
int uninterrupted(SSL* ssl, const Operation& operation) {
    for (;;) {
        errno = 0;
        const int result = operation();
        if (result == 1 || errno != EINTR)
            return result;
        const int error = SSL_get_error(ssl, result);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            return result;
    }
}

BIO* reading(const std::string& text) {
    return BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
}

void useCertificate(SSL_CTX* context, const CertificateAndKey& pair) {
    BIO* bio = reading(pair.certificatePem);
    X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    std::vector<X509*> issuers;
    while (X509* const issuer = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr))
        issuers.push_back(issuer);
    ERR_clear_error();
    BIO_free(bio);
    bio = reading(pair.keyPem);
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    require(SSL_CTX_use_certificate(context, certificate) == 1, "certificate");
    require(SSL_CTX_use_PrivateKey(context, key) == 1, "key");
    for (X509* const issuer : issuers)
        require(SSL_CTX_add0_chain_cert(context, issuer) == 1, "issuer");
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void trust(SSL_CTX* context, const std::string& authorities) {
    BIO* const bio = reading(authorities);
    X509* const authority = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    require(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1, "authority");
    X509_free(authority);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
}

std::string wire(const std::vector<std::string>& protocols) {
    std::string text;
    for (const std::string& protocol : protocols)
        text += static_cast<char>(protocol.size()) + protocol;
    return text;
}

void configure(SSL_CTX* context, const TlsOptions& options) {
    // Old versions are refused by the proxy, not by this side.
    SSL_CTX_set_security_level(context, options.minVersion < TLS1_2_VERSION ? 0 : 2);
    SSL_CTX_set_min_proto_version(context, options.minVersion);
    SSL_CTX_set_max_proto_version(context, options.maxVersion);
    // Kept by the tests; a context that goes would spoil what is in its own cache.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (!options.tickets)
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    if (!options.ciphers.empty())
        require(SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) == 1, "ciphers");
    if (!options.signatures.empty())
        require(SSL_CTX_set1_sigalgs_list(context, options.signatures.c_str()) == 1, "signatures");
    if (!options.authorities.empty())
        trust(context, options.authorities);
    for (const CertificateAndKey& pair : options.certificates)
        useCertificate(context, pair);
    const std::string protocols = wire(options.protocols);
    if (!protocols.empty())
        SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                                static_cast<unsigned>(protocols.size()));
}

std::shared_ptr<SSL_CTX> newContext(const TlsOptions& options, bool server) {
    std::shared_ptr<SSL_CTX> context(
        SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()), SSL_CTX_free);
    configure(context.get(), options);
    return context;
}

}  // namespace

std::shared_ptr<SSL_CTX> serverContext(const TlsOptions& options) {
    return newContext(options, true);
}

std::unique_ptr<TlsPeer> TlsPeer::make(int fd, const TlsOptions& options, bool server,
                                       std::string& error) {
    ERR_clear_error();
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes with write(2)
    auto peer = std::make_unique<TlsPeer>();
    peer->context_ = options.context ? options.context : newContext(options, server);
    peer->ssl_.reset(SSL_new(peer->context_.get()));
    SSL* const ssl = peer->ssl_.get();
    SSL_set_fd(ssl, fd);
    if (!server && !options.serverName.empty())
        SSL_set_tlsext_host_name(ssl, options.serverName.c_str());
    if (options.session) {
        // A copy: a ticket in exchange for it would spoil the original.
        SSL_SESSION* const copy = SSL_SESSION_dup(options.session.get());
        SSL_set_session(ssl, copy);
        SSL_SESSION_free(copy);
    }
    if (uninterrupted(ssl, [&] { return server ? SSL_accept(ssl) : SSL_connect(ssl); }) == 1)
        return peer;
    error = takeReason();
    return nullptr;
}

std::unique_ptr<TlsPeer> TlsPeer::client(int fd, const TlsOptions& options, std::string& error) {
    return make(fd, options, false, error);
}

std::unique_ptr<TlsPeer> TlsPeer::server(int fd, const TlsOptions& options, std::string& error) {
    return make(fd, options, true, error);
}

ssize_t TlsPeer::recv(char* data, std::size_t size) {
    std::size_t got = 0;
    SSL* const ssl = ssl_.get();
    const int result = uninterrupted(ssl, [&] { return SSL_read_ex(ssl, data, size, &got); });
    if (result == 1)
        return static_cast<ssize_t>(got);
    const int error = SSL_get_error(ssl_.get(), result);
    ERR_clear_error();
    cleanEnd_ = error == SSL_ERROR_ZERO_RETURN;
    return cleanEnd_ ? 0 : -1;
}

ssize_t TlsPeer::send(const char* data, std::size_t size) {
    std::size_t sent = 0;
    SSL* const ssl = ssl_.get();
    if (uninterrupted(ssl, [&] { return SSL_write_ex(ssl, data, size, &sent); }) == 1)
        return static_cast<ssize_t>(sent);
    ERR_clear_error();
    return -1;
}

void TlsPeer::sayGoodbye() {
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

std::string TlsPeer::version() const {
    return SSL_get_version(ssl_.get());
}

std::string TlsPeer::cipher() const {
    return SSL_get_cipher_name(ssl_.get());
}

std::string TlsPeer::keyType() const {
    X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    return certificate == nullptr ? "" : EVP_PKEY_get0_type_name(X509_get0_pubkey(certificate));
}

std::string TlsPeer::commonName() const {
    X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr)
        return "";
    char name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
    return name;
}

std::string TlsPeer::serverName() const {
    const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
}

std::string TlsPeer::protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

bool TlsPeer::resumed() const {
    return SSL_session_reused(ssl_.get()) == 1;
}

std::shared_ptr<SSL_SESSION> TlsPeer::session() const {
    SSL_SESSION* const session = SSL_get1_session(ssl_.get());
    if (session == nullptr || SSL_SESSION_is_resumable(session) == 0) {
        SSL_SESSION_free(session);
        return nullptr;
    }
    return {session, SSL_SESSION_free};
}

}  // namespace evergate::test
