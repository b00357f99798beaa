// SPDX-License-Identifier: Apache-2.0
// Addresses of agents that Marathon calls by name, remembered: a name that does not resolve for a
// while keeps its address.
//
// No answer for a while is as good as none: the deadline of refresh() is kept.
// Belongs to the controller's thread; one refresh() at a time.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <map>
#include <set>
#include <string>

#include "common/process/name_resolver.hpp"

namespace evergate::controller::marathon {

class HostResolver {
public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::chrono::seconds kFresh{60};
    static constexpr std::chrono::seconds kFailed{5};

    explicit HostResolver(const boost::asio::any_io_executor& executor);
    HostResolver(const boost::asio::any_io_executor& executor,
                 process::NameResolver::Lookup lookup);

    // Empty: unknown. Addresses are nobody's business here: they come back as they are.
    std::string lookup(const std::string& host) const;

    // Asks for those of `hosts` that are not known freshly, as far as `timeout` lets it.
    boost::asio::awaitable<void> refresh(std::set<std::string> hosts, Clock::duration timeout);
    void forgetBut(const std::set<std::string>& hosts);
    void cancel();

private:
    struct Known {
        std::string address;
        Clock::time_point until{};
    };

    boost::asio::awaitable<void> resolve(std::string host, Clock::duration timeout);

    process::NameResolver resolver_;
    std::map<std::string, Known> known_;
    bool cancelled_ = false;
};

}  // namespace evergate::controller::marathon
