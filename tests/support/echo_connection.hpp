// SPDX-License-Identifier: Apache-2.0
// One connection of the echo server: reads requests, answers them in order, bounds what it holds.
// Belongs to the thread of its loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/net/socket.hpp"
#include "tests/support/echo_request.hpp"

namespace evergate::test {

class EchoConnection;

// What a connection wants from the loop it belongs to.
class EchoHost {
public:
    virtual const std::string& name() const = 0;
    virtual void countRequest() = 0;
    // Calls connection.resume() after that long.
    virtual void delay(EchoConnection& connection, std::chrono::milliseconds time) = 0;
    virtual std::string statistics() const = 0;

protected:
    ~EchoHost() = default;
};

class EchoConnection {
public:
    // `raw`: no HTTP, every byte is sent back.
    EchoConnection(EchoHost& host, net::Socket socket, std::uint64_t id, bool raw);

    std::uint64_t id() const { return id_; }

    net::Socket& socket() { return socket_; }

    bool closed() const { return state_ == State::closed; }

    void onEvents(std::uint32_t events);
    void resume();

private:
    enum class State : std::uint8_t {
        head,      // waiting for a request head
        body,      // reading a request body
        generate,  // producing a response body
        delayed,   // resume() goes on
        tunnel,    // bytes in, bytes out
        flush,     // send what is pending, then linger
        linger,    // our side is shut down: wait for theirs
        closed,
    };
    enum class Sink : std::uint8_t {
        dispatch,  // the body is counted, then the request is answered
        echo,      // the body goes back as it comes
        ignore,    // the request is answered already
    };

    void pump();
    bool readSome();
    bool process();
    bool flush();
    bool flushed();  // everything is sent: what now
    void close(bool reset = false);

    bool processHead();
    bool processBody();
    bool processTunnel();
    bool generate();
    void bodyData(std::string_view data);
    void bodyDone();
    void beginBody(const EchoRequest& request);

    void dispatch(const EchoRequest& request);
    bool dispatchSized(const EchoRequest& request);
    bool dispatchOdd(const EchoRequest& request);
    void beginBytes(std::uint64_t count);
    void beginChunks(std::uint64_t count);
    void respond(std::string_view status, std::string_view body, std::string_view headers = {});
    void appendHead(std::string_view status, std::string_view headers);
    void beginEcho(const EchoRequest& request);
    void beginUpgrade(const EchoRequest& request);
    void requestDone();

    std::string_view input() const { return {in_.data() + begin_, end_ - begin_}; }

    std::size_t pending() const { return out_.size() - sent_; }

    EchoHost& host_;
    net::Socket socket_;
    const std::uint64_t id_;
    std::vector<char> in_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::string out_;
    std::size_t sent_ = 0;
    std::uint64_t fill_ = 0;        // static bytes to send behind out_
    std::uint64_t chunksLeft_ = 0;  // bytes still to be produced in chunks
    std::uint64_t bodyLeft_ = 0;
    std::uint64_t bodyBytes_ = 0;
    std::uint64_t requests_ = 0;
    EchoChunkReader chunks_;
    State state_ = State::head;
    Sink sink_ = Sink::dispatch;
    bool bodyChunked_ = false;
    bool headOnly_ = false;
    bool keepAlive_ = true;
    bool eof_ = false;
    std::string savedHead_;  // of a request whose body is read first
};

}  // namespace evergate::test
