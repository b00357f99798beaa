// SPDX-License-Identifier: Apache-2.0
// Memory for nghttp2 sessions that takes little of it while they are idle.
//
// A session composes a frame of up to 16 KiB in a buffer of its own, allocated when it is made and
// in use only between composing and sending. nghttp2_session_mem_send() gives a piece out as soon
// as it is composed, so all sessions share one under two conditions: what it gives out is copied
// before any session sends again, and the header of a DATA frame that had to wait
// (nghttp2_send_data_callback) is made anew, not read from there. A header block that needs more
// gets more, of its own. The table of streams is a page of its own: without streams it is zeros,
// and such a page can be given back at any time, for the kernel makes another one like it. One
// thread; outlives its sessions.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>
#include <vector>

#include "dataplane/http2/nghttp2_ptr.hpp"
#include "dataplane/http2/piece_memory.hpp"

namespace evergate::http2 {

class FrameMemory {
public:
    FrameMemory();
    ~FrameMemory();
    FrameMemory(const FrameMemory&) = delete;
    FrameMemory& operator=(const FrameMemory&) = delete;

    struct Made {
        SessionPtr session;    // null: no memory
        void* page = nullptr;  // for rest()
    };

    Made newServer(const nghttp2_session_callbacks* callbacks, void* user,
                   const nghttp2_option* option);

    // Gives the memory of a page of ours back if it is zeros. Null is none.
    static void rest(void* page) noexcept;

private:
    static constexpr std::size_t kFrame = 16 * 1024;
    static constexpr std::size_t kShared = kFrame + 1024;
    static constexpr std::size_t kPage = 4096;
    static constexpr std::size_t kPagesAtOnce = 64;

    static FrameMemory& of(void* self) noexcept { return *static_cast<FrameMemory*>(self); }

    void* allocateZeros(std::size_t count, std::size_t size) noexcept;
    void* reallocate(void* piece, std::size_t size) noexcept;
    void release(void* piece) noexcept;
    void* takePage() noexcept;
    bool isPage(const void* piece) const noexcept;

    nghttp2_mem memory_;
    PieceMemory pieces_;            // all others
    std::vector<std::byte*> runs_;  // of kPagesAtOnce pages each
    std::vector<void*> freePages_;  // zeros
    void* page_ = nullptr;          // of the session that is made
    bool making_ = false;           // a session, which has not asked for its buffer yet
    alignas(std::max_align_t) std::array<std::byte, kShared> shared_;
};

}  // namespace evergate::http2
