// SPDX-License-Identifier: Apache-2.0
#include "tests/support/http_chaos.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "dataplane/http/chunked.hpp"

namespace evergate::test {

// --- what both sides need

std::uint64_t Dice::below(std::uint64_t bound) {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return ((z ^ (z >> 31)) >> 11) % bound;
}

std::size_t Dice::size() {
    static constexpr std::size_t kMost[] = {1, 10, 300, 5'000, 40'000, 700'000};
    return below(kMost[below(oneIn(4) ? 6 : 4)] + 1);
}

std::string promiseOf(std::string_view body) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : body)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return std::to_string(body.size()) + "-" + std::to_string(hash);
}

namespace {

// Looks like requests, in case somebody takes it for one.
std::string makeBody(Dice& dice, std::size_t size) {
    std::string body;
    while (body.size() < size) {
        body += "GET /smuggled" + std::to_string(dice.below(1'000'000)) +
                " HTTP/1.1\r\nHost: s\r\nX-Id: 0\r\n\r\n";
    }
    body.resize(size);
    return body;
}

std::string makeChunked(Dice& dice, std::string_view body) {
    std::string wire;
    while (!body.empty()) {
        const std::size_t size = std::min<std::size_t>(body.size(), 1 + dice.size());
        char header[24];
        const std::size_t length = http::writeChunkHeader(size, header);
        wire.append(header, length - 2);
        wire.append(dice.oneIn(5) ? ";ext=1\r\n" : "\r\n");
        wire.append(body.substr(0, size)).append("\r\n");
        body.remove_prefix(size);
    }
    return wire + (dice.oneIn(4) ? "0\r\nX-Trailer: t\r\n\r\n" : "0\r\n\r\n");
}

bool readChunked(std::string_view bytes, ChaosMessage& message) {
    http::ChunkedDecoder decoder;
    while (!bytes.empty() && !decoder.done() && !decoder.failed()) {
        const auto step = decoder.next(bytes);
        message.body += step.data;
        message.wireSize += step.consumed;
        bytes.remove_prefix(step.consumed);
    }
    EXPECT_FALSE(decoder.failed()) << decoder.detail();
    return decoder.done();
}

}  // namespace

std::string fieldOf(const std::string& head, std::string_view name) {
    const std::size_t at = head.find("\r\n" + std::string(name) + ": ");
    if (at == std::string::npos)
        return {};
    const std::size_t begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
}

ChaosMessage readMessage(std::string_view bytes, bool response, bool headRequest) {
    ChaosMessage message;
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos)
        return message;
    message.head = bytes.substr(0, end + 4);
    message.wireSize = end + 4;
    bytes.remove_prefix(end + 4);
    const int status = response ? std::atoi(message.head.c_str() + 9) : 0;
    const std::string length = fieldOf(message.head, "Content-Length");
    if (response && (headRequest || status / 100 == 1 || status == 204 || status == 304)) {
        message.complete = true;
    } else if (!fieldOf(message.head, "Transfer-Encoding").empty()) {
        message.complete = readChunked(bytes, message);
    } else if (!length.empty() || !response) {
        const std::size_t size = std::strtoul(length.c_str(), nullptr, 10);
        message.body = bytes.substr(0, size);
        message.wireSize += message.body.size();
        message.complete = message.body.size() == size;
    } else {
        message.body = bytes;
        message.wireSize += bytes.size();
        message.complete = message.untilClose = true;
    }
    return message;
}

ChaosPeer::ChaosPeer(int fd) : fd_(fd) {}

void ChaosPeer::sendSome(std::size_t most) {
    const std::size_t size = std::min(most, output.size() - sent_);
    if (!open() || broken || size == 0)
        return;
    const ssize_t sent = ::send(fd_, output.data() + sent_, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
        sent_ += static_cast<std::size_t>(sent);
    } else if (errno != EAGAIN) {
        sent_ = output.size();  // nobody listens any more; what came before can still be read
        resetSeen_ |= errno == ECONNRESET;
    }
}

void ChaosPeer::readSome(std::size_t most) {
    if (!open() || ended || broken)
        return;
    std::string bytes(std::min<std::size_t>(most, 1 << 18), '\0');
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
        input.append(bytes, 0, static_cast<std::size_t>(got));
    } else if (got == 0) {
        (resetSeen_ ? broken : ended) = true;
    } else if (errno != EAGAIN) {
        broken = true;
    }
}

void ChaosPeer::halfClose() {
    ::shutdown(fd_, SHUT_WR);
}

void ChaosPeer::reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

void ChaosPeer::close() {
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

// --- clients

namespace {

ChaosRequest makeRequest(Dice& dice, int id, bool last) {
    static constexpr const char* kMethods[] = {"GET", "HEAD", "POST", "PUT"};
    const std::string method = kMethods[dice.below(4)];
    const bool old = dice.oneIn(8);
    ChaosRequest request;
    request.id = id;
    request.head = method == "HEAD";
    request.idempotent = method != "POST";
    request.upgrade = last && !old && method == "GET" && dice.oneIn(3);
    const bool hasBody = method[0] == 'P' || dice.oneIn(10);
    const std::string body = hasBody ? makeBody(dice, dice.size()) : "";
    const bool chunked = hasBody && !old && !dice.oneIn(3);
    request.wire = method + " /" + std::to_string(id) + (old ? " HTTP/1.0" : " HTTP/1.1") +
                   "\r\nHost: a\r\nX-Id: " + std::to_string(id) +
                   "\r\nX-Promise: " + promiseOf(body) + "\r\n";
    if (dice.oneIn(6))
        request.wire += "X-Pad: " + std::string(dice.below(20'000), 'p') + "\r\n";
    if (old && dice.oneIn(2))
        request.wire += "Connection: keep-alive\r\n";
    if (!request.upgrade && !old && dice.oneIn(8))
        request.wire += "Connection: close\r\n";
    if (hasBody && !old && dice.oneIn(6))
        request.wire += "Expect: 100-continue\r\n";
    if (request.upgrade)
        request.wire += "Connection: Upgrade\r\nUpgrade: echo\r\n";
    if (dice.oneIn(30)) {
        request.sound = false;
        request.wire += "Bad Field: 1\r\n\r\n";
    } else if (chunked) {
        request.wire += "Transfer-Encoding: chunked\r\n\r\n";
        const std::string framed = makeChunked(dice, body);
        request.sound = !dice.oneIn(20);
        request.wire += request.sound ? framed : framed.substr(0, framed.size() / 2) + "zz\r\n";
    } else if (hasBody) {
        request.wire += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    } else {
        request.wire += "\r\n";
    }
    return request;
}

int connectTo(std::uint16_t port, Dice& dice) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int small = 4'096;
    if (dice.oneIn(4))
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
}

}  // namespace

ChaosClient::ChaosClient(Dice& dice, std::uint16_t port, int& nextId)
    : peer_(connectTo(port, dice)) {
    const std::size_t count = 1 + dice.below(5);
    for (std::size_t i = 0; i < count; ++i) {
        requests_.push_back(makeRequest(dice, nextId++, i + 1 == count));
        peer_.output += requests_.back().wire;
    }
    if (requests_.back().upgrade)
        tunnelBytes_ = std::string(dice.size(), '#');
    peer_.output += tunnelBytes_;
}

void ChaosClient::act(Dice& dice) {
    if (done() || stalled_)
        return;
    const std::uint64_t what = dice.below(1'000);
    if (what < 4) {
        gone_ = true;
        what < 2 ? peer_.reset() : peer_.close();
    } else if (what < 6) {
        stalled_ = true;
    } else if (what < 8 || (peer_.flushed() && what < 20)) {
        peer_.halfClose();
        halfClosed_ = true;
        gone_ |= !peer_.flushed();
    } else if (what < 500 && !halfClosed_) {
        peer_.sendSome(1 + dice.size());
    } else {
        peer_.readSome(1 + dice.size());
    }
}

void ChaosClient::finish() {
    for (int i = 0; i < 8 && !done(); ++i)
        peer_.readSome(1 << 18);
}

void ChaosClient::check() const {
    std::string_view rest = peer_.input;
    for (const ChaosRequest& request : requests_) {
        if (!checkOne(rest, request))
            return;
    }
    // What was meant for a tunnel is one more request when there is no tunnel.
    EXPECT_TRUE(rest.empty() || !tunnelBytes_.empty())
        << "more answers than requests: " << rest.substr(0, 200);
}

// False: nothing more to look at.
bool ChaosClient::checkOne(std::string_view& rest, const ChaosRequest& request) const {
    ChaosMessage message;
    do {  // interim responses first
        message = readMessage(rest, true, request.head);
        if (!message.complete)
            return false;
        rest.remove_prefix(message.wireSize);
    } while (message.head[9] == '1' && message.head.substr(9, 3) != "101");
    const std::string id = fieldOf(message.head, "X-Re");
    const std::string promise = fieldOf(message.head, "X-Promise");
    EXPECT_TRUE(id.empty() || id == std::to_string(request.id)) << message.head;
    EXPECT_TRUE(message.head.starts_with("HTTP/1.1 ")) << message.head.substr(0, 100);
    if (message.head.substr(9, 3) == "101") {
        EXPECT_TRUE(request.upgrade) << message.head;
        EXPECT_TRUE(tunnelBytes_.starts_with(rest)) << rest.size() << rest.substr(0, 100);
        return false;
    }
    if (id.empty() && request.head)
        return false;  // refused before it was known to be HEAD: that answer has a body
    const bool seemsComplete = !message.untilClose || (peer_.ended && !gone_);
    if (!promise.empty() && !request.head && seemsComplete) {
        EXPECT_EQ(promiseOf(message.body), promise) << message.head;
    }
    return request.sound && !message.untilClose;
}

// --- endpoints

void ChaosEndpoint::act(Dice& dice, Arrivals& arrivals) {
    if (done())
        return;
    if (dice.oneIn(2)) {
        peer_.readSome(1 + dice.size());
    } else {
        peer_.sendSome(1 + dice.size());
    }
    if (peer_.broken)
        return peer_.close();
    think(dice, arrivals);
    if (then_ != Then::keep && peer_.flushed())
        return then_ == Then::reset ? peer_.reset() : peer_.close();
    if (peer_.ended && peer_.flushed() && plan_ != Plan::stall)
        peer_.close();
}

void ChaosEndpoint::think(Dice& dice, Arrivals& arrivals) {
    if (plan_ == Plan::echo) {
        peer_.output += std::exchange(peer_.input, {});
        return;
    }
    if (then_ != Then::keep || plan_ == Plan::stall || peer_.input.empty())
        return;
    const ChaosMessage request = readMessage(peer_.input, false, false);
    if (request.head.empty())
        return;
    if (plan_ == Plan::none)
        choosePlan(dice, request, arrivals);
    if (plan_ != Plan::whole || !request.complete)
        return;
    EXPECT_EQ(promiseOf(request.body), fieldOf(request.head, "X-Promise")) << request.head;
    peer_.input.erase(0, request.wireSize);
    plan_ = Plan::none;
    answer(dice, request.head);
}

void ChaosEndpoint::choosePlan(Dice& dice, const ChaosMessage& request, Arrivals& arrivals) {
    EXPECT_EQ(request.head.find("/smuggled"), std::string::npos) << request.head;
    ++arrivals[std::atoi(fieldOf(request.head, "X-Id").c_str())];
    const std::uint64_t what = dice.below(100);
    plan_ = Plan::whole;
    if (what < 3) {
        plan_ = Plan::stall;
    } else if (what < 6) {
        plan_ = Plan::early;
        then_ = what < 5 ? Then::close : Then::reset;
    } else if (what < 12) {
        plan_ = Plan::early;
        answer(dice, request.head);
        then_ = then_ == Then::reset ? Then::reset : Then::close;
    } else if (!fieldOf(request.head, "Upgrade").empty() && request.complete && what < 70) {
        plan_ = Plan::echo;
        peer_.input.erase(0, request.wireSize);
        peer_.output +=
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    }
}

void ChaosEndpoint::answer(Dice& dice, const std::string& requestHead) {
    const std::string body = makeBody(dice, dice.size());
    const bool headRequest = requestHead.starts_with("HEAD");
    std::string wire;
    for (; dice.oneIn(6);)
        wire += "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n";
    wire += dice.oneIn(12) ? "HTTP/1.1 413 Too Large\r\n" : "HTTP/1.1 200 OK\r\n";
    wire += "X-Re: " + fieldOf(requestHead, "X-Id") + "\r\nX-Promise: " + promiseOf(body) + "\r\n";
    const std::uint64_t framing = dice.below(3);
    if (dice.oneIn(5)) {
        wire += "Connection: close\r\n";
        then_ = Then::close;
    }
    if (framing == 0) {
        wire += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                (headRequest ? "" : body);
    } else if (framing == 1) {
        wire += "Transfer-Encoding: chunked\r\n\r\n" + (headRequest ? "" : makeChunked(dice, body));
    } else {
        wire += "\r\n" + (headRequest ? "" : body);
        then_ = Then::close;
    }
    misbehave(dice, wire, framing == 2);
    peer_.output += wire;
}

// Now and then: ends early, says too much, or talks nonsense.
void ChaosEndpoint::misbehave(Dice& dice, std::string& wire, bool untilClose) {
    switch (dice.below(24)) {
        case 0:
            wire.resize(dice.below(wire.size() + 1));
            // Only a reset tells a cut close-delimited body from a whole one.
            then_ = untilClose || dice.oneIn(2) ? Then::reset : Then::close;
            break;
        case 1:
            if (!untilClose)
                wire += "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            then_ = Then::close;
            break;
        case 2:
            wire = "SSH-2.0-OpenSSH_9.2\r\n";
            break;
        default:
            break;
    }
}

}  // namespace evergate::test
