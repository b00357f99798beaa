// SPDX-License-Identifier: Apache-2.0
// Out of descriptors: every client that got through the handshake gets an answer.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using Next = RawConnection::Next;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Leaves `left` descriptors to the process while it lives.
class FewDescriptors {
public:
    explicit FewDescriptors(std::size_t left) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        // Every hole below the highest one is filled.
        int highest = 0;
        for (int fd = 0; fd < 4'096; ++fd)
            highest = ::fcntl(fd, F_GETFD) >= 0 ? fd : highest;
        for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) {
            filler_.push_back(fd);
            if (fd > highest)
                break;
        }
        const rlimit lower{static_cast<rlim_t>(filler_.back()) + left, before_.rlim_max};
        ::close(filler_.back());
        filler_.pop_back();
        ::setrlimit(RLIMIT_NOFILE, &lower);
    }

    ~FewDescriptors() {
        ::setrlimit(RLIMIT_NOFILE, &before_);
        for (const int fd : filler_)
            ::close(fd);
    }

private:
    rlimit before_{};
    std::vector<int> filler_;
};

class HttpLimits : public testing::Test {
protected:
    HttpLimits() {
        proxy.serve({endpoint.port()});
        // One request as usual first (and a sanitizer that looks at types may do so now).
        RawConnection client = proxy.client();
        client.send(kGet);
        upstream = endpoint.accept();
        upstream.readUntil("\r\n\r\n");
        upstream.send(kOk);
        EXPECT_EQ(client.readResponse().body, "ok");
        client.close();
        EXPECT_TRUE(proxy.eventuallyQuiet());
    }

    RawListener endpoint;
    RawListener other;
    ProxyFixture proxy;
    RawConnection upstream;
};

TEST_F(HttpLimits, NoDescriptorForTheEndpointIsA503) {
    proxy.setEndpoints({other.port()});
    RawConnection client = proxy.client();
    client.send("GET /");
    ASSERT_TRUE(proxy.eventuallyIn("head"));
    const FewDescriptors none(0);
    client.send(" HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto response = client.readResponse();
    EXPECT_EQ(response.status, 503);
    EXPECT_NE(response.head.find("Retry-After"), std::string::npos);
}

TEST_F(HttpLimits, IdleEndpointConnectionsGiveWay) {
    const FewDescriptors one(1);
    RawConnection client = proxy.client();  // that one
    ASSERT_TRUE(client.open());
    client.send(kGet);
    // Accepted with the descriptor of the idle connection; then there is none for the endpoint.
    const auto response = client.readResponse();
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(upstream.next(), Next::end);
    EXPECT_EQ(proxy.stats().front().acceptPauses, 0u);
}

TEST_F(HttpLimits, ClientsBeyondTheLimitAreTold) {
    proxy.setEndpoints({other.port()});
    EXPECT_EQ(upstream.next(), Next::end);
    const FewDescriptors few(3);
    std::vector<RawConnection> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(proxy.client());
        ASSERT_TRUE(clients.back().open());
    }
    // Only now: a connection without bytes is not accepted, and so takes no descriptor from us.
    for (RawConnection& client : clients)
        client.send(kGet);
    for (RawConnection& client : clients) {
        const auto response = client.readResponse();
        EXPECT_EQ(response.status, 503);
        EXPECT_EQ(client.next(), Next::end);
    }
    EXPECT_EQ(proxy.counters().errors[static_cast<std::size_t>(http::ProxyError::noDescriptors)],
              3u);
}

}  // namespace
}  // namespace evergate::test
