// SPDX-License-Identifier: Apache-2.0
// What may sit between a Socket's users and its descriptor: TLS, behind an interface that knows no
// TLS.
//
// Owned by its Socket, which passes every call on. The layer keeps the promises of the Socket: its
// users see readable() while bytes are held inside the layer, and a short send leaves writable()
// false. Bytes are reported as sent only when the kernel has them, so that whoever has sent
// everything may close; a caller that was told less sends the rest again, from where it was told.
// One thread.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/net/io_result.hpp"

namespace evergate::net {

class Socket;

enum class Handshake : std::uint8_t { done, pending, failed };

enum class HandshakeFailure : std::uint8_t {
    none,
    closed,         // the peer closed or reset
    plainHttp,      // it speaks HTTP without TLS
    version,        // no common version, or no TLS at all
    parameters,     // no common cipher, group or signature
    alpn,           // no common application protocol
    alert,          // it refused: it does not trust our certificate, say
    verification,   // we do not trust its certificate, or it is for another name
    noCertificate,  // it shows none, and has to
    protocol,       // anything else against the rules
    timeout,        // set by whoever keeps the deadline
    rateLimited,    // more of them than we take in a second
    count_,
};

std::string_view name(HandshakeFailure failure) noexcept;

// For logs and counters. Views live as long as the layer.
struct StreamFacts {
    std::string_view version;     // "TLSv1.3"
    std::string_view cipher;      // "TLS_AES_128_GCM_SHA256"
    std::string_view serverName;  // SNI, as the client sent it
    std::string_view protocol;    // agreed on by ALPN: "h2"; empty: none was
    bool resumed = false;
    HandshakeFailure failure = HandshakeFailure::none;
    std::string_view untrusted;  // verification: "certificate has expired", in OpenSSL's words
};

// Who the peer is, by a certificate that was verified in the handshake. All of it is printable
// ASCII; empty: the certificate does not say, or not so that it could be told.
struct PeerIdentity {
    std::array<unsigned char, 32> rules{};  // names those it was verified by
    std::string subject;                    // RFC 4514
    std::string issuer;
    std::string serial;       // hex
    std::string fingerprint;  // SHA-256, hex
};

class StreamLayer {
public:
    StreamLayer() = default;
    StreamLayer(const StreamLayer&) = delete;
    StreamLayer& operator=(const StreamLayer&) = delete;
    virtual ~StreamLayer() = default;

    virtual Handshake handshake(Socket& socket) noexcept = 0;
    virtual IoResult recv(Socket& socket, char* data, std::size_t size) noexcept = 0;
    virtual IoResult sendv(Socket& socket, const iovec* parts, int count) noexcept = 0;
    virtual void onWritable(Socket& socket) noexcept = 0;  // the descriptor takes bytes again

    // The end may be said together with the bytes of the next send, all of them.
    virtual void nextSendIsLast() noexcept {}

    virtual void shutdownWrite(Socket& socket) noexcept = 0;  // says so to the peer, then FIN
    virtual void closing(Socket& socket) noexcept = 0;        // the descriptor is closed next
    virtual bool peekClosed(Socket& socket) noexcept = 0;
    virtual StreamFacts facts() const noexcept = 0;

    // How many bytes to give it at a time, so that those it cannot pass on yet stay where they come
    // from. Asked of layers without a descriptor only.
    virtual std::size_t room() const noexcept { return SIZE_MAX; }

    // Of layers that carry one message each way, for whose bodies no framing is needed (a stream of
    // HTTP/2). The fields behind the body that recv() has come to the end of, "Name: value\r\n"
    // each; lives until the layer is told to close. And: what was sent is all of the body.
    virtual std::string_view trailers() const noexcept { return {}; }

    virtual void endMessage(std::string_view /*trailers*/) noexcept {}

    // Null: nobody was verified. Lives as long as the layer.
    virtual const PeerIdentity* verifiedPeer() const noexcept { return nullptr; }

protected:
    // The descriptor itself and its readiness.
    static bool wireReadable(const Socket& socket) noexcept;
    static bool wireWritable(const Socket& socket) noexcept;
    static bool wireEnded(const Socket& socket) noexcept;
    static IoResult wireRecv(Socket& socket, char* data, std::size_t size) noexcept;
    static IoResult wireSend(Socket& socket, const char* data, std::size_t size) noexcept;
    static void wireShutdownWrite(Socket& socket) noexcept;
    // What the Socket's users see.
    static void setReadable(Socket& socket, bool readable) noexcept;
    static void setWritable(Socket& socket, bool writable) noexcept;
    // The peer sends no more, or (broken) both directions are gone: there is an end to be read.
    static void setEnded(Socket& socket, bool broken) noexcept;
};

}  // namespace evergate::net
