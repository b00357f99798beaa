// SPDX-License-Identifier: Apache-2.0
// The peers that tests play: a signal in the middle of a wait is no failure of what they wait for.
#include "tests/support/raw_connection.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>

#include "tests/support/temporary_certificate.hpp"

namespace evergate::test {
namespace {

constexpr int kSignal = SIGUSR1;
constexpr int kSignals = 50;  // that arrived

std::atomic<int> arrived{0};

// Interrupts the thread that made it, again and again, until it has felt enough of that; then runs
// `last` in a thread of its own.
class Interruptions {
public:
    explicit Interruptions(std::function<void()> last)
        : last_(std::move(last)), target_(::pthread_self()) {
        arrived = 0;

        struct sigaction action {};

        action.sa_handler = [](int) { ++arrived; };
        ::sigaction(kSignal, &action, &before_);
        thread_ = std::thread([this] { run(); });
    }

    ~Interruptions() {
        thread_.join();
        ::sigaction(kSignal, &before_, nullptr);
    }

private:
    void run() {
        while (arrived < kSignals) {
            ::pthread_kill(target_, kSignal);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        last_();
    }

    std::function<void()> last_;
    const pthread_t target_;

    struct sigaction before_ {};

    std::thread thread_;
};

TEST(RawConnection, SignalsDoNotEndARead) {
    RawListener listener;
    RawConnection client = RawConnection::connect(listener.port());
    RawConnection server = listener.accept();
    const Interruptions interruptions([&] { server.send("all of it"); });
    EXPECT_EQ(client.readExactly(9), "all of it");
    EXPECT_GE(arrived, kSignals);
}

TEST(RawConnection, SignalsDoNotEndAnAccept) {
    RawListener listener;
    RawConnection client;
    const Interruptions interruptions([&] { client = RawConnection::connect(listener.port()); });
    EXPECT_TRUE(listener.accept().open());
}

TEST(RawConnection, SignalsDoNotEndATlsRead) {
    TemporaryAuthority authority;
    RawListener listener;
    TlsOptions options;
    CertificateRequest request;
    request.dnsNames = {"a.example"};
    options.certificates = {authority.issue(request)};
    RawConnection client = RawConnection::connect(listener.port());
    RawConnection server = listener.accept();
    std::thread answering([&] { EXPECT_TRUE(server.secureAsServer(options)); });
    EXPECT_TRUE(client.secure({})) << client.tlsError();
    answering.join();
    const Interruptions interruptions([&] { server.send("all of it"); });
    EXPECT_EQ(client.readExactly(9), "all of it");
}

}  // namespace
}  // namespace evergate::test
