// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/host_resolver.hpp"

#include <utility>

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::controller::marathon {

namespace asio = boost::asio;

HostResolver::HostResolver(const asio::any_io_executor& executor) : resolver_(executor) {}

HostResolver::HostResolver(const asio::any_io_executor& executor,
                           process::NameResolver::Lookup lookup)
    : resolver_(executor, std::move(lookup)) {}

std::string HostResolver::lookup(const std::string& host) const {
    const auto it = known_.find(host);
    return it == known_.end() ? std::string() : it->second.address;
}

void HostResolver::cancel() {
    cancelled_ = true;
    resolver_.cancel();
}

void HostResolver::forgetBut(const std::set<std::string>& hosts) {
    std::erase_if(known_, [&](const auto& each) { return !hosts.contains(each.first); });
}

asio::awaitable<void> HostResolver::refresh(std::set<std::string> hosts, Clock::duration timeout) {
    const auto end = Clock::now() + timeout;
    for (const auto& host : hosts) {
        const auto now = Clock::now();
        if (cancelled_ || end <= now) {
            break;
        }
        const auto it = known_.find(host);
        if (it == known_.end() || it->second.until <= now) {
            co_await resolve(host, end - now);
        }
    }
}

asio::awaitable<void> HostResolver::resolve(std::string host, Clock::duration timeout) {
    const auto resolved = co_await resolver_.resolve(host, timeout);
    auto& known = known_[host];
    known.until = Clock::now() + kFailed;
    std::string best;
    for (const auto& address : resolved.addresses) {
        if (best.empty() || address.is_v4()) {  // IPv4 first, as ever in Mesos
            best = address.to_string();
        }
        if (address.is_v4()) {
            break;
        }
    }
    if (!best.empty()) {
        known = {std::move(best), Clock::now() + kFresh};
    }
}

}  // namespace evergate::controller::marathon
