// SPDX-License-Identifier: Apache-2.0
// http2_attacker: one attack over several connections at once, as fast as they take it.
//
//   http2_attacker --port=N --host=NAME --attack=NAME [--path=/] [--connections=16] [--seconds=10]
//                  [--from=127.0.0.2]
// A connection that is closed, or told to go away, is closed and opened anew at once. Prints one
// line of JSON: connections, bytes sent, and how many ended by which GOAWAY code, by a reset or
// without a word. `--from` is the attackers' own address. One thread.
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <utility>

#include "tests/bench/client/arguments.hpp"
#include "tests/bench/client/http2_attacks.hpp"

namespace evergate::bench {
namespace {

constexpr std::size_t kFrameHead = 9;
constexpr std::uint32_t kMaxPayload = 1 << 20;

struct Target {
    sockaddr_in to;
    sockaddr_in from;
    std::string attack, host, path;
};

struct Tally {
    std::uint64_t connections = 0;
    std::uint64_t refused = 0;
    std::uint64_t bytes = 0;
    std::uint64_t streamResets = 0;
    std::map<std::string, std::uint64_t> ends;
};

class Attacker {
public:
    Attacker(const Target& target, Tally& tally) : target_(target), tally_(tally) {}

    ~Attacker() { disconnect(); }

    Attacker(const Attacker&) = delete;
    Attacker& operator=(const Attacker&) = delete;

    // What to poll for.
    pollfd interest() {
        if (fd_ < 0)
            connect();
        if (fd_ >= 0 && output_.empty())
            attack_->next(output_);
        const bool reads = fd_ >= 0 && attack_->reads();
        return {fd_, static_cast<short>((output_.empty() ? 0 : POLLOUT) | (reads ? POLLIN : 0)), 0};
    }

    void serve(short events) {
        if (fd_ >= 0 && (events & (POLLIN | POLLHUP | POLLERR)) != 0)
            receive();
        if (fd_ >= 0 && (events & POLLOUT) != 0)
            send();
    }

private:
    void connect() {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int one = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        // Its address and port are free again at once.
        const linger gone{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &gone, sizeof gone);
        ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        ::bind(fd, reinterpret_cast<const sockaddr*>(&target_.from), sizeof target_.from);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&target_.to), sizeof target_.to) != 0) {
            ::close(fd);
            ++tally_.refused;
            return;
        }
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
        fd_ = fd;
        ++tally_.connections;
        attack_ = makeAttack(target_.attack, target_.host, target_.path);
        output_ = attack_->opening();
        input_.clear();
        sent_ = 0;
    }

    void disconnect() {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }

    void end(const std::string& how) {
        ++tally_.ends[how];
        disconnect();
    }

    void send() {
        const ssize_t sent =
            ::send(fd_, output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0)
            return attack_->reads() ? receive() : end("reset");
        tally_.bytes += static_cast<std::uint64_t>(sent);
        sent_ += static_cast<std::size_t>(sent);
        if (sent_ < output_.size())
            return;
        output_.clear();
        sent_ = 0;
    }

    void receive() {
        std::array<char, 65536> buffer;
        const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0)
            return end(got == 0 ? "closed" : "reset");
        input_.append(buffer.data(), static_cast<std::size_t>(got));
        hearAll();
    }

    void hearAll() {
        std::size_t at = 0;
        while (input_.size() - at >= kFrameHead) {
            const std::string_view head = std::string_view(input_).substr(at);
            const std::uint32_t size = numberOf(head) >> 8;
            if (size > kMaxPayload)
                return end("no HTTP/2");
            if (head.size() < kFrameHead + size)
                break;
            if (!hear({static_cast<std::uint8_t>(head[3]), static_cast<std::uint8_t>(head[4]),
                       numberOf(head.substr(5)), head.substr(kFrameHead, size)}))
                return;
            at += kFrameHead + size;
        }
        input_.erase(0, at);
    }

    // False: it was the last.
    bool hear(const Frame& frame) {
        if (frame.type == kGoaway && frame.payload.size() >= 8) {
            end("goaway " + std::to_string(numberOf(frame.payload.substr(4))));
            return false;
        }
        tally_.streamResets += frame.type == kRstStream;
        attack_->hear(frame);
        return true;
    }

    const Target& target_;
    Tally& tally_;
    int fd_ = -1;
    std::unique_ptr<Attack> attack_;
    std::string output_;
    std::string input_;
    std::size_t sent_ = 0;
};

void run(std::vector<std::unique_ptr<Attacker>>& attackers, double seconds) {
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    std::vector<pollfd> polled(attackers.size());
    while (Clock::now() < end) {
        for (std::size_t i = 0; i < attackers.size(); ++i)
            polled[i] = attackers[i]->interest();
        ::poll(polled.data(), polled.size(), 20);
        for (std::size_t i = 0; i < attackers.size(); ++i)
            attackers[i]->serve(polled[i].revents);
    }
}

void print(const Tally& tally) {
    std::string ends;
    for (const auto& [how, count] : tally.ends)
        ends += (ends.empty() ? "\"" : ", \"") + how + "\": " + std::to_string(count);
    std::printf(
        "{\"connections\": %llu, \"refused\": %llu, \"bytes\": %llu, \"stream_resets\": %llu, "
        "\"ends\": {%s}}\n",
        static_cast<unsigned long long>(tally.connections),
        static_cast<unsigned long long>(tally.refused),
        static_cast<unsigned long long>(tally.bytes),
        static_cast<unsigned long long>(tally.streamResets), ends.c_str());
}

}  // namespace
}  // namespace evergate::bench

int main(int argc, char** argv) {
    using namespace evergate::bench;
    const Arguments arguments(argc, argv,
                              {{"port", ""},
                               {"host", ""},
                               {"attack", ""},
                               {"path", "/"},
                               {"connections", "16"},
                               {"seconds", "10"},
                               {"from", "127.0.0.2"}});
    Target target{loopback(arguments.number("port")), loopback(0), arguments.text("attack"),
                  arguments.text("host"), arguments.text("path")};
    if (!makeAttack(target.attack, "", ""))
        fail("no such attack: " + target.attack);
    if (::inet_pton(AF_INET, arguments.text("from").c_str(), &target.from.sin_addr) != 1)
        fail("--from: not an address: " + arguments.text("from"));
    Tally tally;
    std::vector<std::unique_ptr<Attacker>> attackers;
    for (int i = 0; i < static_cast<int>(arguments.number("connections")); ++i)
        attackers.push_back(std::make_unique<Attacker>(target, tally));
    run(attackers, arguments.number("seconds"));
    print(tally);
}
