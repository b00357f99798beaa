// SPDX-License-Identifier: Apache-2.0
#include "controller/publish/ticket_secret.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <memory>
#include <utility>

#include "common/process/atomic_file.hpp"

namespace evergate::controller {
namespace {

constexpr char kPurpose[] = "evergate session tickets ";

bool derive(const std::string& secret, std::int64_t period, std::string& key) {
    const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> hkdf(
        EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
    const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
        EVP_KDF_CTX_new(hkdf.get()), EVP_KDF_CTX_free);
    if (!context) {
        return false;
    }
    char digest[] = "SHA256";
    std::string info = kPurpose + std::to_string(period);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<char*>(secret.data()),
                                          secret.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
        OSSL_PARAM_construct_end()};
    return EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(key.data()), key.size(),
                          parameters) == 1;
}

}  // namespace

std::optional<TicketSecret> TicketSecret::random() {
    std::string bytes(kLeastBytes, '\0');
    if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(bytes.data()),
                        static_cast<int>(bytes.size())) != 1) {
        ERR_clear_error();
        return std::nullopt;
    }
    return TicketSecret(std::move(bytes));
}

std::optional<TicketSecret> TicketSecret::fromFile(const std::string& path, std::string& error) {
    auto content = process::readFile(path, kMostBytes);
    if (!content) {
        error = path + ": " + content.error().message();
        return std::nullopt;
    }
    if (content->size() < kLeastBytes) {
        error = path + " has " + std::to_string(content->size()) + " bytes; at least " +
                std::to_string(kLeastBytes) + " are needed";
        return std::nullopt;
    }
    return TicketSecret(*std::move(content));
}

std::int64_t TicketSecret::periodOf(std::chrono::system_clock::time_point time) noexcept {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()) / kPeriod;
}

std::vector<std::string> TicketSecret::keysOf(std::int64_t period) const {
    std::vector<std::string> keys;
    for (const std::int64_t each : {period, period + 1, period - 1, period - 2}) {
        keys.emplace_back(rpc::kTicketKeyBytes, '\0');
        if (!derive(bytes_, each, keys.back())) {
            ERR_clear_error();
            return {};
        }
    }
    return keys;
}

}  // namespace evergate::controller
