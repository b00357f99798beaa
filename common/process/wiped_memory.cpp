// SPDX-License-Identifier: Apache-2.0
// Memory is zeroed when it is given back, in every program that links this folder: private keys
// come as JSON, in frames, as base64 and as PEM, and pass through strings of many libraries, so
// whoever would wipe them one by one would miss some. The same as the kernel's init_on_free.
//
// OpenSSL, which decodes keys, gets the same; its buffers of records apart, which are larger.
//
// Not for what never holds one and is large or in a hurry: net::BufferPool and http2::PieceMemory
// use malloc. Sanitizers have a heap of their own.
#include <malloc.h>
#include <openssl/crypto.h>
#include <string.h>

#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define EVERGATE_SANITIZER_HEAP
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EVERGATE_SANITIZER_HEAP
#endif

#ifndef EVERGATE_SANITIZER_HEAP

namespace {

void* take(std::size_t size) {
    for (;;) {
        if (void* const memory = std::malloc(size == 0 ? 1 : size))
            return memory;
        const std::new_handler handler = std::get_new_handler();
        if (handler == nullptr)
            throw std::bad_alloc();
        handler();
    }
}

void* takeAligned(std::size_t size, std::size_t alignment) {
    // aligned_alloc wants a multiple of the alignment.
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    if (void* const memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded))
        return memory;
    throw std::bad_alloc();
}

void giveBack(void* memory, std::size_t size) noexcept {
    if (memory != nullptr)
        ::explicit_bzero(memory, size);
    std::free(memory);
}

void giveBack(void* memory) noexcept {
    giveBack(memory, ::malloc_usable_size(memory));  // 0 of null
}

// Larger than a key of 8192 bits in any form, less than a record.
constexpr std::size_t kOpensslPiece = 16 * 1024;

void* opensslTake(std::size_t size, const char*, int) {
    return std::malloc(size);
}

void opensslGiveBack(void* memory, const char*, int) {
    const std::size_t size = ::malloc_usable_size(memory);
    giveBack(memory, size < kOpensslPiece ? size : 0);
}

void* opensslResize(void* memory, std::size_t size, const char* file, int line) {
    const std::size_t before = ::malloc_usable_size(memory);
    if (size != 0 && size <= before)
        return memory;
    void* const other = size == 0 ? nullptr : std::malloc(size);
    if (other == nullptr && size != 0)
        return nullptr;
    if (other != nullptr && memory != nullptr)
        ::memcpy(other, memory, before);
    opensslGiveBack(memory, file, line);
    return other;
}

// Before OpenSSL allocates anything, which static objects of libraries may ask for.
__attribute__((constructor(101))) void wipeForOpenssl() {
    CRYPTO_set_mem_functions(opensslTake, opensslResize, opensslGiveBack);
}

}  // namespace

void* operator new(std::size_t size) {
    return take(size);
}

void* operator new[](std::size_t size) {
    return take(size);
}

void* operator new(std::size_t size, std::align_val_t alignment) {
    return takeAligned(size, static_cast<std::size_t>(alignment));
}

void* operator new[](std::size_t size, std::align_val_t alignment) {
    return takeAligned(size, static_cast<std::size_t>(alignment));
}

void operator delete(void* memory) noexcept {
    giveBack(memory);
}

void operator delete[](void* memory) noexcept {
    giveBack(memory);
}

void operator delete(void* memory, std::size_t size) noexcept {
    giveBack(memory, size);
}

void operator delete[](void* memory, std::size_t size) noexcept {
    giveBack(memory, size);
}

void operator delete(void* memory, std::align_val_t) noexcept {
    giveBack(memory);
}

void operator delete[](void* memory, std::align_val_t) noexcept {
    giveBack(memory);
}

void operator delete(void* memory, std::size_t size, std::align_val_t) noexcept {
    giveBack(memory, size);
}

void operator delete[](void* memory, std::size_t size, std::align_val_t) noexcept {
    giveBack(memory, size);
}

#endif
