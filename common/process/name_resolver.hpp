// SPDX-License-Identifier: Apache-2.0
// Addresses of host names, by a deadline that is kept.
//
// getaddrinfo cannot be interrupted, and behind Asio's resolver one that hangs holds up every other
// name and the end of the process. So each name is looked up in a thread of its own, which shares
// nothing with us but the slot its answer goes into: when time is up it is left behind. A name that
// is still being looked up is not looked up twice, and there are never more than kMost threads.
// Belongs to one thread. One resolve() at a time: the next one ends the one before it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace evergate::process {

struct Resolved {
    boost::system::error_code error;
    std::vector<boost::asio::ip::address> addresses;  // in the order to try them; none with error
};

class NameResolver {
public:
    using Timeout = std::chrono::steady_clock::duration;
    // Blocks, in a thread of its own, for as long as it likes; must not throw.
    using Lookup = std::function<Resolved(const std::string& host)>;

    static constexpr std::size_t kMost = 8;

    explicit NameResolver(boost::asio::any_io_executor executor);
    NameResolver(boost::asio::any_io_executor executor, Lookup lookup);
    ~NameResolver();

    // An IP address is its own answer. boost::asio::error::timed_out when time is up, try_again
    // when too many lookups hang, operation_aborted after cancel() or the next resolve(). The
    // resolver outlives it.
    boost::asio::awaitable<Resolved> resolve(std::string host, Timeout timeout);

    // Ends the resolve() under way.
    void cancel();

private:
    class Slot;

    // A lookup whose answer nobody has had yet.
    struct Running {
        std::shared_ptr<Slot> slot;
        boost::asio::posix::stream_descriptor answered;  // readable once the slot is filled
    };

    Running* running(const std::string& host, boost::system::error_code& error);
    boost::system::error_code start(const std::string& host);

    boost::asio::any_io_executor executor_;
    Lookup lookup_;
    boost::asio::steady_timer timer_;
    std::map<std::string, Running> running_;
    std::uint64_t question_ = 0;  // which one is asked
};

}  // namespace evergate::process
