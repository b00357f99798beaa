// SPDX-License-Identifier: Apache-2.0
// What a Multiplexer knows of one stream (RFC 9113 §5). Kept by it from the first frame until both
// sides are done, or one of them reset it; reused by those that come later.
#pragma once

#include <boost/intrusive/list_hook.hpp>
#include <cstdint>

#include "dataplane/http2/priority.hpp"
#include "dataplane/http2/protocol.hpp"

namespace evergate::http2 {

struct Stream
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    void* user = nullptr;  // the handler's; null: nobody is interested any more

    std::uint32_t id = 0;
    std::int32_t consumed = 0;       // of the receive window, not announced to the peer yet
    std::int64_t sendWindow = 0;     // what the peer lets us send; may be negative (§6.9.2)
    std::int64_t receiveWindow = 0;  // what we let it send
    std::uint64_t bodyLeft = 0;      // of what it announced: then hasLength
    ErrorCode error{};               // of the reset
    Priority priority;
    bool hasLength : 1 = false;
    bool remoteEnded : 1 = false;  // END_STREAM came
    bool localEnded : 1 = false;   // END_STREAM left
    bool hasBody : 1 = false;      // ours: the handler is asked for it
    bool waiting : 1 = false;      // it has none to send now, until resume()
    bool updated : 1 = false;      // its priority, by PRIORITY_UPDATE
    bool endQueued : 1 = false;    // END_STREAM is on its way
    bool reset : 1 = false;        // by us; nothing more is heard or said

    // The peer said how long its body will be. What comes is held to it.
    void expect(std::uint64_t length) noexcept {
        bodyLeft = length;
        hasLength = true;
    }
};

}  // namespace evergate::http2
