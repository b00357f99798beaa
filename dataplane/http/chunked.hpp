// SPDX-License-Identifier: Apache-2.0
// Incremental, strict decoder of the chunked transfer coding (RFC 9112 §7.1). Sans-I/O.
//
// Extensions are checked by their grammar and dropped, not forwarded; a body that is mostly size
// lines and extensions is refused. Trailer fields are collected (bounded) and checked like header
// fields; those that must not be in a trailer (RFC 9110 §6.5.1: framing, routing, auth...) are
// dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/model/values.hpp"

namespace evergate::http {

class ChunkedDecoder {
public:
    enum class State : std::uint8_t {
        size,
        extension,
        sizeLf,
        data,
        dataCr,
        dataLf,
        trailer,
        done,
        failed
    };

    struct Step {
        std::size_t consumed = 0;  // bytes of the input used up
        std::string_view data;     // body bytes found, a part of the input; may be empty
    };

    // Uses up some of `input`; call until consumed == input.size(), done() or failed(). Each step
    // yields at most one run of data. Nothing is used up after done(): what follows is the next
    // message.
    Step next(std::string_view input) noexcept;

    bool done() const noexcept { return state_ == State::done; }

    bool failed() const noexcept { return state_ == State::failed; }

    const char* detail() const noexcept { return detail_; }

    // Canonical trailer section, "Name: value\r\n" per field, without the final empty line.
    // Complete when done().
    const std::string& trailers() const noexcept { return trailers_; }

    void reset() noexcept;

    // After reset(): what becomes of trailer fields with '_' in their name.
    void restrictNames(model::HeaderUnderscores rule) noexcept { underscores_ = rule; }

private:
    // Where in chunk-ext a byte is (RFC 9112 §7.1.1).
    enum class Extension : std::uint8_t {
        due,        // whitespace after the size: ';' must follow
        nameStart,  // behind ';'
        name,
        nameEnd,     // whitespace after it
        valueStart,  // behind '='
        value,
        quoted,
        escaped,
        quotedEnd,
        valueEnd,  // whitespace after it
    };

    bool takeFraming(char c) noexcept;
    bool takeSize(char c) noexcept;
    bool takeExtension(char c) noexcept;
    bool takeExtensionName(char c) noexcept;
    bool takeExtensionValue(char c) noexcept;
    bool enter(Extension next) noexcept;
    bool endSizeLine() noexcept;
    std::size_t takeTrailer(std::string_view input) noexcept;
    bool endTrailerLine() noexcept;
    bool fail(const char* detail) noexcept;

    State state_ = State::size;
    std::uint64_t remaining_ = 0;
    std::uint32_t lineBytes_ = 0;  // of the size line or trailer section: bounded
    bool sawDigit_ = false;
    Extension extension_ = Extension::due;
    model::HeaderUnderscores underscores_ = model::HeaderUnderscores::allow;
    std::uint32_t overhead_ = 0;  // framing beyond what the data excuses
    const char* detail_ = "";
    std::string line_;  // the trailer line being collected
    std::string trailers_;
};

// "1a2b\r\n" into out (needs 18 bytes); returns the length.
std::size_t writeChunkHeader(std::uint64_t size, char* out) noexcept;

}  // namespace evergate::http
