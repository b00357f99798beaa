// SPDX-License-Identifier: Apache-2.0
// paced_client: small HTTP/1.1 requests at a fixed rate over kept connections, in one thread.
//
//   paced_client --port=N --host=NAME --path=/ --rate=N [--connections=32] [--seconds=3]
//                [--warm-up=0.5] [--endpoint-port=0]
// Request number i is due at start + i / rate on connection i % connections. A latency counts from
// when the request was due, not from when it could be sent: a proxy that stalls does not make its
// load lighter (wrk2's "coordinated omission"). With --endpoint-port it is also the endpoint:
// what it measures is the proxy, not how two programs share a core. While the next request is due
// in less than 200 us it never sleeps, and wants a core for itself. Prints one line of JSON, times
// in seconds. `late`: the 99th percentile of how late a request was sent on a connection that was
// free; `p99_tenths`: that of the latencies of each tenth of a second, the median of them all,
// which does not know of the few milliseconds in which a machine does something else; `proxy_...`:
// from when a request was sent, by the kernel's clock, to when the answer was there, less the time
// the request waited at our own endpoint. That does not know of how long we waited for our core.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <deque>
#include <optional>
#include <utility>

#include "tests/bench/client/arguments.hpp"
#include "tests/bench/client/arrival.hpp"
#include "tests/bench/client/own_endpoint.hpp"

namespace evergate::bench {
namespace {

constexpr Nanoseconds kNoSleep = std::chrono::microseconds(200);  // before the next request
constexpr Nanoseconds kPatience = std::chrono::seconds(3);        // for the last answers

// The number behind `name` (a field's, with its colon) in a head; nothing without it.
std::optional<long long> fieldNumber(std::string_view head, std::string_view name) {
    for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
         at = head.find("\r\n", at + 2)) {
        const std::string_view line = head.substr(at + 2);
        if (line.size() > name.size() && ::strncasecmp(line.data(), name.data(), name.size()) == 0)
            return std::strtoll(line.data() + name.size(), nullptr, 10);
    }
    return std::nullopt;
}

// Length of the message at the start of `input`, 0 while its head is incomplete.
std::size_t messageLength(std::string_view input) {
    const std::size_t end = input.find("\r\n\r\n");
    if (end == std::string_view::npos)
        return 0;
    const auto length = fieldNumber(input.substr(0, end + 2), "content-length:");
    if (!length)
        fail("a response without Content-Length");
    return end + 4 + static_cast<std::size_t>(*length);
}

struct Connection {
    int fd = -1;
    std::string input;
    std::deque<Clock::time_point> due;  // the first is under way, the others wait for it
    KernelTime asked{};                 // when that was sent, or was due when another was before it
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
        if (arguments.number("endpoint-port") > 0)
            endpoint_.emplace(arguments.number("endpoint-port"), epoll_);
        const sockaddr_in address = loopback(arguments.number("port"));
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            connections_[i].fd = connectTo(address);
            if (connections_[i].fd < 0)
                fail("connection refused");
            ::fcntl(connections_[i].fd, F_SETFL, O_NONBLOCK);
            noteArrivals(connections_[i].fd);
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = i;
            ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[i].fd, &event);
        }
        taken_.reserve(total_);
        late_.reserve(total_);
        inProxy_.reserve(total_);
    }

    void run() {
        start_ = Clock::now();
        const auto end = dueAt(total_) + kPatience;
        while ((sent_ < total_ || answered_ < total_) && Clock::now() < end) {
            sendDue();
            handleEvents();
        }
        std::printf(
            "{\"due\": %llu, \"answered\": %llu, \"bad\": %llu, \"late\": %.7f, "
            "\"p99_tenths\": %.7f, \"proxy_p50\": %.7f, \"proxy_p99\": %.7f, %s}\n",
            static_cast<unsigned long long>(total_), static_cast<unsigned long long>(answered_),
            static_cast<unsigned long long>(bad_), inSeconds(percentile(late_, 0.99)),
            inSeconds(tenths()), inSeconds(percentile(inProxy_, 0.5)),
            inSeconds(percentile(inProxy_, 0.99)), percentiles(taken_).c_str());
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
            if (connection.due.size() > 1)
                continue;
            late_.push_back(now - connection.due.front());
            connection.asked = kernelNow();
            sendOne(connection);
        }
    }

    void sendOne(const Connection& connection) const {
        // Small requests, one at a time: a send buffer never fills.
        const auto sent = ::send(connection.fd, request_.data(), request_.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(request_.size()))
            fail("send: " + std::string(std::strerror(errno)));
    }

    // How long there is nothing to send.
    timespec idle() const {
        const auto until = sent_ < total_ ? dueAt(sent_) : Clock::now() + kPatience;
        const auto left = (until - Clock::now()).count();
        if (left < kNoSleep.count())
            return {};
        return {left / 1'000'000'000, left % 1'000'000'000};
    }

    void handleEvents() {
        std::array<epoll_event, 8> events;  // few: what is due waits for them
        const timespec timeout = idle();
        const int count = ::epoll_pwait2(epoll_, events.data(), events.size(), &timeout, nullptr);
        for (int i = 0; i < count; ++i) {
            const std::uint64_t data = events[static_cast<std::size_t>(i)].data.u64;
            if (data >= OwnEndpoint::eventMark())
                endpoint_->handle(data);
            else
                receive(connections_[data]);
        }
    }

    void receive(Connection& connection) {
        std::array<char, 65536> buffer;
        KernelTime arrived{};
        const auto got = receiveNoting(connection.fd, buffer.data(), buffer.size(), arrived);
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
        finish(connection, arrived);
    }

    // Answers come nearly in the order of their requests.
    Nanoseconds tenths() const {
        const auto size = static_cast<std::ptrdiff_t>(1e8 / interval_);
        std::vector<Nanoseconds> all;
        for (auto at = taken_.begin(); size > 0 && taken_.end() - at >= size; at += size)
            all.push_back(percentile({at, at + size}, 0.99));
        return percentile(std::move(all), 0.5);
    }

    void finish(Connection& connection, KernelTime arrived) {
        if (++answered_ > ignored_) {
            const Nanoseconds held(fieldNumber(connection.input, OwnEndpoint::kHeld).value_or(0));
            taken_.push_back(Clock::now() - connection.due.front());
            inProxy_.push_back(arrived - connection.asked - held);
        }
        bad_ += connection.input.compare(0, 12, "HTTP/1.1 200") != 0;
        connection.input.clear();
        connection.due.pop_front();
        if (connection.due.empty())
            return;
        connection.asked = kernelNow() - (Clock::now() - connection.due.front());
        sendOne(connection);
    }

    const std::string request_;
    const double interval_;  // nanoseconds
    const std::uint64_t total_;
    const std::uint64_t ignored_;  // of the warm-up
    std::vector<Connection> connections_;
    const int epoll_;
    std::optional<OwnEndpoint> endpoint_;
    Clock::time_point start_;
    std::uint64_t sent_ = 0;
    std::uint64_t answered_ = 0;
    std::uint64_t bad_ = 0;
    std::vector<Nanoseconds> taken_;
    std::vector<Nanoseconds> late_;
    std::vector<Nanoseconds> inProxy_;
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
                                                {"warm-up", "0.5"},
                                                {"endpoint-port", "0"}});
    ::prctl(PR_SET_TIMERSLACK, 1);  // the kernel would be up to 50 us late otherwise
    evergate::bench::Load(arguments).run();
}
