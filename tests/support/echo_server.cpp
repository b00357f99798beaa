// SPDX-License-Identifier: Apache-2.0
#include "tests/support/echo_server.hpp"

#include <system_error>
#include <utility>

#include "dataplane/net/listen.hpp"
#include "tests/support/echo_loop.hpp"

namespace evergate::test {

EchoServer::EchoServer(Options options) : options_(std::move(options)) {
    for (unsigned i = 0; i < options_.workers; ++i)
        loops_.push_back(std::make_unique<EchoLoop>(options_.name, counters_));
    for (const net::SocketAddress& address : options_.listen)
        open(address, /*raw=*/false);
    for (const net::SocketAddress& address : options_.raw)
        open(address, /*raw=*/true);
    for (auto& loop : loops_)
        threads_.emplace_back([&running = *loop] { running.run(); });
}

EchoServer::~EchoServer() {
    for (auto& loop : loops_)
        loop->stop();
    for (std::thread& thread : threads_)
        thread.join();
}

void EchoServer::open(net::SocketAddress address, bool raw) {
    const bool several = loops_.size() > 1;
    for (auto& loop : loops_) {
        const auto fd = net::openListener(address, {.reusePort = several});
        if (!fd)
            throw std::system_error(fd.error(), "listen on " + address.textWithPort());
        loop->addListener(*fd, raw);
        if (const std::error_code error = net::startListening(*fd, 4096))
            throw std::system_error(error, "listen on " + address.textWithPort());
        address = net::SocketAddress::localOf(*fd);  // port 0 is a real port now
    }
    addresses_.push_back(address);
}

}  // namespace evergate::test
