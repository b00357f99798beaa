// SPDX-License-Identifier: Apache-2.0
// A small fast HTTP/1.1 server for tests and benchmarks: the program echo_backend, or in-process.
//
//   /             200, "NAME METHOD TARGET", X-Backend: NAME; so does every path not named here
//   /bytes/N      N bytes with Content-Length      /chunked/N    the same in chunks
//   /echo         the body back, as it comes       /upload       how many bytes the body had
//   /headers      the request head as received     /status/CODE  that status
//   /delay/MS     answers after that time          /never        never answers
//   /close        answers, says so and closes      /silent-close without saying so
//   /eof          body ended by the close          /truncate     closes within the body
//   /reset        resets instead of answering      /garbage      answers something else
//   /upgrade      101, then bytes back             /early        answers before reading the body
//   /trailers     chunked with a trailer           /hints        103, then 200
//   /continue     as /upload (100 Continue goes to whoever expects it)
//   /connection   "ID REQUESTS" of the connection  /stats        "connections N\nrequests N\nopen
//   N"
// Own threads, one epoll loop each; the destructor stops and joins them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/net/address.hpp"

namespace evergate::test {

class EchoLoop;

class EchoServer {
public:
    struct Options {
        std::vector<net::SocketAddress> listen;  // port 0: any free one
        std::vector<net::SocketAddress> raw;     // no HTTP: every byte comes back
        std::string name = "echo";
        unsigned workers = 1;
    };

    struct Counters {
        std::atomic<std::uint64_t> connections{0};
        std::atomic<std::uint64_t> requests{0};
        std::atomic<std::uint64_t> open{0};
    };

    // Throws std::system_error when an address cannot be had.
    explicit EchoServer(Options options);
    ~EchoServer();
    EchoServer(const EchoServer&) = delete;
    EchoServer& operator=(const EchoServer&) = delete;

    // As asked for, with the real ports; listen first, then raw.
    const std::vector<net::SocketAddress>& addresses() const { return addresses_; }

    std::uint16_t port() const { return addresses_.front().port(); }

    const Counters& counters() const { return counters_; }

private:
    void open(net::SocketAddress address, bool raw);

    Options options_;
    std::vector<net::SocketAddress> addresses_;
    Counters counters_;
    std::vector<std::unique_ptr<EchoLoop>> loops_;
    std::vector<std::thread> threads_;
};

}  // namespace evergate::test
