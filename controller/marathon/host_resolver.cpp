// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/host_resolver.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <tuple>
#include <utility>

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::controller::marathon {

namespace asio = boost::asio;

HostResolver::HostResolver(const asio::any_io_executor& executor)
    : resolver_(executor), timer_(executor) {}

std::string HostResolver::lookup(const std::string& host) const {
    const auto it = known_.find(host);
    return it == known_.end() ? std::string() : it->second.address;
}

void HostResolver::cancel() {
    cancelled_ = true;
    resolver_.cancel();
    timer_.cancel();
}

void HostResolver::forgetBut(const std::set<std::string>& hosts) {
    std::erase_if(known_, [&](const auto& each) { return !hosts.contains(each.first); });
}

asio::awaitable<void> HostResolver::refresh(std::set<std::string> hosts, Clock::duration timeout) {
    timer_.expires_after(timeout);
    for (const auto& host : hosts) {
        if (cancelled_ || timer_.expiry() <= Clock::now()) {
            break;
        }
        const auto it = known_.find(host);
        if (it == known_.end() || it->second.until <= Clock::now()) {
            co_await resolve(host);
        }
    }
}

asio::awaitable<void> HostResolver::resolve(std::string host) {
    using asio::experimental::awaitable_operators::operator||;
    constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);
    auto raced =
        co_await (resolver_.async_resolve(host, "", kToTuple) || timer_.async_wait(kToTuple));
    auto& known = known_[host];
    known.until = Clock::now() + kFailed;
    if (raced.index() != 0) {
        co_return;
    }
    const auto& [error, results] = std::get<0>(raced);
    std::string best;
    for (const auto& result : results) {
        const auto address = result.endpoint().address();
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
