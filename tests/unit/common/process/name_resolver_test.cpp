// SPDX-License-Identifier: Apache-2.0
#include "common/process/name_resolver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>

namespace evergate::process {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const auto kAddress = asio::ip::make_address("192.0.2.1");

// A resolver that answers nobody before it is told to. Shared with the threads that wait in it.
class Gate {
public:
    Resolved pass(const std::string&) {
        std::unique_lock lock(mutex_);
        ++asked_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
        return {{}, {kAddress}};
    }

    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }

    void awaitAsked(int times) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return asked_ >= times; });
    }

    int asked() {
        const std::lock_guard lock(mutex_);
        return asked_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int asked_ = 0;
};

class NameResolverTest : public ::testing::Test {
protected:
    ~NameResolverTest() override { gate->open(); }

    Resolved resolve(NameResolver& resolver, const std::string& host,
                     NameResolver::Timeout timeout) {
        std::optional<Resolved> result;
        asio::co_spawn(io, resolver.resolve(host, timeout),
                       [&](const std::exception_ptr& thrown, Resolved resolved) {
                           EXPECT_FALSE(thrown);
                           result = std::move(resolved);
                       });
        io.restart();
        io.run();
        EXPECT_TRUE(result);
        return result.value_or(Resolved{});
    }

    NameResolver gated() {
        return {io.get_executor(),
                [gate = gate](const std::string& host) { return gate->pass(host); }};
    }

    std::shared_ptr<Gate> gate = std::make_shared<Gate>();
    asio::io_context io;
};

TEST_F(NameResolverTest, KeepsItsDeadlineWhenNobodyAnswers) {
    auto resolver = gated();
    const auto result = resolve(resolver, "mute.test", 10ms);
    EXPECT_EQ(result.error, asio::error::timed_out);
    EXPECT_THAT(result.addresses, IsEmpty());
}

TEST_F(NameResolverTest, IsGoneBeforeTheLookupIs) {
    {
        auto resolver = gated();
        resolve(resolver, "mute.test", 1ms);
    }
    gate->awaitAsked(1);  // and ends with the test, whose resolver is no more
}

TEST_F(NameResolverTest, AsksForANameOnceWhileItIsLookedUp) {
    auto resolver = gated();
    resolve(resolver, "slow.test", 1ms);
    resolve(resolver, "slow.test", 1ms);
    gate->awaitAsked(1);
    gate->open();
    const auto result = resolve(resolver, "slow.test", 60s);  // the late answer of the first
    EXPECT_FALSE(result.error) << result.error.message();
    EXPECT_THAT(result.addresses, ElementsAre(kAddress));
    EXPECT_EQ(gate->asked(), 1);
    EXPECT_FALSE(resolve(resolver, "slow.test", 60s).error);
    EXPECT_EQ(gate->asked(), 2);
}

TEST_F(NameResolverTest, DoesNotLetHangingLookupsPileUp) {
    auto resolver = gated();
    for (std::size_t i = 0; i < NameResolver::kMost; ++i) {
        EXPECT_EQ(resolve(resolver, std::to_string(i) + ".test", 1ms).error,
                  asio::error::timed_out);
    }
    EXPECT_EQ(resolve(resolver, "more.test", 60s).error, asio::error::try_again);
}

TEST_F(NameResolverTest, EndsWhenCancelled) {
    auto resolver = gated();
    std::optional<Resolved> result;
    asio::co_spawn(
        io, resolver.resolve("mute.test", 1h),
        [&](const std::exception_ptr&, Resolved resolved) { result = std::move(resolved); });
    io.poll();
    EXPECT_FALSE(result);
    resolver.cancel();
    io.restart();
    io.run();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->error, asio::error::operation_aborted);
}

TEST_F(NameResolverTest, TheNextQuestionEndsTheOneBeforeIt) {
    auto resolver = gated();
    std::vector<boost::system::error_code> errors;
    const auto ask = [&](const char* host, NameResolver::Timeout timeout) {
        asio::co_spawn(io, resolver.resolve(host, timeout),
                       [&](const std::exception_ptr&, const Resolved& resolved) {
                           errors.push_back(resolved.error);
                       });
    };
    ask("mute.test", 1h);
    io.poll();
    ask("mute.test", 10ms);  // of the same lookup
    io.restart();
    io.run();
    EXPECT_THAT(errors, ElementsAre(asio::error::operation_aborted, asio::error::timed_out));
}

TEST_F(NameResolverTest, AsksNobodyForAnAddress) {
    auto resolver = gated();
    for (const char* text : {"192.0.2.1", "2001:db8::1"}) {
        EXPECT_THAT(resolve(resolver, text, 1ms).addresses,
                    ElementsAre(asio::ip::make_address(text)));
    }
    EXPECT_EQ(gate->asked(), 0);
}

TEST_F(NameResolverTest, KnowsLocalhostAndWhatDoesNotExist) {
    NameResolver resolver(io.get_executor());
    const auto found = resolve(resolver, "localhost", 60s);
    EXPECT_FALSE(found.error) << found.error.message();
    ASSERT_FALSE(found.addresses.empty());
    EXPECT_TRUE(found.addresses.front().is_loopback());
    const auto missing = resolve(resolver, "..", 60s);  // no name: nobody on a network is asked
    EXPECT_TRUE(missing.error);
    EXPECT_THAT(missing.addresses, IsEmpty());
}

}  // namespace
}  // namespace evergate::process
