// SPDX-License-Identifier: Apache-2.0
#include "dataplane/session/http2_engine.hpp"

#include <cstdint>
#include <utility>

#include "dataplane/session/http2_frames.hpp"
#include "dataplane/session/http2_stream.hpp"
#include "dataplane/session/session_context.hpp"

namespace evergate::session {
namespace {

constexpr std::uint64_t kUnlimited = UINT64_MAX;
constexpr std::size_t kMaxSpareTexts = 32;
constexpr std::size_t kMaxSpareStreams = 256;

}  // namespace

Http2Engine::~Http2Engine() = default;

Http2Engine* Http2Engine::of(SessionContext& context) {
    if (!context.http2) {
        std::unique_ptr<Http2Engine> engine(new Http2Engine());
        if (!engine->prepare())
            return nullptr;
        context.http2 = std::move(engine);
    }
    return context.http2.get();
}

bool Http2Engine::prepare() {
    callbacks_ = http2::newCallbacks();
    options_ = http2::newOption();
    if (!callbacks_ || !options_)
        return false;
    Http2Frames::setCallbacks(callbacks_.get());
    // The windows open as the exchanges read.
    nghttp2_option_set_no_auto_window_update(options_.get(), 1);
    nghttp2_option_set_no_closed_streams(options_.get(), 1);
    // FloodGuard judges who cancels much, and counts it; the library's own bound would end
    // connections of clients that cancel 34 of many requests a second.
    nghttp2_option_set_stream_reset_rate_limit(options_.get(), kUnlimited, kUnlimited);
    nghttp2_option_set_builtin_recv_extension_type(options_.get(), NGHTTP2_PRIORITY_UPDATE);
    return true;
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
