// SPDX-License-Identifier: Apache-2.0
// What all HTTP/2 client connections of one worker share: objects kept for reuse. One worker
// thread.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/http/head.hpp"
#include "dataplane/http2/request_text.hpp"
#include "dataplane/http2/response_fields.hpp"
#include "dataplane/http2/stream_pool.hpp"

namespace evergate::session {

struct SessionContext;
class Http2Stream;

class Http2Engine {
public:
    ~Http2Engine();

    static Http2Engine& of(SessionContext& context);  // the worker's

    // Reused by every response; their views die with the bytes they were made from.
    http::ResponseHead responseHead;
    http2::ResponseFields fields;
    http2::StreamPool streams;  // of their multiplexers

    std::unique_ptr<http2::RequestText> takeText();
    void giveBack(std::unique_ptr<http2::RequestText> text);
    std::unique_ptr<Http2Stream> takeStream(SessionContext& context);
    void giveBack(std::unique_ptr<Http2Stream> stream);

private:
    Http2Engine() = default;

    std::vector<std::unique_ptr<http2::RequestText>> spareTexts_;
    std::vector<std::unique_ptr<Http2Stream>> spareStreams_;
};

}  // namespace evergate::session
