// SPDX-License-Identifier: Apache-2.0
// Owners of OpenSSL's objects; its error queue as text, its times as numbers.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <string>

namespace evergate::tls {

struct OpensslDelete {
    void operator()(BIO* object) const noexcept { BIO_free(object); }

    void operator()(BIO_METHOD* object) const noexcept { BIO_meth_free(object); }

    void operator()(EVP_PKEY* object) const noexcept { EVP_PKEY_free(object); }

    void operator()(SSL* object) const noexcept { SSL_free(object); }

    void operator()(SSL_CTX* object) const noexcept { SSL_CTX_free(object); }

    void operator()(SSL_SESSION* object) const noexcept { SSL_SESSION_free(object); }

    void operator()(X509* object) const noexcept { X509_free(object); }

    void operator()(X509_STORE* object) const noexcept { X509_STORE_free(object); }

    void operator()(EVP_CIPHER* object) const noexcept { EVP_CIPHER_free(object); }

    void operator()(EVP_CIPHER_CTX* object) const noexcept { EVP_CIPHER_CTX_free(object); }

    void operator()(EVP_MAC* object) const noexcept { EVP_MAC_free(object); }

    void operator()(EVP_MAC_CTX* object) const noexcept { EVP_MAC_CTX_free(object); }
};

template <typename T>
using OpensslPtr = std::unique_ptr<T, OpensslDelete>;

// The reason of the last error, for people ("key values mismatch"); empties the queue. Reasons are
// OpenSSL's own fixed texts: nothing of the input is in them.
std::string takeErrorText();

// UNIX time; 0: there is none, or it is no time.
std::int64_t unixTime(const ASN1_TIME* time) noexcept;

}  // namespace evergate::tls
