// SPDX-License-Identifier: Apache-2.0
// Clients and endpoints that do random things at random moments, all from one seed, and that check
// what they see: every body carries a promise (its size and sum) in a header of its message, every
// request an id that its answer repeats. One thread; non-blocking sockets.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace evergate::test {

class Dice {
public:
    explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

    std::uint64_t below(std::uint64_t bound);

    bool oneIn(std::uint64_t n) { return below(n) == 0; }

    std::size_t size();  // of a body: often small, at times larger than every buffer

private:
    std::uint64_t state_;
};

std::string promiseOf(std::string_view body);

struct ChaosMessage {
    std::string head;
    std::string body;
    std::size_t wireSize = 0;
    bool complete = false;
    bool untilClose = false;  // complete only if the connection ended in order
};

// The message at the front of `bytes`; no head yet: an empty one.
ChaosMessage readMessage(std::string_view bytes, bool response, bool headRequest);
std::string fieldOf(const std::string& head, std::string_view name);  // "" when missing

// One end of a connection.
class ChaosPeer {
public:
    explicit ChaosPeer(int fd);
    ChaosPeer(ChaosPeer&& other) noexcept = delete;

    ~ChaosPeer() { close(); }

    bool open() const noexcept { return fd_ >= 0; }

    void sendSome(std::size_t most);
    void readSome(std::size_t most);
    void halfClose();
    void reset();
    void close();

    bool flushed() const noexcept { return sent_ == output.size(); }

    std::string input;
    std::string output;
    bool ended = false;   // the other side closed in order
    bool broken = false;  // reset

private:
    int fd_;
    std::size_t sent_ = 0;
    bool resetSeen_ = false;  // by a send, which consumed it: the next read will say "end"
};

struct ChaosRequest {
    int id = 0;
    bool head = false;
    bool idempotent = true;
    bool upgrade = false;
    bool sound = true;  // well-formed
    std::string wire;
};

class ChaosClient {
public:
    ChaosClient(Dice& dice, std::uint16_t port, int& nextId);

    void act(Dice& dice);
    void finish();  // only reads from now on

    bool done() const noexcept { return !peer_.open() || peer_.ended || peer_.broken; }

    void check() const;

    const std::vector<ChaosRequest>& requests() const noexcept { return requests_; }

private:
    bool checkOne(std::string_view& rest, const ChaosRequest& request) const;

    ChaosPeer peer_;
    std::vector<ChaosRequest> requests_;
    std::string tunnelBytes_;
    bool gone_ = false;  // it left first: what it saw may be cut anywhere
    bool stalled_ = false;
    bool halfClosed_ = false;
};

// How often each request's head arrived.
using Arrivals = std::map<int, int>;

class ChaosEndpoint {
public:
    explicit ChaosEndpoint(int fd) : peer_(fd) {}

    void act(Dice& dice, Arrivals& arrivals);

    bool done() const noexcept { return !peer_.open(); }

private:
    enum class Plan : std::uint8_t { none, whole, early, echo, stall };
    enum class Then : std::uint8_t { keep, close, reset };

    void think(Dice& dice, Arrivals& arrivals);
    void choosePlan(Dice& dice, const ChaosMessage& request, Arrivals& arrivals);
    void answer(Dice& dice, const std::string& requestHead);
    void misbehave(Dice& dice, std::string& wire, bool untilClose);

    ChaosPeer peer_;
    Plan plan_ = Plan::none;
    Then then_ = Then::keep;
};

}  // namespace evergate::test
