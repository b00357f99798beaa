// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/http2_engine.hpp"

#include <utility>

#include "dataplane/session/http2_stream.hpp"
#include "dataplane/session/session_context.hpp"

namespace evergate::session {
namespace {

constexpr std::size_t kMaxSpareTexts = 32;
constexpr std::size_t kMaxSpareStreams = 256;

}  // namespace

Http2Engine::~Http2Engine() = default;

Http2Engine& Http2Engine::of(SessionContext& context) {
    if (!context.http2)
        context.http2.reset(new Http2Engine());
    return *context.http2;
}

std::unique_ptr<http2::RequestText> Http2Engine::takeText() {
    if (spareTexts_.empty())
        return std::make_unique<http2::RequestText>();
    auto text = std::move(spareTexts_.back());
    spareTexts_.pop_back();
    return text;
}

void Http2Engine::giveBack(std::unique_ptr<http2::RequestText> text) {
    if (text && spareTexts_.size() < kMaxSpareTexts)
        spareTexts_.push_back(std::move(text));
}

std::unique_ptr<Http2Stream> Http2Engine::takeStream(SessionContext& context) {
    if (spareStreams_.empty())
        return std::make_unique<Http2Stream>(context);
    auto stream = std::move(spareStreams_.back());
    spareStreams_.pop_back();
    return stream;
}

void Http2Engine::giveBack(std::unique_ptr<Http2Stream> stream) {
    if (spareStreams_.size() < kMaxSpareStreams)
        spareStreams_.push_back(std::move(stream));
}

}  // namespace evergate::session
