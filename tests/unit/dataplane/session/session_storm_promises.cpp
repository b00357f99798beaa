// SPDX-License-Identifier: Apache-2.0
// What a storm's sessions promise: between any two events, when their clients leave, at the end.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/unit/dataplane/session/session_storm.hpp"

namespace evergate::session::test {

using namespace std::chrono_literals;

// What the kernel says about our epoll descriptors: each watched socket and for what.
std::map<int, std::uint32_t> Storm::watched() const {
    std::map<int, std::uint32_t> found;
    for (const int epoll : epolls_) {
        std::ifstream info("/proc/self/fdinfo/" + std::to_string(epoll));
        for (std::string line; std::getline(info, line);) {
            std::istringstream words(line);
            std::string tfd;
            std::string events;
            int fd = -1;
            std::uint32_t mask = 0;
            if (words >> tfd >> fd >> events >> std::hex >> mask && tfd == "tfd:" &&
                (mask & EPOLLRDHUP))
                found[fd] = mask;
        }
    }
    return found;
}

void Storm::check() {
    const auto watching = watched();
    std::size_t clients = 0;
    for (const auto& [session, client] : sessions_) {
        const net::Timer& timer = *session;
        phases_.insert(session->phaseName());
        EXPECT_TRUE(timer.armed() && timer.is_linked()) << "no deadline: " << session->phaseName();
        if (watching.contains(client.fd)) {
            ++clients;
        } else {
            EXPECT_LE(now_ - client.since, 400ms) << "not watched: " << session->phaseName();
        }
    }
    for (const auto& [fd, mask] : watching)
        EXPECT_EQ(mask & (EPOLLIN | EPOLLOUT), std::uint32_t(EPOLLIN | EPOLLOUT)) << fd;
    EXPECT_EQ(watching.size(), clients + pool_.open()) << "an endpoint's socket is not watched";
    constexpr std::size_t kMost = net::BufferPool::kLarge + net::BufferPool::kHeadroom;
    EXPECT_LE(buffers_.bytesInUse(), kMost * (1 + 3 * sessions_.size()));
}

void Storm::leave(Peers& peers) {
    for (const auto& peer : peers)
        oneIn(2) ? peer->socket.close() : peer->socket.closeWithReset();
    peers.clear();
}

void Storm::everyoneLeaves() {
    if (oneIn(2)) {
        leave(clients_);
        expectNoRequestWithoutClient();
    }
    check();
    acceptAll();
    leave(endpoints_);
    endpointListeners_.clear();
    leave(clients_);
    const auto patience = std::chrono::steady_clock::now() + 10s;
    for (int i = 0; !sessions_.empty() && std::chrono::steady_clock::now() < patience; ++i) {
        if (i < 5)
            advance(100ms);
        run();
        const bool onlyConnecting =
            std::all_of(sessions_.begin(), sessions_.end(), [](const auto& entry) {
                const std::string_view phase = entry.first->phaseName();
                return phase == "connecting" || phase == "queued";
            });
        // To where nobody answers, for a client of which nobody knows that it is gone.
        if (i >= 5 && onlyConnecting)
            break;
        if (i > 100)
            ::poll(nullptr, 0, 1);
    }
    for (const auto& [session, client] : sessions_) {
        const std::string_view phase = session->phaseName();
        EXPECT_TRUE(phase == "connecting" || phase == "queued") << "left in " << phase;
    }
    for (int i = 0; i < 200 && !sessions_.empty(); ++i) {
        advance(1s);
        run();
    }
}

// Where a FIN is no half-close, and is not behind bytes there is no room for.
bool Storm::mayOutliveItsClient(const Session& session, const Client& client) const {
    int unread = 0;
    ::ioctl(client.fd, FIONREAD, &unread);
    const std::string_view phase = session.phaseName();
    const bool http = dynamic_cast<const ClientSession*>(&session) != nullptr;
    const bool tunnel = phase == "tunnel" || phase == "tunnel_closing";
    const bool blocked = phase == "request_blocked" || phase == "client_blocked";
    return unread != 0 || tunnel || blocked || (!http && phase == "connecting");
}

void Storm::expectNoRequestWithoutClient() {
    const auto patience = std::chrono::steady_clock::now() + 10s;
    const auto pointless = [this](const auto& entry) {
        return !mayOutliveItsClient(*entry.first, entry.second);
    };
    for (int i = 0; !tolerant_; ++i) {
        if (i < 10)
            advance(100ms);  // a request that began just now is looked at then
        run();
        const auto found = std::find_if(sessions_.begin(), sessions_.end(), pointless);
        if (found == sessions_.end())
            return;
        if (std::chrono::steady_clock::now() > patience) {
            ADD_FAILURE() << "its client is gone: " << found->first->phaseName();
            return;
        }
        ::poll(nullptr, 0, 1);
    }
}

void Storm::expectNothingLeft() {
    EXPECT_TRUE(sessions_.empty());
    const auto patience = std::chrono::steady_clock::now() + 10s;
    while (pool_.open() != 0 && std::chrono::steady_clock::now() < patience)
        run();
    EXPECT_EQ(pool_.open(), 0u) << "connections to endpoints that are gone";
    pool_.closeAllIdle();
    run();
    const Counters& counters = context_.counters;
    EXPECT_EQ(counters.accepted, begun_);
    EXPECT_EQ(counters.activeConnections, 0u);
    EXPECT_EQ(counters.activeRequests, 0u);
    EXPECT_EQ(counters.idleConnections, 0u);
    EXPECT_EQ(counters.tunnels, 0u);
    EXPECT_EQ(counters.queued, 0u);
    std::uint64_t answered = 0;
    for (const std::uint64_t count : counters.responses)
        answered += count;
    EXPECT_EQ(counters.requests, answered);
    for (const ListenerState* state : {&http_, &https_, &tcp_})
        EXPECT_EQ(state->active, 0u);
    EXPECT_EQ(pool_.open(), 0u);
    for (const auto& endpoint : everyEndpoint_) {
        EXPECT_EQ(endpoint->activeRequests, 0u) << endpoint->text;
        EXPECT_EQ(endpoint->openConnections, 0u) << endpoint->text;
        EXPECT_EQ(endpoint->idleConnections, 0u) << endpoint->text;
        EXPECT_TRUE(!endpoint->slots || endpoint->slots->used() == 0) << endpoint->text;
    }
    EXPECT_TRUE(watched().empty());
    EXPECT_TRUE(wheel_.empty());
    EXPECT_LE(buffers_.bytesInUse(), net::BufferPool::kLarge + net::BufferPool::kHeadroom)
        << "more than the scratch buffer";
}

}  // namespace evergate::session::test
