// SPDX-License-Identifier: Apache-2.0
#include "common/model/sha256.hpp"

#include <openssl/evp.h>

#include <cstdlib>
#include <memory>

namespace evergate::model {
namespace {

struct ContextDeleter {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

// Fetched once: an implicit fetch for every digest costs more than the digest of a short text.
// Never freed, so that hashing stays possible while static objects are being destroyed.
const EVP_MD* algorithm() noexcept {
    static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return fetched;
}

}  // namespace

Sha256Digest sha256(std::initializer_list<std::string_view> pieces) noexcept {
    const std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
    Sha256Digest digest;
    bool good = algorithm() != nullptr && context != nullptr &&
                EVP_DigestInit_ex(context.get(), algorithm(), nullptr) == 1;
    for (const std::string_view piece : pieces) {
        good = good && EVP_DigestUpdate(context.get(), piece.data(), piece.size()) == 1;
    }
    if (!good || EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
        std::abort();
    }
    return digest;
}

}  // namespace evergate::model
