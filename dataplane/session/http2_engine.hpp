// SPDX-License-Identifier: Apache-2.0
// What all HTTP/2 client connections of one worker share: nghttp2's callbacks and options, and
// objects kept for reuse. One worker thread.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/http/head.hpp"
#include "dataplane/http2/frame_memory.hpp"
#include "dataplane/http2/nghttp2_ptr.hpp"
#include "dataplane/http2/request_text.hpp"
#include "dataplane/http2/response_fields.hpp"

namespace evergate::session {

struct SessionContext;
class Http2Session;
class Http2Stream;

class Http2Engine {
public:
    ~Http2Engine();

    // The worker's. Null: no memory.
    static Http2Engine* of(SessionContext& context);

    http2::FrameMemory::Made newSession(Http2Session& session) {
        return memory_.newServer(callbacks_.get(), &session, options_.get());
    }

    // Reused by every response; their views die with the bytes they were made from.
    http::ResponseHead responseHead;
    http2::ResponseFields fields;

    std::unique_ptr<http2::RequestText> takeText();
    void giveBack(std::unique_ptr<http2::RequestText> text);
    std::unique_ptr<Http2Stream> takeStream(SessionContext& context);
    void giveBack(std::unique_ptr<Http2Stream> stream);

private:
    Http2Engine() = default;
    bool prepare();

    http2::FrameMemory memory_;
    http2::CallbacksPtr callbacks_;
    http2::OptionPtr options_;
    std::vector<std::unique_ptr<http2::RequestText>> spareTexts_;
    std::vector<std::unique_ptr<Http2Stream>> spareStreams_;
};

}  // namespace evergate::session
