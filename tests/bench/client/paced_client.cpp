// SPDX-License-Identifier: Apache-2.0
// paced_client: small HTTP/1.1 requests at a fixed rate over kept connections, in one thread.
//
//   paced_client --port=N --host=NAME --path=/ --rate=N [--connections=32] [--seconds=3]
//                [--warm-up=0.5]
// Request number i is due at start + i / rate on connection i % connections. A latency counts from
// when the request was due, not from when it could be sent: a proxy that stalls does not make its
// load lighter (wrk2's "coordinated omission"). It sends and receives in rounds of 50 us: waking up
// for every request and every answer would cost more than the endpoint, and the latencies would be
// its own. Prints one line of JSON; latencies in seconds.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <deque>

#include "tests/bench/client/arguments.hpp"

namespace evergate::bench {
namespace {

constexpr Nanoseconds kRound = std::chrono::microseconds(50);
constexpr Nanoseconds kPatience = std::chrono::seconds(3);  // for the last answers

// Length of the message at the start of `input`, 0 while its head is incomplete.
std::size_t messageLength(std::string_view input) {
    const std::size_t end = input.find("\r\n\r\n");
    if (end == std::string_view::npos)
        return 0;
    for (std::size_t at = input.find("\r\n"); at < end; at = input.find("\r\n", at + 2)) {
        constexpr std::string_view kName = "content-length:";
        const std::string_view line = input.substr(at + 2, kName.size());
        if (::strncasecmp(line.data(), kName.data(), kName.size()) != 0)
            continue;
        const char* digits = input.data() + at + 2 + kName.size();
        return end + 4 + static_cast<std::size_t>(std::strtoull(digits, nullptr, 10));
    }
    fail("a response without Content-Length");
}

struct Connection {
    int fd = -1;
    std::string input;
    std::deque<Clock::time_point> due;  // the first is under way, the others wait for it
};

class Load {
public:
    explicit Load(const Arguments& arguments)
        : request_("GET " + arguments.text("path") +
                   " HTTP/1.1\r\nHost: " + arguments.text("host") + "\r\n\r\n"),
          interval_(1e9 / arguments.number("rate")),
          total_(
              static_cast<std::uint64_t>(arguments.number("rate") * (arguments.number("seconds") +
                                                                     arguments.number("warm-up")))),
          ignored_(
              static_cast<std::uint64_t>(arguments.number("rate") * arguments.number("warm-up"))),
          connections_(static_cast<std::size_t>(arguments.number("connections"))),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        const sockaddr_in address = loopback(arguments.number("port"));
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            connections_[i].fd = connectTo(address);
            if (connections_[i].fd < 0)
                fail("connection refused");
            ::fcntl(connections_[i].fd, F_SETFL, O_NONBLOCK);
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = i;
            ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[i].fd, &event);
        }
        taken_.reserve(total_);
    }

    void run() {
        start_ = Clock::now();
        const auto end = dueAt(total_) + kPatience;
        while ((sent_ < total_ || answered_ < total_) && Clock::now() < end) {
            sendDue();
            wait();
        }
        std::printf("{\"due\": %llu, \"answered\": %llu, \"bad\": %llu, %s}\n",
                    static_cast<unsigned long long>(total_),
                    static_cast<unsigned long long>(answered_),
                    static_cast<unsigned long long>(bad_), percentiles(taken_).c_str());
    }

private:
    Clock::time_point dueAt(std::uint64_t number) const {
        return start_ +
               Nanoseconds(static_cast<std::int64_t>(static_cast<double>(number) * interval_));
    }

    void sendDue() {
        const auto now = Clock::now();
        for (; sent_ < total_ && dueAt(sent_) <= now; ++sent_) {
            Connection& connection = connections_[sent_ % connections_.size()];
            connection.due.push_back(dueAt(sent_));
            if (connection.due.size() == 1)
                sendOne(connection);
        }
    }

    void sendOne(const Connection& connection) const {
        // Small requests, one at a time: a send buffer never fills.
        const auto sent = ::send(connection.fd, request_.data(), request_.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(request_.size()))
            fail("send: " + std::string(std::strerror(errno)));
    }

    // The next round: what is due by then, and the answers that have come.
    void wait() {
        round_ += kRound;
        const auto now = Clock::now();
        if (round_ < now)
            round_ = now;
        const auto since = round_.time_since_epoch().count();
        const timespec until{since / 1'000'000'000, since % 1'000'000'000};
        ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
        std::array<epoll_event, 256> events;
        const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
        for (int i = 0; i < count; ++i)
            receive(connections_[events[static_cast<std::size_t>(i)].data.u64]);
    }

    void receive(Connection& connection) {
        std::array<char, 65536> buffer;
        const auto got = ::recv(connection.fd, buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0)
            fail("the proxy closed a connection");
        connection.input.append(buffer.data(), static_cast<std::size_t>(got));
        const std::size_t length = messageLength(connection.input);
        if (length == 0 || connection.input.size() < length)
            return;
        if (connection.input.size() > length || connection.due.empty())
            fail("more bytes than the response has");
        finish(connection);
    }

    void finish(Connection& connection) {
        if (++answered_ > ignored_)
            taken_.push_back(Clock::now() - connection.due.front());
        bad_ += connection.input.compare(0, 12, "HTTP/1.1 200") != 0;
        connection.input.clear();
        connection.due.pop_front();
        if (!connection.due.empty())
            sendOne(connection);
    }

    const std::string request_;
    const double interval_;  // nanoseconds
    const std::uint64_t total_;
    const std::uint64_t ignored_;  // of the warm-up
    std::vector<Connection> connections_;
    const int epoll_;
    Clock::time_point start_;
    Clock::time_point round_ = Clock::now();
    std::uint64_t sent_ = 0;
    std::uint64_t answered_ = 0;
    std::uint64_t bad_ = 0;
    std::vector<Nanoseconds> taken_;
};

}  // namespace
}  // namespace evergate::bench

int main(int argc, char** argv) {
    const evergate::bench::Arguments arguments(argc, argv,
                                               {{"port", ""},
                                                {"host", ""},
                                                {"path", "/"},
                                                {"rate", ""},
                                                {"connections", "32"},
                                                {"seconds", "3"},
                                                {"warm-up", "0.5"}});
    ::prctl(PR_SET_TIMERSLACK, 1);  // the kernel would be up to 50 us late otherwise
    evergate::bench::Load(arguments).run();
}
