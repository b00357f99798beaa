// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/peer_identity.hpp"

#include <openssl/bn.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>

#include "common/model/hex.hpp"

namespace evergate::tls {
namespace {

// A longer name is not told at all: half of one could be somebody else's.
constexpr long kMaxName = 2048;

struct BignumDelete {
    void operator()(BIGNUM* number) const noexcept { BN_free(number); }
};

struct TextDelete {
    void operator()(char* text) const noexcept { OPENSSL_free(text); }
};

// RFC 4514: special characters, control characters and bytes beyond ASCII are escaped.
std::string textOf(const X509_NAME* name) {
    const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
    if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0)
        return {};
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    if (size <= 0 || size > kMaxName)
        return {};
    std::string text(data, static_cast<std::size_t>(size));
    // The last word on what may stand in a header field is ours.
    const bool safe =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    return safe ? text : std::string();
}

std::string serialOf(const X509* certificate) {
    const std::unique_ptr<BIGNUM, BignumDelete> number(
        ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
    const std::unique_ptr<char, TextDelete> text(number ? BN_bn2hex(number.get()) : nullptr);
    return text ? text.get() : "";
}

}  // namespace

std::string fingerprintOf(const X509* certificate) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1)
        return {};
    return model::hexOf(std::span(digest, size));
}

net::PeerIdentity identityOf(X509* certificate) {
    net::PeerIdentity identity;
    identity.subject = textOf(X509_get_subject_name(certificate));
    identity.issuer = textOf(X509_get_issuer_name(certificate));
    identity.serial = serialOf(certificate);
    identity.fingerprint = fingerprintOf(certificate);
    return identity;
}

}  // namespace evergate::tls
