// SPDX-License-Identifier: Apache-2.0
// A worker that is behind with its work turns a share of what is new away, goes on with what it has
// begun, and takes everything again once it keeps up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "tests/support/access_log_file.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using http::ProxyError;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
// A tick comes every 100 ms, so one that a stall begins before is at least 100 ms late. A machine
// that keeps up but for a moment now and then stays below the limit.
constexpr auto kLag = 80ms;
constexpr auto kStall = 200ms;
constexpr auto kLongEnough = 60s;  // for whatever the worker needs several ticks for
// At most three of four are turned away.
constexpr int kMostRefusalsInARow = 3;

// Keeps the only worker from its loop, again and again, until its end. A worker gives a snapshot
// back when it takes the next one: each of these takes its time to go.
class Stalls {
public:
    explicit Stalls(ProxyFixture& proxy) : proxy_(proxy) {
        proxy_.onControl([this](const std::function<void()>& done) {
            stall();
            done();
        });
    }

    ~Stalls() {
        proxy_.onControl([this](std::function<void()> done) { ended_ = std::move(done); });
        proxy_.publish();  // the last of them goes
    }

private:
    void stall() {
        auto served = proxy_.serving().lock();
        worker::Publication publication;
        publication.snapshot = std::shared_ptr<const routing::Snapshot>(
            served.get(),
            [served](const routing::Snapshot*) { std::this_thread::sleep_for(kStall); });
        proxy_.pool().publish(std::move(publication), [this] { stalled(); });
    }

    void stalled() { ended_ ? ended_() : stall(); }

    ProxyFixture& proxy_;
    std::function<void()> ended_;  // control thread
};

bool eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + kLongEnough;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

class HttpOverload : public testing::Test {
protected:
    HttpOverload() { proxy.serve({endpoint.port()}); }

    static worker::WorkerPoolOptions options(worker::WorkerPoolOptions options) {
        options.workers = 1;
        options.overloadLag = kLag;
        return options;
    }

    static model::Settings settings() {
        model::Settings settings;
        settings.headTimeout = kLongEnough;
        return settings;
    }

    double shedShare() { return proxy.stats().front().shedShare; }

    std::uint64_t refusals() {
        return proxy.counters().errors[static_cast<std::size_t>(ProxyError::overloaded)];
    }

    // Asks until some were served and some turned away. The kept connection lasts.
    void askUntilBoth(RawConnection& client) {
        int served = 0, refused = 0, inARow = 0;
        EXPECT_TRUE(eventually([&] {
            client.send(kGet);
            const auto response = client.readResponse();
            if (response.status == 503) {
                ++refused;
                EXPECT_LE(++inARow, kMostRefusalsInARow);
                EXPECT_THAT(response.head, HasSubstr("\r\nRetry-After: "));
                EXPECT_EQ(response.head.find("Connection: close"), std::string::npos);
            } else {
                EXPECT_EQ(response.status, 200) << response.head;
                inARow = 0;
                ++served;
            }
            return testing::Test::HasFailure() || (served != 0 && refused != 0);
        }));
    }

    AccessLogFile log{"overload"};
    ScriptedEndpoint endpoint{answerAll("ok")};
    RawListener slow;
    ProxyFixture proxy{settings(), options(log.options())};
};

TEST_F(HttpOverload, ShedsAShareOfWhatIsNewAndFinishesWhatIsUnderWay) {
    RawConnection kept = proxy.client();
    kept.send(kGet);
    ASSERT_EQ(kept.readResponse().status, 200);
    proxy.setEndpoints({slow.port()});
    RawConnection begun = proxy.client();
    begun.send(kGet);
    RawConnection upstream = slow.accept();
    upstream.readUntil("\r\n\r\n");
    proxy.setEndpoints({endpoint.port()});
    {
        const Stalls stalls(proxy);
        ASSERT_TRUE(eventually([&] { return shedShare() >= 0.25; }));
        askUntilBoth(kept);
        upstream.send(kOk);
        EXPECT_EQ(begun.readResponse().body, "ok");
        EXPECT_GT(shedShare(), 0.0);
    }
    EXPECT_TRUE(eventually([&] { return shedShare() == 0.0; }));
    EXPECT_GE(refusals(), 1u);
    EXPECT_TRUE(eventually([&] {
        kept.send(kGet);
        return kept.readResponse().status == 200;
    }));
    EXPECT_TRUE(eventually([&] {
        const auto lines = log.lines();
        return std::count_if(lines.begin(), lines.end(), [](const auto& line) {
                   return line.value("error", "") == "overloaded";
               }) == static_cast<std::ptrdiff_t>(refusals());
    }));
}

TEST_F(HttpOverload, NewConnectionsAreToldToo) {
    const Stalls stalls(proxy);
    EXPECT_TRUE(eventually([&] {
        RawConnection client = proxy.client();
        client.send(kGet);
        const auto response = client.readResponse();
        if (response.status == 200)
            return false;
        EXPECT_EQ(response.status, 503);
        EXPECT_THAT(response.head, HasSubstr("\r\nRetry-After: "));
        return true;
    }));
}

}  // namespace
}  // namespace evergate::test
