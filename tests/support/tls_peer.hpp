// SPDX-License-Identifier: Apache-2.0
// Blocking TLS on a connected descriptor, as client or as server: the other side of the proxy's TLS
// in tests.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/temporary_certificate.hpp"

namespace evergate::test {

struct TlsOptions;
std::shared_ptr<SSL_CTX> serverContext(const TlsOptions& options);

struct TlsOptions {
    std::string serverName;   // SNI; empty: none
    std::string authorities;  // PEM; empty: any certificate will do
    int minVersion = TLS1_2_VERSION;
    int maxVersion = TLS1_3_VERSION;
    std::string ciphers;     // TLS 1.2
    std::string signatures;  // signature algorithms, which choose between kinds of certificates
    std::vector<std::string> protocols;             // ALPN
    std::shared_ptr<SSL_SESSION> session{};         // to resume
    std::vector<CertificateAndKey> certificates{};  // server: one, or several kinds of keys
    // One for several connections, so that sessions can be resumed; else each has its own.
    std::shared_ptr<SSL_CTX> context{};
    bool tickets = true;  // false: without that extension, as old clients are
};

class TlsPeer {
public:
    // Null when the handshake failed; `error` then has OpenSSL's reason.
    static std::unique_ptr<TlsPeer> client(int fd, const TlsOptions& options, std::string& error);
    static std::unique_ptr<TlsPeer> server(int fd, const TlsOptions& options, std::string& error);

    ssize_t recv(char* data, std::size_t size);  // 0: the end, announced or not
    ssize_t send(const char* data, std::size_t size);
    void sayGoodbye();  // close_notify

    bool cleanEnd() const noexcept { return cleanEnd_; }  // recv saw a close_notify

    std::string version() const;
    std::string cipher() const;
    std::string keyType() const;     // of the peer's certificate: "RSA", "EC"
    std::string commonName() const;  // of the peer's certificate
    std::string serverName() const;  // that the client asked for
    std::string protocol() const;    // ALPN
    bool resumed() const;
    // TLS 1.3: once something was received; else null.
    std::shared_ptr<SSL_SESSION> session() const;

    SSL* ssl() const noexcept { return ssl_.get(); }

private:
    struct Free {
        // A session is resumable only when its connection ended well.
        void operator()(SSL* ssl) const {
            SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
            SSL_free(ssl);
        }
    };

    static std::unique_ptr<TlsPeer> make(int fd, const TlsOptions& options, bool server,
                                         std::string& error);

    std::shared_ptr<SSL_CTX> context_;
    std::unique_ptr<SSL, Free> ssl_;
    bool cleanEnd_ = false;
};

}  // namespace evergate::test
