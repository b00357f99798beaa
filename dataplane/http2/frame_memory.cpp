// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http2/frame_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace evergate::http2 {

FrameMemory::FrameMemory() {
    memory_.mem_user_data = this;
    memory_.malloc = [](std::size_t size, void* self) { return of(self).pieces_.take(size); };
    memory_.calloc = [](std::size_t count, std::size_t size, void* self) {
        return of(self).allocateZeros(count, size);
    };
    memory_.realloc = [](void* piece, std::size_t size, void* self) {
        return of(self).reallocate(piece, size);
    };
    memory_.free = [](void* piece, void* self) { of(self).release(piece); };
}

FrameMemory::~FrameMemory() {
    for (std::byte* const run : runs_)
        ::munmap(run, kPagesAtOnce * kPage);
}

FrameMemory::Made FrameMemory::newServer(const nghttp2_session_callbacks* callbacks, void* user,
                                         const nghttp2_option* option) {
    nghttp2_session* session = nullptr;
    making_ = true;
    page_ = nullptr;
    const int error = nghttp2_session_server_new3(&session, callbacks, user, option, &memory_);
    making_ = false;
    return {SessionPtr(error == 0 ? session : nullptr), page_};
}

void FrameMemory::rest(void* page) noexcept {
    static constexpr std::array<std::byte, kPage> kZeros{};
    if (page != nullptr && std::memcmp(page, kZeros.data(), kPage) == 0)
        ::madvise(page, kPage, MADV_DONTNEED);
}

// Only the table of streams is that large; what is needed while a session is made comes first.
void* FrameMemory::allocateZeros(std::size_t count, std::size_t size) noexcept {
    if (!making_ || page_ != nullptr || count * size != kPage)
        return pieces_.takeZeroed(count, size);
    page_ = takePage();
    return page_ != nullptr ? page_ : pieces_.takeZeroed(count, size);
}

void* FrameMemory::takePage() noexcept {
    if (freePages_.empty()) {
        void* const run = ::mmap(nullptr, kPagesAtOnce * kPage, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (run == MAP_FAILED)
            return nullptr;
        runs_.push_back(static_cast<std::byte*>(run));
        freePages_.reserve(runs_.size() * kPagesAtOnce);  // release() needs no memory
        for (std::size_t i = kPagesAtOnce; i-- != 0;)
            freePages_.push_back(runs_.back() + i * kPage);
    }
    void* const page = freePages_.back();
    freePages_.pop_back();
    return page;
}

bool FrameMemory::isPage(const void* piece) const noexcept {
    if (reinterpret_cast<std::uintptr_t>(piece) % kPage != 0)
        return false;
    return std::any_of(runs_.begin(), runs_.end(), [&](const std::byte* run) {
        return piece >= run && piece < run + kPagesAtOnce * kPage;
    });
}

// The one piece of that size a new session asks for.
void* FrameMemory::reallocate(void* piece, std::size_t size) noexcept {
    if (piece == nullptr && making_ && size >= kFrame && size <= kShared) {
        making_ = false;
        return shared_.data();
    }
    // nghttp2 makes neither of them larger.
    if (piece == shared_.data() || isPage(piece))
        return nullptr;
    return pieces_.resize(piece, size);
}

void FrameMemory::release(void* piece) noexcept {
    if (piece == shared_.data() || piece == nullptr)
        return;
    if (!isPage(piece))
        return pieces_.giveBack(piece);
    ::madvise(piece, kPage, MADV_DONTNEED);
    freePages_.push_back(piece);
}

}  // namespace evergate::http2
