// SPDX-License-Identifier: Apache-2.0
// Sessions of clients that take no tickets (TLS 1.2 and older, RFC 5246 §7.3), found by the id the
// server gave them: each as the bytes a ticket would hold, for as long, and only for what it was
// made for.
//
// One for each worker, its thread only: a client that meets another worker makes a full handshake.
// Of too many the least recently used goes. A session takes some 350 bytes, and as much more as its
// client's certificate, if it showed one: 1.5 MB for all, 18 MB if all are as long as may be.
// They are keys: the program zeroes what it frees (common/process/wiped_memory.cpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/model/sha256.hpp"

namespace evergate::tls {

class SessionCache {
public:
    static constexpr std::size_t kMost = 4096;
    static constexpr std::size_t kMostBytes = 4096;  // of one session
    static constexpr std::size_t kIdBytes = 32;

    // Names what a session is good for: the host asked for, what it was shown, who it let in.
    using Scope = model::Sha256Digest;

    explicit SessionCache(std::size_t most = kMost) noexcept : most_(most) {}

    SessionCache(const SessionCache&) = delete;
    SessionCache& operator=(const SessionCache&) = delete;

    // Until that time (UNIX). One that is too long, or whose id has another size, is not kept.
    void keep(std::string_view id, const Scope& scope, std::string session, std::int64_t until);

    // Empty: none of that scope that holds at `now`. Valid until the next call.
    std::string_view find(std::string_view id, const Scope& scope, std::int64_t now);

    void forget(std::string_view id) noexcept;

    // Nobody may have asked for them.
    void dropExpired(std::int64_t now) noexcept;

    std::size_t size() const noexcept { return byId_.size(); }

private:
    struct Entry {
        std::array<char, kIdBytes> id;
        Scope scope;
        std::int64_t until;
        std::string session;
    };

    using Entries = std::list<Entry>;

    static std::string_view idOf(const Entry& entry) noexcept {
        return {entry.id.data(), entry.id.size()};
    }

    Entries::iterator drop(Entries::iterator entry) noexcept;

    std::size_t most_;
    Entries entries_;  // the most recently used first
    std::unordered_map<std::string_view, Entries::iterator> byId_;
};

}  // namespace evergate::tls
