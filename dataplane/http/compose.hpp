// SPDX-License-Identifier: Apache-2.0
// Builds the heads that leave the proxy. Framing fields are written anew from what was parsed,
// never copied; hop-by-hop fields are dropped (RFC 9110 §7.6.1); everything else keeps its order
// and spelling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/http/head.hpp"

namespace evergate::http {

struct ForwardedFacts {
    std::string_view clientAddress;  // IP literal of the peer: appended to X-Forwarded-For
    std::string_view scheme;         // "http" or "https": X-Forwarded-Proto
    std::uint16_t port = 0;          // local port: X-Forwarded-Port
    // X-Real-IP, when the peer is a trusted proxy and the client another one; empty: the peer's.
    std::string_view realAddress{};
    bool trusted = false;    // the peer's X-Forwarded-Proto, -Host and -Port are believed
    std::string_view via{};  // our name in Via (RFC 9110 §7.6.3); empty: none is added
};

// What a route wants changed in a head, after everything the proxy does itself. The framing of the
// message is not open to it: such names never get here (model::isEditableHeader).
struct HeadEdits {
    const std::vector<std::string>* drop = nullptr;  // fields to leave out, ours too; lower case
    std::string_view add;                            // complete fields, each with its CRLF
    std::string_view more;                           // as `add`
    bool dropIdentity = false;  // what a client says itself about its certificate

    std::size_t size() const noexcept { return add.size() + more.size(); }
};

// Upper bound of what composeRequest/composeResponse write for this head, edits apart (for a
// response also apart from names: ResponseFacts::added()).
std::size_t composedSizeBound(const RequestHead& head, const ForwardedFacts& facts) noexcept;
std::size_t composedSizeBound(const ResponseHead& head) noexcept;

// Writes the request head for the upstream (HTTP/1.1, persistent) at `out`; returns its length. A
// null `edits`: none.
// X-Forwarded-For is appended to; -Proto, -Host and -Port of an untrusted client are replaced,
// those of a trusted proxy stay. X-Real-IP is the client's address, whatever it said itself.
// `Proxy` and proxy credentials are dropped. `Connection: Upgrade` + `Upgrade:` are written anew
// when the request asks for an upgrade; `Expect: 100-continue` is forwarded; TE: trailers is
// forwarded when the client sent it.
// Max-Forwards of TRACE and OPTIONS loses one (RFC 9110 §7.6.2).
std::size_t composeRequest(const RequestHead& head, const ForwardedFacts& facts, char* out,
                           const HeadEdits* edits = nullptr) noexcept;

inline constexpr std::size_t kMaxServerName = 4'096;  // model::isHeaderValue()

struct ResponseFacts {
    bool clientKeepAlive = true;          // else `Connection: close`
    std::uint8_t clientMinorVersion = 1;  // 1.0: no chunked; keep-alive is said explicitly
    Framing framing = Framing::none;      // to the client: length, chunked, untilClose or none
    bool upgrade = false;                 // a 101: Connection/Upgrade are forwarded
    std::string_view date;                // IMF-fixdate, used when the upstream sent none
    const HeadEdits* edits = nullptr;
    std::string_view via = {};     // as ForwardedFacts::via
    std::string_view server = {};  // Server of a final response that has none; empty: none is added

    // What names and edits add to composedSizeBound().
    std::size_t added() const noexcept {
        return via.size() + server.size() + (edits == nullptr ? 0 : edits->size());
    }
};

// Writes the head for the client so that it ENDS at `end`; returns where it begins. The caller has
// composedSizeBound() bytes (and facts.added()) of headroom before `end`, so that head and body
// leave in one send. The bytes `head` points into may end exactly at `end` (the head as
// received, its body behind it) and are then overwritten: its views are dead afterwards; else they
// lie outside that headroom. A final response without Date gets one: who forwards it must record
// when it came (RFC 9110 §6.6.1).
char* composeResponseBefore(const ResponseHead& head, const ResponseFacts& facts,
                            char* end) noexcept;

// Whether a 101 says which protocols are spoken from here on, and all were `asked` for (the Upgrade
// of the request, RFC 9110 §7.8).
bool isUpgradeAmong(const ResponseHead& head, std::string_view asked) noexcept;

// A complete small response of our own (text/plain, Date, Content-Length; Connection: close if
// asked; Retry-After when given) at out: "503 no endpoint available\n". Returns its length; 0 when
// `capacity` is too small (512 and the server's name always suffice) or the error is none.
struct ErrorReply {
    ProxyError error = ProxyError::none;
    bool close = false;
    bool headRequest = false;  // no body bytes
    std::uint32_t retryAfterSeconds = 0;
    std::string_view date;
    std::string_view server = {};  // empty: none is said
};

std::size_t composeErrorReply(const ErrorReply& reply, char* out, std::size_t capacity) noexcept;

// 308 to https://<host>[:port]<target> (RFC 9110 §15.4.9): the method and body stay. `host` is
// without port. Empty when the host is no plain name or address, since it would be
// sent to the client as it is, and for the target "*".
struct Redirect {
    std::string_view host;
    std::uint16_t port = 443;
    std::string_view target;
    bool close = false;
    std::string_view date;
    std::string_view server = {};
};

std::string composeRedirect(const Redirect& redirect);

// 200 to an OPTIONS that may go no further (RFC 9110 §9.3.7): nothing is promised for the
// endpoints.
std::string composeOptionsReply(bool close, std::string_view date, std::string_view server);

// "Sun, 06 Nov 1994 08:49:37 GMT" (29 bytes, RFC 9110 §5.6.7) for a UNIX time.
void writeHttpDate(std::int64_t unixSeconds, char (&out)[30]) noexcept;

}  // namespace evergate::http
