// SPDX-License-Identifier: Apache-2.0
// A Poller that an io_context waits for ("nested epoll"), so that a test can run it together with
// timers and peers of its own. One thread; the io_context outlives it.
#pragma once

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>

#include "dataplane/net/poller.hpp"

namespace evergate::net::test {

class NestedPoller : public Poller {
public:
    explicit NestedPoller(boost::asio::io_context& context) : descriptor_(context, ::dup(fd())) {
        rearm();
    }

private:
    void rearm() {
        descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                               [this, alive = std::weak_ptr<const int>(alive_)](
                                   const boost::system::error_code& error) {
                                   if (error || alive.expired())
                                       return;
                                   poll();
                                   rearm();
                               });
    }

    std::shared_ptr<const int> alive_ = std::make_shared<const int>(0);
    boost::asio::posix::stream_descriptor descriptor_;
};

}  // namespace evergate::net::test
