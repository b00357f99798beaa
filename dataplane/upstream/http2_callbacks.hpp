// SPDX-License-Identifier: Apache-2.0
// What nghttp2 tells an Http2Connection, passed on to the stream it is about.
//
// From in here no user is called: nghttp2 is not to be entered again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/http2/nghttp2_ptr.hpp"

namespace evergate::upstream {

struct Http2Callbacks {
    static http2::CallbacksPtr make();  // null: no memory
    static http2::OptionPtr makeOptions();

    static ssize_t onRead(nghttp2_session* session, std::int32_t id, std::uint8_t* out,
                          std::size_t room, std::uint32_t* flags, nghttp2_data_source*, void*);

private:
    static int onBeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void*);
    static int onHeader(nghttp2_session* session, const nghttp2_frame* frame,
                        const std::uint8_t* name, std::size_t nameSize, const std::uint8_t* value,
                        std::size_t valueSize, std::uint8_t, void*);
    static int onInvalidHeader(nghttp2_session* session, const nghttp2_frame* frame,
                               const std::uint8_t*, std::size_t, const std::uint8_t*, std::size_t,
                               std::uint8_t, void*);
    static int onFrame(nghttp2_session* session, const nghttp2_frame* frame, void* user);
    static int onInvalidFrame(nghttp2_session* session, const nghttp2_frame* frame, int, void*);
    static int onData(nghttp2_session* session, std::uint8_t, std::int32_t id,
                      const std::uint8_t* data, std::size_t size, void*);
    static int onSent(nghttp2_session* session, const nghttp2_frame* frame, void*);
    static int onNotSent(nghttp2_session* session, const nghttp2_frame* frame, int, void*);
    static int onClosed(nghttp2_session* session, std::int32_t id, std::uint32_t errorCode, void*);
};

}  // namespace evergate::upstream
