// SPDX-License-Identifier: Apache-2.0
// Whatever octets come, and whatever a handler does about them: an HTTP/2 connection hears the same
// in one piece and octet by octet, says what nghttp2 takes, holds a bounded amount, and is silent
// once it is over. The first octets say what the handler does; the rest is what comes.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

#include "dataplane/http2/multiplexer.hpp"

namespace {

using namespace evergate;
using http2::ErrorCode;
using http2::Multiplexer;
using http2::Stream;

constexpr std::size_t kScript = 8;
constexpr int kMostAsked = 20;
constexpr std::string_view kBody = "a body that is neither long nor short";

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

// One side, whose handler does in its calls what a script says.
class Side final : public Multiplexer::Handler {
public:
    Side(bool server, std::string_view script)
        : script_(script),
          isServer_(server),
          multiplexer_(server ? Multiplexer::Role::server : Multiplexer::Role::client, *this,
                       pool_) {
        multiplexer_.limitStreams(8);
        multiplexer_.limitBlocks(20'000);
        const http2::Setting settings[] = {{http2::SettingId::maxConcurrentStreams, 8},
                                           {http2::SettingId::enablePush, 0}};
        multiplexer_.start({settings, isServer_ ? 1U : 2U}, window(0), 65'535 + window(1));
        for (int i = isServer_ ? 0 : 3; i > 0; --i)
            ask(i % 2 == 0);
        flush();
    }

    void receive(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::size_t before = multiplexer_.queued();
            const std::size_t taken = multiplexer_.receive(bytes);
            if (taken == 0 || taken > bytes.size())
                fail("takes nothing, or more than there is");
            if (multiplexer_.queued() > before + 200 * (taken + 64))
                fail("an answer without measure");
            bytes.remove_prefix(taken);
        }
    }

    // All that is to be said.
    void flush() {
        inCall_ = true;
        char part[16'384];
        while (const std::size_t size = multiplexer_.send(part, sizeof part))
            said.append(part, size);
        if (multiplexer_.wantsWrite())
            fail("wants to write, and does not");
        inCall_ = false;
    }

    bool over() const noexcept { return multiplexer_.terminated(); }

    Multiplexer& multiplexer() noexcept { return multiplexer_; }

    std::string said;
    std::string heard;

private:
    std::int32_t window(std::size_t index) const noexcept {
        const auto octet = static_cast<unsigned char>(script_[index]);
        return octet == 0xff ? 0x7ff'ffff : 300 * octet;
    }

    void ask(bool hasBody) {
        if (++asked_ > kMostAsked)
            return;
        const hpack::Field fields[] = {{":method", hasBody ? "POST" : "GET"},
                                       {":scheme", "http"},
                                       {":path", "/"},
                                       {":authority", "a.example"}};
        multiplexer_.request(nullptr, fields, hasBody);
    }

    void answer(Stream& stream, bool hasBody) {
        if (!isServer_ || stream.user != nullptr)
            return;
        stream.user = this;
        const hpack::Field interim[] = {{":status", "103"}};
        const hpack::Field fields[] = {{":status", "200"}, {"server", "x"}};
        multiplexer_.respond(stream, interim, false);
        hasBody ? multiplexer_.respondWithBody(stream, fields)
                : multiplexer_.respond(stream, fields, true);
    }

    // One for each kind of call, so that it does not depend on the parts in which octets come.
    void act(std::size_t call, Stream* stream) {
        const auto what = static_cast<unsigned char>(script_[2 + call]);
        switch (what % 16) {
            case 0:
                return stream != nullptr ? multiplexer_.reset(*stream, ErrorCode::cancel) : void();
            case 1:
            case 2:
                return stream != nullptr ? answer(*stream, what % 2 == 0) : void();
            case 3:
                return multiplexer_.changeWindows(window(call), 65'535 + window(call));
            case 4:
                return what > 200 ? multiplexer_.terminate(ErrorCode::internalError) : void();
            case 5:
                return isServer_ ? multiplexer_.announceEnd() : void();
            case 6:
                return multiplexer_.endAfterLast();
            case 7:
                return stream != nullptr ? stream->expect(what) : void();
            case 8:
                return stream != nullptr ? multiplexer_.resume(*stream) : void();
            case 9:
                return stream != nullptr ? multiplexer_.prioritize(*stream, {1, true}) : void();
            case 10:
                return isServer_ ? void() : ask(what % 32 < 16);
            default:
                return;
        }
    }

    // Calls while frames are read are compared; of those for more to send only their order.
    void note(std::string text) {
        if (over() && !inCall_ && text[0] != 'c')
            fail("heard of what is over");
        heard.append(text).append("\n");
        lastData_ = 0;
    }

    void onSettings(bool ack) override {
        note(ack ? "ack" : "settings");
        act(0, nullptr);
    }

    void onDataFrame(std::size_t size, bool last) override {
        note("D " + std::to_string(size) + (last ? " last" : ""));
        act(1, nullptr);
    }

    void onGoaway(std::uint32_t last, ErrorCode code) override {
        note("goaway " + std::to_string(last) + " " + text(code));
    }

    void onFieldsBegin(Stream& stream, bool opens) override {
        note((opens ? "opens " : "begins ") + std::to_string(stream.id));
        act(2, &stream);
    }

    bool onField(Stream& stream, std::string_view name, std::string_view value) override {
        check(stream);
        note("f " + std::string(name) + "=" + std::string(value));
        return name != "stop";
    }

    void onFieldsEnd(Stream& stream, bool last) override {
        check(stream);
        note("fields " + std::to_string(stream.id) + (last ? " last" : ""));
        act(3, &stream);
    }

    void onData(Stream& stream, std::string_view bytes) override {
        check(stream);
        if (lastData_ != stream.id)
            note("data " + std::to_string(stream.id));
        else
            heard.pop_back();
        heard.append(bytes).append("\n");
        lastData_ = stream.id;
        if ((script_[7] & 1) != 0)
            multiplexer_.consume(stream, bytes.size());
    }

    void onEnd(Stream& stream) override {
        check(stream);
        note("end " + std::to_string(stream.id));
        act(4, &stream);
    }

    void onClosed(Stream& stream, ErrorCode code) override {
        note("closed " + std::to_string(stream.id) + " " + text(code));
        if ((script_[7] & 2) != 0)
            multiplexer_.reset(stream, ErrorCode::cancel);
        if ((script_[7] & 4) != 0 && !isServer_)
            ask(true);
    }

    void onBreach(Multiplexer::Breach breach, Stream* stream) override {
        note("breach " + std::to_string(static_cast<int>(breach)) +
             std::to_string(stream != nullptr ? stream->id : 0));
    }

    Multiplexer::Piece onRead(Stream& stream, char* into, std::size_t room) override {
        using What = Multiplexer::Piece::What;
        check(stream);
        const std::size_t size = std::min(room, kBody.size());
        std::memcpy(into, kBody.data(), size);
        switch ((script_[7] >> 3) & 3) {
            case 0:
                return {What::broken, 0};
            case 1:
                return {What::none, 0};
            case 2:
                if (size < kBody.size())
                    return {What::some, 0};
                multiplexer_.sendTrailers(stream, {{{"sum", "1"}}});
                return {What::last, size};
            default:
                return {size == kBody.size() ? What::last : What::some,
                        size == kBody.size() ? size : 0};
        }
    }

    static std::string text(ErrorCode code) {
        return std::to_string(static_cast<std::uint32_t>(code));
    }

    static void check(const Stream& stream) {
        if (stream.reset)
            fail("a call for a stream that is over");
    }

    const std::string_view script_;
    const bool isServer_;
    bool inCall_ = false;
    int asked_ = 0;
    std::uint32_t lastData_ = 0;
    http2::StreamPool pool_;
    Multiplexer multiplexer_;
};

// Calls visit(head, frame) for each; all are whole.
template <typename Visit>
void forEachFrame(std::string_view bytes, Visit&& visit) {
    if (bytes.starts_with(http2::kPreface))
        bytes.remove_prefix(http2::kPreface.size());
    while (bytes.size() >= http2::kFrameHead) {
        const http2::FrameHead head = http2::readFrameHead(bytes.data());
        const std::size_t size = http2::kFrameHead + head.length;
        if (size > bytes.size())
            break;
        visit(head, bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
    if (!bytes.empty())
        fail("says a part of a frame");
}

// How much of a window is granted at once depends on the parts in which octets came.
std::string withoutUpdates(std::string_view bytes) {
    std::string rest;
    forEachFrame(bytes, [&rest](const http2::FrameHead& head, std::string_view frame) {
        if (head.type != http2::FrameType::windowUpdate)
            rest.append(frame);
    });
    return rest;
}

// A session of nghttp2 of the other role, which asked for whatever is answered.
class Reader {
public:
    Reader(bool server, std::string_view bytes) {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
            callbacks, [](nghttp2_session*, const nghttp2_frame* frame, int error, void*) {
                std::fprintf(stderr, "frame %d of %d: ", frame->hd.type, frame->hd.stream_id);
                fail(nghttp2_strerror(error));
                return 0;
            });
        nghttp2_option* option = nullptr;
        nghttp2_option_new(&option);
        nghttp2_option_set_max_outbound_ack(option, 1'000'000);
        nghttp2_option_set_peer_max_concurrent_streams(option, 1'000'000);
        server ? nghttp2_session_server_new2(&session_, callbacks, this, option)
               : nghttp2_session_client_new2(&session_, callbacks, this, option);
        nghttp2_option_del(option);
        nghttp2_session_callbacks_del(callbacks);
        std::set<std::int32_t> ids;
        forEachFrame(bytes, [&](const http2::FrameHead& head, std::string_view) {
            if (head.type == http2::FrameType::settings && head.has(http2::flag::ack))
                nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
            if (head.stream != 0)
                ids.insert(static_cast<std::int32_t>(head.stream));
        });
        for (const std::int32_t id : ids)
            server ? void() : ask(id);
        send();
        const auto taken = nghttp2_session_mem_recv(
            session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        if (taken != static_cast<decltype(taken)>(bytes.size()))
            fail("nghttp2 does not take it");
        if (nghttp2_session_want_write(session_) != 0)
            checkEnd();
    }

    ~Reader() { nghttp2_session_del(session_); }

    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

private:
    // A request whose body does not come.
    void ask(std::int32_t id) {
        const auto field = [](const char* name, const char* value) {
            const auto octets = [](const char* text) {
                return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text));
            };
            return nghttp2_nv{octets(name), octets(value), std::strlen(name), std::strlen(value),
                              NGHTTP2_NV_FLAG_NONE};
        };
        const nghttp2_nv fields[] = {field(":method", "POST"), field(":scheme", "http"),
                                     field(":path", "/"), field(":authority", "a")};
        nghttp2_data_provider body{};
        body.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t,
                                std::uint32_t*, nghttp2_data_source*,
                                void*) -> ssize_t { return NGHTTP2_ERR_DEFERRED; };
        nghttp2_session_set_next_stream_id(session_, id);
        nghttp2_submit_request(session_, nullptr, fields, std::size(fields), &body, nullptr);
    }

    std::string send() {
        std::string said;
        const std::uint8_t* bytes = nullptr;
        for (auto size = nghttp2_session_mem_send(session_, &bytes); size > 0;
             size = nghttp2_session_mem_send(session_, &bytes))
            said.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
        return said;
    }

    // What nghttp2 finds wrong without a call it says at least.
    void checkEnd() {
        forEachFrame(send(), [](const http2::FrameHead& head, std::string_view frame) {
            const std::size_t at = head.type == http2::FrameType::goaway ? 4 : 0;
            if (head.type != http2::FrameType::goaway && head.type != http2::FrameType::rstStream)
                return;
            if (http2::readNumber(frame.data() + http2::kFrameHead + at) != 0)
                fail("nghttp2 ends it");
        });
    }

    nghttp2_session* session_ = nullptr;
};

void run(bool server, std::string_view script, std::string_view bytes) {
    Side whole(server, script);
    Side parts(server, script);
    whole.receive(bytes);
    whole.flush();
    for (const char& octet : bytes) {
        const std::string part(1, octet);  // its end is guarded
        parts.receive(part);
    }
    parts.flush();
    if (whole.heard != parts.heard)
        fail("hears something else in parts");
    if (withoutUpdates(whole.said) != withoutUpdates(parts.said))
        fail("says something else in parts");
    const Reader first(!server, whole.said);
    const Reader second(!server, parts.said);
    // Sent, given back and rested between frames it is still sound.
    Side busy(server, script);
    for (std::size_t i = 0; i < bytes.size(); i += 13) {
        busy.receive(bytes.substr(i, 13));
        busy.flush();
        busy.multiplexer().rest();
    }
    const Reader third(!server, busy.said);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < kScript + 1)
        return 0;
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::string_view script = all.substr(1, kScript);
    const std::string_view bytes = all.substr(1 + kScript);
    if ((data[0] & 1) != 0)
        return run(false, script, bytes), 0;
    // The preface is hard to guess.
    run(true, script,
        (data[0] & 2) != 0 ? std::string(bytes) : std::string(http2::kPreface).append(bytes));
    return 0;
}
