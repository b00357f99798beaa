// SPDX-License-Identifier: Apache-2.0
// Blocking connections and endpoints for tests that play the peers of a proxy. Deadlines of 30 s
// turn a hang into a failure.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/tls_peer.hpp"

namespace evergate::test {

// The sockets that threads read from, so that they can be woken for the end of a test.
class OpenSockets {
public:
    void add(int fd);
    void close(int fd);
    void endReads();  // whoever reads gets what is there, then an end; also from now on

private:
    std::mutex mutex_;
    std::set<int> open_;
    bool ended_ = false;
};

// A blocking TCP connection with deadlines, and TLS on it when asked.
class RawConnection {
public:
    RawConnection() = default;

    explicit RawConnection(int fd) : fd_(fd) {}

    // `sockets`: who knows it besides; outlives it.
    RawConnection(int fd, OpenSockets& sockets) : fd_(fd), sockets_(&sockets) { sockets.add(fd); }

    RawConnection(RawConnection&& other) noexcept
        : fd_(other.fd_),
          sockets_(other.sockets_),
          held_(std::move(other.held_)),
          tls_(std::move(other.tls_)) {
        other.fd_ = -1;
    }

    RawConnection& operator=(RawConnection&& other) noexcept;

    ~RawConnection() { close(); }

    // `receiveBuffer`: bytes, 0 leaves the default. A small one is soon full.
    static RawConnection connect(std::uint16_t port, int receiveBuffer = 0);

    bool open() const noexcept { return fd_ >= 0; }

    int fd() const noexcept { return fd_; }

    // Everything after it goes through TLS. False when the handshake failed: tlsError() says why.
    bool secure(const TlsOptions& options);
    bool secureAsServer(const TlsOptions& options);

    const TlsPeer& tls() const noexcept { return *tls_; }

    const std::string& tlsError() const noexcept { return tlsError_; }

    bool send(std::string_view bytes);  // all of them, or false
    std::string readUntil(
        std::string_view end);  // up to and including; shorter on close or deadline
    std::string readExactly(std::size_t size);
    std::string readAll();   // to EOF
    std::string readSome();  // what there is, at least a byte; empty on close or deadline

    // One response: head, then the body by its own framing (chunks are joined).
    struct Response {
        int status = 0;
        std::string head;
        std::string body;
        bool complete = false;
    };

    Response readResponse(bool headRequest = false);
    bool eof();  // waits for the peer's close; over TLS for its close_notify
    // Waits for what comes next.
    enum class Next : std::uint8_t { data, end, reset, nothing };
    Next next();
    bool quiet() const;  // nothing is there to read now, not even an end
    // Fills the way from the proxy to this client, through the proxy's own descriptor: the next
    // byte it sends is refused. How many bytes that took. Same process only.
    std::size_t stuffFromPeer() const;
    void shutdownWrite();
    void reset();  // RST
    void close();

private:
    bool fill();
    int fd_ = -1;
    OpenSockets* sockets_ = nullptr;
    std::string held_;
    std::unique_ptr<TlsPeer> tls_;
    std::string tlsError_;
};

// Accepts connections and runs a script on each, in threads of its own. At its end scripts that
// still read get an end.
class ScriptedEndpoint {
public:
    using Script = std::function<void(RawConnection&, int index)>;
    explicit ScriptedEndpoint(Script script);
    ~ScriptedEndpoint();

    std::uint16_t port() const noexcept { return port_; }

    int accepted() const noexcept { return accepted_; }

private:
    void run();
    Script script_;
    int fd_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> accepted_{0};
    OpenSockets sockets_;
    std::thread thread_;
    std::vector<std::thread> connections_;
};

// Accepts when the test says so: for tests that play both ends themselves.
class RawListener {
public:
    explicit RawListener(int backlog = 256);
    ~RawListener();
    RawListener(const RawListener&) = delete;
    RawListener& operator=(const RawListener&) = delete;

    std::uint16_t port() const noexcept { return port_; }

    RawConnection accept(int receiveBuffer = 0);  // waits; not open() at the deadline
    int acceptNow() const;                        // -1: nobody is there

private:
    int fd_ = -1;
    std::uint16_t port_ = 0;
};

// An address where nobody answers: connecting to it neither works nor fails.
class BlackHole {
public:
    BlackHole();
    ~BlackHole();

    std::uint16_t port() const noexcept { return listener_.port(); }

private:
    RawListener listener_{0};
    std::vector<int> queued_;
};

// Answers every request with 200, `body` and Content-Length, keeping the connection.
ScriptedEndpoint::Script answerAll(std::string body);

// Answers each request with its head.
ScriptedEndpoint::Script tellHead();

}  // namespace evergate::test
