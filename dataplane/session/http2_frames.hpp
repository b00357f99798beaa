// SPDX-License-Identifier: Apache-2.0
// nghttp2's callbacks into Http2Session. They may submit frames and start exchanges, but neither
// close the connection nor run nghttp2 again.
#pragma once

#include <nghttp2/nghttp2.h>

namespace evergate::session {

struct Http2Frames {
    static void setCallbacks(nghttp2_session_callbacks* callbacks) noexcept;
};

}  // namespace evergate::session
