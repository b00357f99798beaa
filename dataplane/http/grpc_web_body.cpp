// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/grpc_web_body.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/http/character_classes.hpp"

namespace evergate::http {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> makeValues() {
    std::array<std::uint8_t, 256> values{};
    for (std::uint8_t& value : values)
        value = kNoDigit;
    for (std::size_t i = 0; i < kDigits.size(); ++i)
        values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::uint8_t>(i);
    return values;
}

constexpr std::array<std::uint8_t, 256> kValues = makeValues();

// Four digits of three bytes.
void writeGroup(const char* bytes, char* out) noexcept {
    const auto byte = [bytes](int i) -> std::uint32_t {
        return static_cast<unsigned char>(bytes[i]);
    };
    const std::uint32_t bits = byte(0) << 16U | byte(1) << 8U | byte(2);
    for (int i = 0; i < 4; ++i)
        out[i] = kDigits[bits >> (18 - 6 * i) & 63U];
}

// Names in lower case, as the protocol has them.
std::string frameOf(std::string_view fields) {
    constexpr char kTrailers = '\x80';
    std::string frame(1, kTrailers);
    frame.reserve(5 + fields.size());
    for (int shift = 24; shift >= 0; shift -= 8)
        frame.push_back(static_cast<char>(fields.size() >> shift & 0xffU));
    bool name = true;
    for (const char c : fields) {
        frame.push_back(name ? toLower(c) : c);
        name = c == '\n' || (name && c != ':');
    }
    return frame;
}

}  // namespace

// The next character of a group. False: it is none.
bool Base64Body::add(char c) noexcept {
    if (c == '=') {
        if (digits_ < 2)
            return false;
        bits_ <<= 6U;
        ++padding_;
    } else {
        const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
        if (value == kNoDigit || padding_ != 0)
            return false;
        bits_ = bits_ << 6U | value;
    }
    ++digits_;
    return true;
}

BodyFilter::Step Base64Body::step(std::string_view in, char* out, std::size_t room,
                                  Until until) noexcept {
    Step step;
    for (const char c : in) {
        // What is left when it cannot be said how much this group will write, is for the next step.
        if (digits_ == 3 && room - step.produced < 3u - padding_ - (c == '=' ? 1u : 0u))
            break;
        if (failed_ || !add(c)) {
            failed_ = step.failed = true;
            return step;
        }
        ++step.consumed;
        if (digits_ < 4)
            continue;
        for (int i = 0; i < 3 - padding_; ++i)
            out[step.produced++] = static_cast<char>(bits_ >> (16 - 8 * i) & 0xffU);
        bits_ = 0;
        digits_ = padding_ = 0;
    }
    step.done = step.consumed == in.size();
    if (step.done && until == Until::end && digits_ != 0)
        failed_ = true;
    step.failed = failed_;
    return step;
}

bool GrpcWebBody::takeTrailers(std::string_view section) noexcept {
    if (framed_)
        return true;
    framed_ = true;
    fields_.append(section);
    if (!fields_.empty())
        frame_ = frameOf(fields_);
    return true;
}

std::size_t GrpcWebBody::finalSize() const noexcept {
    const std::size_t bytes = heldSize_ + frame_.size() - frameSent_;
    return text_ ? (bytes + 2) / 3 * 4 : bytes;
}

// How much of it was taken; `out` moves on.
std::size_t GrpcWebBody::add(std::string_view in, char*& out, const char* end) noexcept {
    if (!text_) {
        const std::size_t size = std::min(in.size(), static_cast<std::size_t>(end - out));
        if (size != 0)
            std::memcpy(out, in.data(), size);
        out += size;
        return size;
    }
    std::size_t taken = 0;
    while (taken < in.size()) {
        if (heldSize_ == 0 && in.size() - taken >= 3) {
            if (end - out < 4)
                break;
            writeGroup(in.data() + taken, out);
            taken += 3;
            out += 4;
            continue;
        }
        if (heldSize_ == 2 && end - out < 4)
            break;
        held_[heldSize_++] = in[taken++];
        if (heldSize_ == 3) {
            writeGroup(held_, out);
            out += 4;
            heldSize_ = 0;
        }
    }
    return taken;
}

// Ends the group there is. False: no room for it.
bool GrpcWebBody::pad(char*& out, const char* end) noexcept {
    if (heldSize_ == 0)
        return true;
    if (end - out < 4)
        return false;
    std::fill(held_ + heldSize_, held_ + 3, '\0');
    writeGroup(held_, out);
    std::fill(out + heldSize_ + 1, out + 4, '=');
    out += 4;
    heldSize_ = 0;
    return true;
}

BodyFilter::Step GrpcWebBody::step(std::string_view in, char* out, std::size_t room,
                                   Until until) noexcept {
    Step step;
    char* at = out;
    const char* const end = out + room;
    step.consumed = add(in, at, end);
    step.done = step.consumed == in.size();
    if (step.done && until == Until::end) {
        frameSent_ += add(std::string_view(frame_).substr(frameSent_), at, end);
        step.done = frameSent_ == frame_.size();
    }
    if (step.done && until != Until::more)
        step.done = pad(at, end);
    step.produced = static_cast<std::size_t>(at - out);
    return step;
}

}  // namespace evergate::http
