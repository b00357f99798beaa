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
};

// What a route wants changed in a head, after everything the proxy does itself. The framing of the
// message is not open to it: such names never get here (model::isEditableHeader).
struct HeadEdits {
    const std::vector<std::string>* drop = nullptr;  // fields to leave out, ours too; lower case
    std::string_view add;                            // complete fields, each with its CRLF
    std::string_view more;                           // as `add`

    std::size_t size() const noexcept { return add.size() + more.size(); }
};

// Upper bound of what composeRequest/composeResponse write for this head, edits apart.
std::size_t composedSizeBound(const RequestHead& head, const ForwardedFacts& facts) noexcept;
std::size_t composedSizeBound(const ResponseHead& head) noexcept;

// Writes the request head for the upstream (HTTP/1.1, persistent) at `out`; returns its length. A
// null `edits`: none.
// X-Forwarded-For is appended to; -Proto, -Host and -Port of an untrusted client are replaced.
// X-Real-IP is the peer's address, whatever the client said. `Proxy` and proxy credentials are
// dropped. `Connection: Upgrade` + `Upgrade:` are written anew when the request asks for an
// upgrade; `Expect: 100-continue` is forwarded; TE: trailers is forwarded when the client sent it.
std::size_t composeRequest(const RequestHead& head, const ForwardedFacts& facts, char* out,
                           const HeadEdits* edits = nullptr) noexcept;

struct ResponseFacts {
    bool clientKeepAlive = true;          // else `Connection: close`
    std::uint8_t clientMinorVersion = 1;  // 1.0: no chunked; keep-alive is said explicitly
    Framing framing = Framing::none;      // to the client: length, chunked, untilClose or none
    bool upgrade = false;                 // a 101: Connection/Upgrade are forwarded
    std::string_view date;                // IMF-fixdate, used when the upstream sent none
    const HeadEdits* edits = nullptr;
};

// Writes the head for the client so that it ENDS at `end`; returns where it begins. The caller has
// composedSizeBound() bytes (and those of the edits) of headroom before `end`, so that head and
// body leave in one send. The bytes `head` points into may end exactly at `end` (the head as
// received, its body behind it) and are then overwritten: its views are dead afterwards; else they
// lie outside that headroom. `Server: evergate` is said when the upstream names none.
char* composeResponseBefore(const ResponseHead& head, const ResponseFacts& facts,
                            char* end) noexcept;

// A complete small response of our own (text/plain, Date, Content-Length; Connection: close if
// asked; Retry-After when given) at out: "503 no endpoint available\n". Returns its length; 0 when
// `capacity` is too small (512 always suffices) or the error is none.
struct ErrorReply {
    ProxyError error = ProxyError::none;
    bool close = false;
    bool headRequest = false;  // no body bytes
    std::uint32_t retryAfterSeconds = 0;
    std::string_view date;
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
};

std::string composeRedirect(const Redirect& redirect);

// "Sun, 06 Nov 1994 08:49:37 GMT" (29 bytes, RFC 9110 §5.6.7) for a UNIX time.
void writeHttpDate(std::int64_t unixSeconds, char (&out)[30]) noexcept;

}  // namespace evergate::http
