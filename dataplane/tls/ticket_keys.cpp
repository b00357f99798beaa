// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/ticket_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

namespace evergate::tls {
namespace {

bool setMac(EVP_MAC_CTX* mac, const TicketKeys::Key& key) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(
            OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.mac.data()), key.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

}  // namespace

std::shared_ptr<const TicketKeys> TicketKeys::next(const TicketKeys* before,
                                                   Clock::time_point now) {
    std::unique_ptr<TicketKeys> keys(new TicketKeys);
    auto* const fresh = reinterpret_cast<unsigned char*>(keys->keys_.data());
    if (RAND_priv_bytes(fresh, sizeof(Key)) != 1)
        return nullptr;
    keys->count_ = 1;
    for (std::size_t i = 0; before != nullptr && i < std::min(before->count_, kOwn - 1); ++i)
        keys->add(before->keys_[i], before->sealed(i, now));
    return keys;
}

// Unless it is there already, or there is no room.
void TicketKeys::add(const Key& key, Clock::time_point sealed) noexcept {
    if (count_ == kMost || indexOf(key) != count_)
        return;
    keys_[count_] = key;
    sealed_[count_++] = sealed;
}

// count_: it is not among them.
std::size_t TicketKeys::indexOf(const Key& key) const noexcept {
    std::size_t i = 0;
    while (i != count_ && keys_[i].name != key.name)
        ++i;
    return i;
}

TicketKeys::Clock::time_point TicketKeys::sealed(std::size_t index,
                                                 Clock::time_point now) const noexcept {
    return index == 0 ? now : sealed_[index];
}

std::shared_ptr<const TicketKeys> TicketKeys::of(std::span<const std::string> given,
                                                 const TicketKeys* before, Clock::time_point now) {
    std::unique_ptr<TicketKeys> keys(new TicketKeys);
    for (const std::string& bytes : given) {
        Key key;
        if (bytes.size() != sizeof key)
            return nullptr;
        std::memcpy(&key, bytes.data(), sizeof key);
        const std::size_t known = before == nullptr ? 0 : before->indexOf(key);
        const bool isNew = before == nullptr || known == before->count_;
        // One that is new sealed elsewhere, and not in this period: it is first then.
        keys->add(key, isNew ? now - kPeriod : before->sealed(known, now));
        OPENSSL_cleanse(&key, sizeof key);
    }
    if (keys->count_ == 0)
        return nullptr;
    for (std::size_t i = 0; before != nullptr && i < before->count_; ++i) {
        const Clock::time_point sealed = before->sealed(i, now);
        if (now - sealed < kKept)
            keys->add(before->keys_[i], sealed);
    }
    return keys;
}

TicketKeys::~TicketKeys() {
    OPENSSL_cleanse(keys_.data(), sizeof keys_);
}

int TicketKeys::seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) const {
    const Key& key = keys_.front();
    const bool sealed =
        RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
        EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1 &&
        setMac(mac, key);
    std::memcpy(name, key.name.data(), key.name.size());
    return sealed ? 1 : -1;
}

int TicketKeys::open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) const {
    for (std::size_t i = 0; i < count_; ++i) {
        const Key& key = keys_[i];
        if (std::memcmp(name, key.name.data(), key.name.size()) != 0)
            continue;
        if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) != 1 ||
            !setMac(mac, key))
            return -1;
        return i == 0 ? 1 : 2;
    }
    return 0;
}

}  // namespace evergate::tls
