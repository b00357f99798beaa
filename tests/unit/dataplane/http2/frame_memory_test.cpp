// SPDX-License-Identifier: Apache-2.0
// Sessions that share a buffer say what they would say alone, however they take turns.
#include "dataplane/http2/frame_memory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace evergate::http2 {
namespace {

constexpr std::size_t kFrameHead = 9;

// A server session that answers every request with fields and a body, each of a size of its own.
class Server {
public:
    Server(std::size_t field, std::size_t body, FrameMemory* memory) : field_(field), left_(body) {
        const CallbacksPtr callbacks = newCallbacks();
        nghttp2_session_callbacks_set_on_frame_recv_callback(
            callbacks.get(), [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
                if (frame->hd.type == NGHTTP2_HEADERS)
                    static_cast<Server*>(user)->answer(frame->hd.stream_id);
                return 0;
            });
        nghttp2_session_callbacks_set_send_data_callback(
            callbacks.get(), [](nghttp2_session*, nghttp2_frame* frame, const std::uint8_t*,
                                std::size_t size, nghttp2_data_source*, void* user) {
                return static_cast<Server*>(user)->sendData(*frame, size);
            });
        if (memory != nullptr) {
            auto made = memory->newServer(callbacks.get(), this, nullptr);
            session_ = std::move(made.session);
            page = made.page;
            return;
        }
        nghttp2_session* session = nullptr;
        nghttp2_session_server_new(&session, callbacks.get(), this);
        session_.reset(session);
    }

    void hear(const std::string& bytes) {
        nghttp2_session_mem_recv(session_.get(),
                                 reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }

    // One call of mem_send, in which one DATA frame may leave and the next has to wait. False:
    // there is nothing to send.
    bool step() {
        room_ = true;
        const std::size_t before = said.size();
        const std::uint8_t* piece = nullptr;
        const ssize_t size = nghttp2_session_mem_send(session_.get(), &piece);
        EXPECT_GE(size, 0);
        said.append(reinterpret_cast<const char*>(piece), static_cast<std::size_t>(size));
        return said.size() != before;
    }

    std::string said;
    void* page = nullptr;

private:
    void answer(std::int32_t stream) {
        const std::string value(field_, 'v');
        std::array<nghttp2_nv, 2> fields{nv(":status", "200"), nv("x-field", value)};
        nghttp2_data_provider provider{};
        provider.source.ptr = this;
        provider.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t most,
                                    std::uint32_t* flags, nghttp2_data_source* source, void*) {
            return static_cast<Server*>(source->ptr)->provide(most, *flags);
        };
        nghttp2_submit_response(session_.get(), stream, fields.data(), fields.size(), &provider);
    }

    static nghttp2_nv nv(std::string_view name, std::string_view value) {
        const auto bytes = [](std::string_view text) {
            return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
        };
        return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
    }

    ssize_t provide(std::size_t most, std::uint32_t& flags) {
        const std::size_t size = std::min(most, left_);
        left_ -= size;
        flags |= NGHTTP2_DATA_FLAG_NO_COPY;
        if (left_ == 0)
            flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(size);
    }

    int sendData(const nghttp2_frame& frame, std::size_t size) {
        if (!std::exchange(room_, false))
            return NGHTTP2_ERR_WOULDBLOCK;
        said += "[data " + std::to_string(frame.hd.length) + ' ' + std::to_string(frame.hd.flags) +
                ' ' + std::to_string(frame.hd.stream_id) + ' ' + std::to_string(size) + ']';
        return 0;
    }

    const std::size_t field_;
    std::size_t left_;
    bool room_ = false;
    SessionPtr session_;
};

std::string frame(std::uint8_t type, std::uint8_t flags, char stream, const std::string& payload) {
    std::string text(kFrameHead, '\0');
    text[2] = static_cast<char>(payload.size());
    text[3] = static_cast<char>(type);
    text[4] = static_cast<char>(flags);
    text[8] = stream;
    return text + payload;
}

std::string request() {
    return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(NGHTTP2_SETTINGS, 0, 0, "") +
           frame(NGHTTP2_PING, 0, 0, "12345678") +
           frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1,
                 std::string("\x82\x86\x84\x41\x01", 5) + "a");
}

std::string saidAlone(std::size_t field, std::size_t body) {
    Server server(field, body, nullptr);
    server.hear(request());
    while (server.step()) {
    }
    return server.said;
}

TEST(FrameMemory, IsSharedWithoutAnyoneNoticing) {
    // Fields of more than a frame, of a large frame, of next to nothing.
    const std::array<std::size_t, 3> fields{40'000, 12'000, 10};
    constexpr std::size_t kBody = 60'000;
    FrameMemory memory;
    std::vector<std::unique_ptr<Server>> servers;
    for (const std::size_t field : fields) {
        servers.push_back(std::make_unique<Server>(field, kBody, &memory));
        servers.back()->hear(request());
    }
    for (bool more = true; more;) {
        more = false;
        for (const auto& server : servers)
            more = server->step() || more;
    }
    for (std::size_t i = 0; i < fields.size(); ++i) {
        EXPECT_GT(servers[i]->said.size(), fields[i] / 2);
        EXPECT_EQ(servers[i]->said, saidAlone(fields[i], kBody)) << fields[i];
    }
}

// The table of streams is given back only while it is empty.
TEST(FrameMemory, RestsWithoutAnyoneNoticing) {
    FrameMemory memory;
    Server server(10, 60'000, &memory);
    ASSERT_NE(server.page, nullptr);
    FrameMemory::rest(server.page);
    server.hear(request());
    do
        FrameMemory::rest(server.page);  // not now
    while (server.step());
    EXPECT_EQ(server.said, saidAlone(10, 60'000));
    FrameMemory::rest(nullptr);
}

// More than one run of pages, and pages used again.
TEST(FrameMemory, MakesManySessions) {
    FrameMemory memory;
    for (int round = 0; round < 3; ++round) {
        std::vector<std::unique_ptr<Server>> servers;
        for (int i = 0; i < 150; ++i) {
            servers.push_back(std::make_unique<Server>(10, 10, &memory));
            servers.back()->hear(request());
            while (servers.back()->step()) {
            }
            FrameMemory::rest(servers.back()->page);
        }
        for (const auto& server : servers)
            ASSERT_EQ(server->said, servers.front()->said);
    }
}

TEST(FrameMemory, OutlivesItsSessionsInAnyOrder) {
    FrameMemory memory;
    std::optional<Server> first(std::in_place, 10, 10, &memory);
    Server second(10, 10, &memory);
    first.reset();
    second.hear(request());
    while (second.step()) {
    }
    EXPECT_EQ(second.said, saidAlone(10, 10));
}

}  // namespace
}  // namespace evergate::http2
