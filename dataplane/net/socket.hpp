// SPDX-License-Identifier: Apache-2.0
// A non-blocking stream socket and what is known about its readiness.
//
// The flags follow the edge-triggered events: an event sets them, a recv or send that met the end
// of what the kernel has clears them. While `readable` is false a recv would only say EAGAIN; with
// edge triggering nobody may stop reading before it is false. With a StreamLayer (TLS) on top all
// of this holds for what the layer yields and takes. One thread; owns the descriptor.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "dataplane/net/io_result.hpp"
#include "dataplane/net/stream_layer.hpp"

namespace evergate::net {

class Socket {
public:
    Socket() = default;

    // Takes the descriptor. A freshly accepted one is worth trying at once: readable and writable.
    explicit Socket(int fd, bool ready = true) noexcept
        : fd_(fd), readable_(ready), writable_(ready), wireReadable_(ready), wireWritable_(ready) {}

    // Without a descriptor: what the layer yields and takes is all there is. For one stream of a
    // connection that several share; nobody registers it, its layer's owner tells of events.
    explicit Socket(std::unique_ptr<StreamLayer> layer) noexcept : layer_(std::move(layer)) {}

    Socket(Socket&& other) noexcept { *this = std::move(other); }

    Socket& operator=(Socket&& other) noexcept;

    ~Socket() { close(); }

    int fd() const noexcept { return fd_; }

    bool open() const noexcept { return fd_ >= 0 || layer_ != nullptr; }

    explicit operator bool() const noexcept { return open(); }

    bool readable() const noexcept { return readable_; }

    bool writable() const noexcept { return writable_; }

    bool hup() const noexcept { return hup_; }  // RDHUP, HUP or ERR seen, or EOF read

    bool broken() const noexcept { return broken_; }  // HUP or ERR seen: both directions are gone

    bool registered() const noexcept { return registered_; }

    void setRegistered(bool registered = true) noexcept { registered_ = registered; }

    // For callers that learnt by other means (a peek) that nothing is there to read.
    void clearReadable() noexcept { readable_ = false; }

    void noteEvents(std::uint32_t epollEvents) noexcept;

    // Puts a layer on a socket nobody has read from or written to; null takes it off again.
    void setLayer(std::unique_ptr<StreamLayer> layer) noexcept;

    const StreamLayer* layer() const noexcept { return layer_.get(); }

    // Goes on with the layer's handshake; without a layer it is done. While it is pending, every
    // event is a reason to call again.
    Handshake handshake() noexcept { return layer_ ? layer_->handshake(*this) : Handshake::done; }

    // Clears readable() on EAGAIN, and on a short read unless a hang-up is pending behind it.
    IoResult recv(char* data, std::size_t size) noexcept;
    // Clear writable() on EAGAIN and on a short write. `size` > 0.
    IoResult send(const char* data, std::size_t size) noexcept;
    IoResult sendv(const iovec* parts, int count) noexcept;

    // Into a pipe, and out of it: as recv() and send(), of sockets without a layer. Less than
    // `size` does not mean that there is no more, or no more room: the pipe was full, or a signal
    // came. Only EAGAIN clears readable() and writable().
    IoResult spliceTo(int pipe, std::size_t size) noexcept;
    IoResult spliceFrom(int pipe, std::size_t size) noexcept;

    // Promises that nothing is sent behind the next send, whose bytes are all there are.
    void nextSendIsLast() noexcept {
        if (layer_)
            layer_->nextSendIsLast();
    }

    // As StreamLayer's; of a plain socket nothing.
    std::string_view trailers() const noexcept {
        return layer_ ? layer_->trailers() : std::string_view();
    }

    void endMessage(std::string_view trailers) noexcept {
        if (layer_)
            layer_->endMessage(trailers);
    }

    // In front of everything else and past the layer, on a socket that has just been connected: the
    // kernel takes it whole, or something is wrong.
    bool sendFirst(std::string_view bytes) noexcept;

    void shutdownWrite() noexcept;
    void close() noexcept;           // FIN (or RST by the kernel's rules)
    void closeWithReset() noexcept;  // RST, whatever is queued
    int pendingError() noexcept;     // SO_ERROR; clears it
    // Nothing should be there to read: true on EOF, error or unexpected bytes. When false,
    // readable() is cleared.
    bool peekClosed() noexcept;
    int release() noexcept;  // gives the descriptor away

private:
    friend class StreamLayer;
    IoResult wireRecv(char* data, std::size_t size) noexcept;
    IoResult wireSend(const char* data, std::size_t size) noexcept;
    void wireShutdownWrite() noexcept;
    // What a call came to; fewer bytes than `expected` say that the kernel has no more, or no room.
    IoResult received(ssize_t bytes, std::size_t expected) noexcept;
    IoResult sent(ssize_t bytes, std::size_t expected) noexcept;

    int fd_ = -1;
    bool readable_ : 1 = false;
    bool writable_ : 1 = false;
    bool hup_ : 1 = false;
    bool broken_ : 1 = false;
    bool registered_ : 1 = false;
    // The descriptor's own readiness; kept only while there is a layer.
    bool wireReadable_ : 1 = false;
    bool wireWritable_ : 1 = false;
    std::unique_ptr<StreamLayer> layer_;
};

}  // namespace evergate::net
