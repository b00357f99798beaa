// SPDX-License-Identifier: Apache-2.0
// RAII for what nghttp2 allocates. Its objects belong to one thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>

namespace evergate::http2 {

struct Nghttp2Deleter {
    void operator()(nghttp2_session* session) const noexcept { nghttp2_session_del(session); }

    void operator()(nghttp2_session_callbacks* callbacks) const noexcept {
        nghttp2_session_callbacks_del(callbacks);
    }

    void operator()(nghttp2_option* option) const noexcept { nghttp2_option_del(option); }
};

using SessionPtr = std::unique_ptr<nghttp2_session, Nghttp2Deleter>;
using CallbacksPtr = std::unique_ptr<nghttp2_session_callbacks, Nghttp2Deleter>;
using OptionPtr = std::unique_ptr<nghttp2_option, Nghttp2Deleter>;

// Null: no memory.
inline CallbacksPtr newCallbacks() noexcept {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    return CallbacksPtr(callbacks);
}

inline OptionPtr newOption() noexcept {
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    return OptionPtr(option);
}

}  // namespace evergate::http2
