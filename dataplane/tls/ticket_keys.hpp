// SPDX-License-Identifier: Apache-2.0
// The keys that seal session tickets (RFC 5077, RFC 8446 §4.6.1): the newest seals, older ones only
// open.
//
// Immutable; made on the control thread, held by every worker, the same for all certificates, so
// that a client resumes its session whichever worker it meets and whatever was published meanwhile.
// Zeroed when the last holder lets go.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace evergate::tls {

class TicketKeys {
public:
    static constexpr std::size_t kMost = 8;
    // Of keys of our own: a ticket opens for two to three periods.
    static constexpr std::size_t kOwn = 3;
    static constexpr std::chrono::hours kPeriod{6};
    // How long a key that others took the place of opens what it sealed: two periods, told by who
    // comes once in a period, but not on the second.
    static constexpr std::chrono::hours kKept = 2 * kPeriod - std::chrono::hours(1);

    using Clock = std::chrono::steady_clock;

    struct Key {
        std::array<unsigned char, 16> name;
        std::array<unsigned char, 32> cipher;  // AES-256-CBC
        std::array<unsigned char, 32> mac;     // HMAC-SHA256
    };

    // One fresh key, then those of `before` but the oldest. Null when the system gives no
    // randomness.
    static std::shared_ptr<const TicketKeys> next(const TicketKeys* before,
                                                  Clock::time_point now = Clock::now());

    // Somebody else's, each the bytes of a Key, the first to seal with; behind them those of
    // `before` that are not among them and sealed less than kKept ago. Null when one has another
    // size, or there is none.
    static std::shared_ptr<const TicketKeys> of(std::span<const std::string> given,
                                                const TicketKeys* before,
                                                Clock::time_point now = Clock::now());

    ~TicketKeys();
    TicketKeys(const TicketKeys&) = delete;
    TicketKeys& operator=(const TicketKeys&) = delete;

    std::span<const Key> keys() const noexcept { return {keys_.data(), count_}; }

    // As SSL_CTX_set_tlsext_ticket_key_evp_cb wants it. Seal: 1, -1 on failure. Open: 1, 2 when the
    // ticket should be renewed, 0 when no key fits.
    int seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
             EVP_MAC_CTX* mac) const;
    int open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
             EVP_MAC_CTX* mac) const;

private:
    TicketKeys() = default;
    void add(const Key& key, Clock::time_point sealed) noexcept;
    std::size_t indexOf(const Key& key) const noexcept;
    Clock::time_point sealed(std::size_t index, Clock::time_point now) const noexcept;

    std::array<Key, kMost> keys_{};
    std::array<Clock::time_point, kMost> sealed_{};  // until when each was the one that seals
    std::size_t count_ = 0;
};

}  // namespace evergate::tls
