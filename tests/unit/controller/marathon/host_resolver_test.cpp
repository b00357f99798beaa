// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/host_resolver.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <mutex>

namespace evergate::controller::marathon {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// Names that are known, "mute", which nobody ever answers for, and any other.
class HostResolverTest : public ::testing::Test {
protected:
    ~HostResolverTest() override { end.set_value(); }

    void refresh(HostResolver& resolver, std::set<std::string> hosts,
                 std::chrono::steady_clock::duration timeout) {
        bool done = false;
        asio::co_spawn(io, resolver.refresh(std::move(hosts), timeout),
                       [&](const std::exception_ptr& thrown) { done = !thrown; });
        io.restart();
        io.run();
        EXPECT_TRUE(done);
    }

    process::NameResolver::Lookup lookup() {
        return [over = std::shared_future<void>(end.get_future())](const std::string& host) {
            if (host == "mute") {
                over.wait();
            } else if (host == "both") {
                return process::Resolved{
                    {},
                    {asio::ip::make_address("2001:db8::1"), asio::ip::make_address("192.0.2.1")}};
            } else if (host == "six") {
                return process::Resolved{{}, {asio::ip::make_address("2001:db8::6")}};
            }
            return process::Resolved{asio::error::host_not_found, {}};
        };
    }

    std::promise<void> end;
    asio::io_context io;
};

TEST_F(HostResolverTest, PrefersIpv4) {
    HostResolver resolver(io.get_executor(), lookup());
    refresh(resolver, {"both", "missing", "six"}, 60s);
    EXPECT_EQ(resolver.lookup("both"), "192.0.2.1");
    EXPECT_EQ(resolver.lookup("six"), "2001:db8::6");
    EXPECT_EQ(resolver.lookup("missing"), "");
}

TEST_F(HostResolverTest, KeepsItsDeadlineWhenNobodyAnswers) {
    HostResolver resolver(io.get_executor(), lookup());
    refresh(resolver, {"both"}, 60s);
    refresh(resolver, {"both", "mute"}, 20ms);  // ends at all
    EXPECT_EQ(resolver.lookup("mute"), "");
    EXPECT_EQ(resolver.lookup("both"), "192.0.2.1");
    refresh(resolver, {"six"}, 60s);  // the one that hangs is in nobody's way
    EXPECT_EQ(resolver.lookup("six"), "2001:db8::6");
}

TEST_F(HostResolverTest, ForgetsWhoIsNotWanted) {
    HostResolver resolver(io.get_executor(), lookup());
    refresh(resolver, {"both", "six"}, 60s);
    resolver.forgetBut({"six"});
    EXPECT_EQ(resolver.lookup("both"), "");
    EXPECT_EQ(resolver.lookup("six"), "2001:db8::6");
}

}  // namespace
}  // namespace evergate::controller::marathon
