// SPDX-License-Identifier: Apache-2.0
// Reading PEM out of cluster objects with OpenSSL: never asks anybody for a passphrase.
//
// Errors are in OpenSSL's queue of the thread; who reads clears it before and after.
#pragma once

#include <openssl/bio.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace evergate::controller::pem {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Revocations = std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)>;

// For OpenSSL's password callbacks. Without one it would ask at the terminal.
int noPassphrase(char* buffer, int size, int writing, void* data);

Bio bioOf(const std::string& text);  // which outlives it

// The next one; null at the end and for what cannot be read: atEnd() says which.
Certificate readCertificate(BIO& bio);
Revocations readRevocations(BIO& bio);

// Whether the last read failed because there was no further block.
bool atEnd();

}  // namespace evergate::controller::pem
