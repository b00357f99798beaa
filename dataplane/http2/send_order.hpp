// SPDX-License-Identifier: Apache-2.0
// Which stream's body is sent next (RFC 9218 §10): by urgency; of the same urgency those that are
// not incremental come first, one after the other as they were asked for, then the incremental ones
// in turn. Whoever has nothing to send any more is unlinked. Pure; owns no stream.
#pragma once

#include <boost/intrusive/list.hpp>

#include "dataplane/http2/stream.hpp"

namespace evergate::http2 {

using StreamList = boost::intrusive::list<Stream, boost::intrusive::constant_time_size<false>>;

class SendOrder {
public:
    bool empty() const noexcept { return streams_.empty(); }

    Stream& front() noexcept { return streams_.front(); }

    // It has something to send.
    void add(Stream& stream) noexcept {
        auto at = streams_.end();
        while (at != streams_.begin() && goesBefore(stream, *std::prev(at)))
            --at;
        streams_.insert(at, stream);
    }

    // It has had a frame, and has more.
    void next(Stream& stream) noexcept {
        if (!stream.priority.incremental)
            return;
        stream.unlink();
        add(stream);
    }

private:
    static bool goesBefore(const Stream& stream, const Stream& other) noexcept {
        const auto rank = stream.priority.rank();
        const auto others = other.priority.rank();
        return rank < others ||
               (rank == others && !stream.priority.incremental && stream.id < other.id);
    }

    StreamList streams_;
};

}  // namespace evergate::http2
