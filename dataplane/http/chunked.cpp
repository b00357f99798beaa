// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/chunked.hpp"

#include <algorithm>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/head_reader.hpp"
#include "dataplane/http/header_names.hpp"

namespace evergate::http {

namespace {

constexpr std::uint32_t kMaxSizeLineBytes = 1'024;
constexpr std::uint32_t kMaxTrailerBytes = 8'192;
// Of size lines and extensions, beyond 16 bytes per chunk and twice its data: a peer that sends
// little else makes us work for nothing.
constexpr std::uint32_t kMaxOverhead = 16'384;
constexpr std::uint64_t kMaxChunkBytes = (1ULL << 63) - 1;  // sums of sizes stay away from overflow

}  // namespace

bool ChunkedDecoder::fail(const char* detail) noexcept {
    state_ = State::failed;
    detail_ = detail;
    return false;
}

void ChunkedDecoder::reset() noexcept {
    state_ = State::size;
    remaining_ = 0;
    lineBytes_ = 0;
    sawDigit_ = false;
    underscores_ = model::HeaderUnderscores::allow;
    overhead_ = 0;
    detail_ = "";
    line_.clear();
    trailers_.clear();
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view input) noexcept {
    std::size_t at = 0;
    while (at < input.size() && state_ != State::done && state_ != State::failed) {
        if (state_ == State::data) {
            const std::size_t run =
                static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size() - at));
            remaining_ -= run;
            if (remaining_ == 0) {
                state_ = State::dataCr;  // data => dataCr: the chunk is complete
            }
            return {at + run, input.substr(at, run)};
        }
        if (state_ == State::trailer) {
            at += takeTrailer(input.substr(at));
        } else {
            takeFraming(input[at]);
            ++at;
        }
    }
    return {at, {}};
}

// One byte of what stands around the data.
bool ChunkedDecoder::takeFraming(char c) noexcept {
    switch (state_) {
        case State::size:
            return takeSize(c);
        case State::extension:
            return takeExtension(c);
        case State::sizeLf:
            return c == '\n' ? endSizeLine() : fail("bare CR in chunk size line");
        case State::dataCr:
            if (c != '\r') {
                return fail("chunk data longer than its size");
            }
            state_ = State::dataLf;
            return true;
        case State::dataLf:
            if (c != '\n') {
                return fail("bare CR after chunk data");
            }
            state_ = State::size;
            return true;
        default:
            return false;
    }
}

bool ChunkedDecoder::takeSize(char c) noexcept {
    if (is(c, kHexDigit)) [[likely]] {
        if (++lineBytes_ > 16 || remaining_ > kMaxChunkBytes >> 4) {
            return fail("chunk size too large");
        }
        remaining_ = remaining_ << 4 | hexValue(c);
        sawDigit_ = true;
        return true;
    }
    if (!sawDigit_) {
        return fail("chunk size without digits");
    }
    if (c == '\r') {
        state_ = State::sizeLf;
    } else if (c == ';' || isOws(c)) {
        state_ = State::extension;
        extension_ = c == ';' ? Extension::nameStart : Extension::due;
    } else {
        return fail("bad chunk size");
    }
    return true;
}

bool ChunkedDecoder::enter(Extension next) noexcept {
    extension_ = next;
    return true;
}

// What extensions say means nothing to us, but one that another parser may read differently is
// refused: a quoted line end must not be taken for one, nor the other way round.
bool ChunkedDecoder::takeExtension(char c) noexcept {
    if (++lineBytes_ > kMaxSizeLineBytes) {
        return fail("chunk extension too long");
    }
    switch (extension_) {
        case Extension::name:
        case Extension::value:
        case Extension::quotedEnd:
            if (c == '\r') {
                state_ = State::sizeLf;
                return true;
            }
            break;
        case Extension::due:
            return isOws(c) || (c == ';' && enter(Extension::nameStart)) ||
                   fail("whitespace after chunk size");
        default:
            break;
    }
    return extension_ <= Extension::nameEnd ? takeExtensionName(c) : takeExtensionValue(c);
}

bool ChunkedDecoder::takeExtensionName(char c) noexcept {
    if (extension_ != Extension::nameEnd && is(c, kTokenChar)) {
        return enter(Extension::name);
    }
    if (isOws(c)) {
        return extension_ == Extension::name ? enter(Extension::nameEnd) : true;
    }
    if (extension_ != Extension::nameStart && (c == ';' || c == '=')) {
        return enter(c == ';' ? Extension::nameStart : Extension::valueStart);
    }
    return fail("bad chunk extension");
}

bool ChunkedDecoder::takeExtensionValue(char c) noexcept {
    if (extension_ == Extension::escaped) {
        return is(c, kValueChar) ? enter(Extension::quoted) : fail("bad chunk extension");
    }
    if (extension_ == Extension::quoted) {
        const bool known = is(c, kValueChar);
        return known ? enter(c == '"'    ? Extension::quotedEnd
                             : c == '\\' ? Extension::escaped
                                         : Extension::quoted)
                     : fail("bad chunk extension");
    }
    const bool start = extension_ == Extension::valueStart;
    if ((start || extension_ == Extension::value) && is(c, kTokenChar)) {
        return enter(Extension::value);
    }
    if (isOws(c)) {
        return start || enter(Extension::valueEnd);
    }
    if (start && c == '"') {
        return enter(Extension::quoted);
    }
    return !start && c == ';' ? enter(Extension::nameStart) : fail("bad chunk extension");
}

bool ChunkedDecoder::endSizeLine() noexcept {
    const std::uint64_t excused = 16 + 2 * std::min<std::uint64_t>(remaining_, kMaxOverhead);
    const std::uint64_t spent = std::uint64_t{overhead_} + lineBytes_;
    overhead_ = spent > excused ? static_cast<std::uint32_t>(spent - excused) : 0;
    if (overhead_ > kMaxOverhead) {
        return fail("more chunk framing than data");
    }
    state_ = remaining_ != 0 ? State::data : State::trailer;
    lineBytes_ = 0;
    sawDigit_ = false;
    return true;
}

// Collects one line, or a piece of it; returns the bytes used up.
std::size_t ChunkedDecoder::takeTrailer(std::string_view input) noexcept {
    const std::size_t lf = input.find('\n');
    const std::size_t used = lf == std::string_view::npos ? input.size() : lf + 1;
    if (used > kMaxTrailerBytes - lineBytes_) {
        fail("trailer section too large");
        return input.size();
    }
    lineBytes_ += static_cast<std::uint32_t>(used);
    line_.append(input.data(), used);
    if (lf != std::string_view::npos) {
        endTrailerLine();
        line_.clear();
    }
    return used;
}

bool ChunkedDecoder::endTrailerLine() noexcept {
    std::string_view line;
    if (HeadReader reader(line_); reader.nextLine(line) != HeadReader::Line::complete) {
        return fail("bad byte in trailer");
    }
    if (line.empty()) {
        state_ = State::done;
        return true;
    }
    HeaderField field;
    if (const char* detail = readField(line, field)) {
        return fail(detail);
    }
    if (underscores_ != model::HeaderUnderscores::allow && hasUnderscore(field.name)) [[unlikely]] {
        return underscores_ == model::HeaderUnderscores::remove ||
               fail("underscore in a field name");
    }
    if (isAllowedInTrailer(field.name)) {
        trailers_.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    return true;
}

std::size_t writeChunkHeader(std::uint64_t size, char* out) noexcept {
    static constexpr char kDigits[] = "0123456789abcdef";
    int shift = 60;
    while (shift > 0 && (size >> shift & 0xf) == 0) {
        shift -= 4;
    }
    std::size_t length = 0;
    for (; shift >= 0; shift -= 4) {
        out[length++] = kDigits[size >> shift & 0xf];
    }
    out[length++] = '\r';
    out[length++] = '\n';
    return length;
}

}  // namespace evergate::http
