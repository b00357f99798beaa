// SPDX-License-Identifier: Apache-2.0
// How many connections clients may have at once: in all, by listener, by client address.
//
// Counted by all workers together, so that a limit is exact whatever worker accepts. Touched when a
// connection comes and goes, never by a request: one atomic for all, one per listener; the table of
// addresses, behind a lock per part of it, only while there is a limit per client. Who is over a
// limit is told which (http::ProxyError). Any thread; outlives every connection it counts.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "dataplane/http/proxy_error.hpp"
#include "dataplane/net/address.hpp"

namespace evergate::worker {

class ConnectionCount {
public:
    // `most`: 0: as many as there are.
    bool tryTake(std::uint32_t most) noexcept {
        std::uint32_t used = used_.load(std::memory_order_relaxed);
        while (most == 0 || used < most) {
            if (used_.compare_exchange_weak(used, used + 1, std::memory_order_relaxed))
                return true;
        }
        return false;
    }

    void giveBack() noexcept { used_.fetch_sub(1, std::memory_order_relaxed); }

    std::uint32_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint32_t> used_{0};
};

// Connections by client address. An IPv6 client is its /64: that much is given to one host.
class ClientTable {
public:
    // Never 0.
    static std::uint64_t keyOf(const net::SocketAddress& client) noexcept;

    bool tryTake(std::uint64_t key, std::uint32_t most);
    void giveBack(std::uint64_t key) noexcept;

    std::size_t size() const;  // clients with a connection

private:
    struct Part {
        mutable std::mutex mutex;
        std::unordered_map<std::uint64_t, std::uint32_t> connections;
    };

    Part& partOf(std::uint64_t key) noexcept;

    std::array<Part, 64> parts_;
};

class ClientLimits {
public:
    explicit ClientLimits(std::uint32_t maxConnections) : most_(maxConnections) {}

    // The count of a listener of this name, the same for all workers and for a listener that comes
    // back while connections of the former one are still open.
    std::shared_ptr<ConnectionCount> listener(const std::string& name);

    // None: one more is counted, until release(). `clientKey` is what to release later: 0 when the
    // client is not counted, because `perClient` is 0 or `client` null.
    http::ProxyError admit(ConnectionCount& listener, std::uint32_t listenerMost,
                           const net::SocketAddress* client, std::uint32_t perClient,
                           std::uint64_t& clientKey);
    void release(ConnectionCount& listener, std::uint64_t clientKey) noexcept;

    std::uint32_t connections() const noexcept { return all_.used(); }

    std::size_t clients() const { return clients_.size(); }

private:
    const std::uint32_t most_;
    ConnectionCount all_;
    ClientTable clients_;
    std::mutex mutex_;  // of the names: changes of the configuration only
    std::map<std::string, std::weak_ptr<ConnectionCount>> listeners_;
};

}  // namespace evergate::worker
