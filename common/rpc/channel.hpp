// SPDX-License-Identifier: Apache-2.0
// One connection that carries messages: WebSocket text frames over a Unix socket or over TCP with
// mutual TLS 1.3. This and its .cpp are the only files of the RPC with a socket in them
// (listener.cpp accepts).
//
// One thread, that of the io_context. The observer is called from the loop only, never from inside
// start, send, finish or the destructor, and never again after onClosed or the destructor; it may
// destroy the channel from any of its calls. Frames over kMaxFrameBytes, binary frames, a silent
// peer (pinged at 10 s, dead at 20 s) and a handshake that takes too long all end in onClosed.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "common/process/name_resolver.hpp"
#include "common/rpc/address.hpp"

namespace evergate::rpc {

class ChannelObserver {
public:
    virtual void onOpen() = 0;
    virtual void onMessage(std::string_view text) = 0;
    virtual void onWritten() = 0;  // everything sent so far has left
    virtual void onClosed(const std::string& why) = 0;

protected:
    ~ChannelObserver() = default;
};

class Channel {
public:
    virtual ~Channel() = default;  // closes at once

    // Begins the handshakes; onOpen or onClosed follows. The observer outlives the channel.
    virtual void start(ChannelObserver& observer) = 0;
    // Queues one message. Requires onOpen to have come.
    virtual void send(std::string text) = 0;
    // Bytes queued and not written yet.
    virtual std::size_t queued() const = 0;
    // Stops reading, writes what is queued, closes; onClosed follows.
    virtual void finish() = 0;
};

// The side that dials. Certificate files are read now, so renewed ones are picked up by a redial;
// what is wrong with them comes as onClosed. `names`: knows hosts by name, and what it was asked by
// the dials before; null: a new one.
std::unique_ptr<Channel> makeDialer(boost::asio::io_context& io, Address address, TlsFiles files,
                                    std::shared_ptr<process::NameResolver> names = nullptr);

}  // namespace evergate::rpc
