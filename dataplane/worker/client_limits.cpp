// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/client_limits.hpp"

#include <utility>

namespace evergate::worker {
namespace {

using http::ProxyError;

// 0000::/8 is nobody's: IPv4 addresses have their place there, and "::/64" (loopback) too.
constexpr std::uint64_t kIpv4 = std::uint64_t{1} << 48;
constexpr std::uint64_t kIpv6Zero = std::uint64_t{1} << 49;

std::uint64_t bigEndian(const std::uint8_t* bytes, int count) noexcept {
    std::uint64_t number = 0;
    for (int i = 0; i < count; ++i)
        number = number << 8 | bytes[i];
    return number;
}

}  // namespace

std::uint64_t ClientTable::keyOf(const net::SocketAddress& client) noexcept {
    const auto bytes = client.mapped();
    if (client.isIpv4())
        return kIpv4 | bigEndian(bytes.data() + 12, 4);
    const std::uint64_t upper = bigEndian(bytes.data(), 8);
    return upper == 0 ? kIpv6Zero : upper;
}

ClientTable::Part& ClientTable::partOf(std::uint64_t key) noexcept {
    return parts_[(key * 0x9E37'79B9'7F4A'7C15ULL) >> 58];
}

bool ClientTable::tryTake(std::uint64_t key, std::uint32_t most) {
    Part& part = partOf(key);
    const std::lock_guard lock(part.mutex);
    const auto [at, added] = part.connections.try_emplace(key, 0);
    if (at->second >= most) {
        if (added)
            part.connections.erase(at);
        return false;
    }
    ++at->second;
    return true;
}

void ClientTable::giveBack(std::uint64_t key) noexcept {
    Part& part = partOf(key);
    const std::lock_guard lock(part.mutex);
    const auto at = part.connections.find(key);
    if (at != part.connections.end() && --at->second == 0)
        part.connections.erase(at);
}

std::size_t ClientTable::size() const {
    std::size_t clients = 0;
    for (const Part& part : parts_) {
        const std::lock_guard lock(part.mutex);
        clients += part.connections.size();
    }
    return clients;
}

std::shared_ptr<ConnectionCount> ClientLimits::listener(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::erase_if(listeners_, [](const auto& entry) { return entry.second.expired(); });
    std::weak_ptr<ConnectionCount>& known = listeners_[name];
    std::shared_ptr<ConnectionCount> count = known.lock();
    if (!count) {
        count = std::make_shared<ConnectionCount>();
        known = count;
    }
    return count;
}

ProxyError ClientLimits::admit(ConnectionCount& listener, std::uint32_t listenerMost,
                               const net::SocketAddress* client, std::uint32_t perClient,
                               std::uint64_t& clientKey) {
    clientKey = client == nullptr || perClient == 0 ? 0 : ClientTable::keyOf(*client);
    if (clientKey != 0 && !clients_.tryTake(clientKey, perClient)) {
        clientKey = 0;
        return ProxyError::clientConnections;
    }
    ProxyError refusal = ProxyError::none;
    if (!listener.tryTake(listenerMost)) {
        refusal = ProxyError::listenerConnections;
    } else if (!all_.tryTake(most_)) {
        listener.giveBack();
        refusal = ProxyError::tooManyConnections;
    }
    if (refusal != ProxyError::none && clientKey != 0)
        clients_.giveBack(std::exchange(clientKey, 0));
    return refusal;
}

void ClientLimits::release(ConnectionCount& listener, std::uint64_t clientKey) noexcept {
    all_.giveBack();
    listener.giveBack();
    if (clientKey != 0)
        clients_.giveBack(clientKey);
}

}  // namespace evergate::worker
