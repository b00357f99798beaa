// SPDX-License-Identifier: Apache-2.0
// For tests: a session of nghttp2 as one side of a conversation of random messages.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstring>
#include <memory>

#include "tests/unit/dataplane/http2/pair_endpoint.hpp"

namespace evergate::http2 {

class Nghttp2Endpoint final : public Endpoint {
public:
    Nghttp2Endpoint(Dice& random, bool server, std::int32_t stream, std::int32_t connection,
                    std::uint32_t maxStreams)
        : Endpoint(random, server) {
        calm = server;  // see receive()
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        setCallbacks(callbacks);
        nghttp2_option* option = nullptr;
        nghttp2_option_new(&option);
        nghttp2_option_set_no_auto_window_update(option, 1);
        server ? nghttp2_session_server_new2(&session_, callbacks, this, option)
               : nghttp2_session_client_new2(&session_, callbacks, this, option);
        nghttp2_option_del(option);
        nghttp2_session_callbacks_del(callbacks);
        const nghttp2_settings_entry entries[] = {
            {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(stream)},
            {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, maxStreams},
            {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, std::size(entries));
        nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, connection);
    }

    ~Nghttp2Endpoint() override { nghttp2_session_del(session_); }

    // What it is to say comes first: of a stream whose reset it did not say yet it overlooks the
    // end, and still counts it when the next one opens.
    void receive(std::string_view bytes) override {
        fill(SIZE_MAX);
        const auto taken = nghttp2_session_mem_recv(
            session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        if (taken != static_cast<ssize_t>(bytes.size()))
            complaint = "it takes no more";
    }

    std::string send(std::size_t room) override {
        fill(room);
        std::string part = pending_.substr(0, room);
        pending_.erase(0, part.size());
        return part;
    }

    std::uint32_t request(const Message& message) override {
        if (nghttp2_session_check_request_allowed(session_) == 0 || live.size() > 20)
            return 0;
        const auto fields = views(message.head);
        const bool hasBody = !message.body.empty() || !message.trailers.empty();
        const nghttp2_data_provider body = provider();
        const auto id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                               hasBody ? &body : nullptr, nullptr);
        return id > 0 ? static_cast<std::uint32_t>(id) : 0;
    }

    void respond(std::uint32_t id) override {
        const Message& message = exchanges[id].said;
        for (const FieldTexts& interim : message.interims) {
            const auto fields = views(interim);
            nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, signedId(id), nullptr,
                                   fields.data(), fields.size(), nullptr);
        }
        const auto fields = views(message.head);
        const nghttp2_data_provider body = provider();
        nghttp2_submit_response(session_, signedId(id), fields.data(), fields.size(),
                                exchanges[id].hasBody() ? &body : nullptr);
    }

    void resume(std::uint32_t id) override { nghttp2_session_resume_data(session_, signedId(id)); }

    void reset(std::uint32_t id, ErrorCode code) override {
        nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, signedId(id),
                                  static_cast<std::uint32_t>(code));
    }

    void consume(std::uint32_t id, std::size_t size) override {
        nghttp2_session_consume(session_, signedId(id), size);
    }

    void changeWindows(std::int32_t stream, std::int32_t connection) override {
        const nghttp2_settings_entry entries[] = {
            {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(stream)},
            {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, dice.oneIn(2) ? 4'096 : dice.below(4'097)}};
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, std::size(entries));
        nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, connection);
    }

    void prioritize(std::uint32_t id) override {
        const std::string value =
            "u=" + std::to_string(dice.below(8)) + (dice.oneIn(2) ? ",i" : "");
        if (!isServer)
            nghttp2_submit_priority_update(session_, NGHTTP2_FLAG_NONE, signedId(id),
                                           reinterpret_cast<const std::uint8_t*>(value.data()),
                                           value.size());
        nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
    }

    std::size_t streams() override {
        std::size_t open = 0;
        for (const auto& [id, exchange] : exchanges)
            open += exchange.closed ? 0 : 1;
        return open;
    }

    std::int64_t sendWindow() override { return nghttp2_session_get_remote_window_size(session_); }

    nghttp2_session* session() { return session_; }

private:
    void fill(std::size_t most) {
        while (pending_.size() < most) {
            const std::uint8_t* bytes = nullptr;
            const auto size = nghttp2_session_mem_send(session_, &bytes);
            if (size <= 0)
                break;
            pending_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
        }
    }

    static std::int32_t signedId(std::uint32_t id) { return static_cast<std::int32_t>(id); }

    static Nghttp2Endpoint& self(void* user) { return *static_cast<Nghttp2Endpoint*>(user); }

    static std::string_view view(const std::uint8_t* bytes, std::size_t size) {
        return {reinterpret_cast<const char*>(bytes), size};
    }

    static std::vector<nghttp2_nv> views(const FieldTexts& texts) {
        const auto octets = [](const std::string& text) {
            return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
        };
        std::vector<nghttp2_nv> fields;
        for (const auto& [name, value] : texts)
            fields.push_back(
                {octets(name), octets(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
        return fields;
    }

    static nghttp2_data_provider provider() {
        nghttp2_data_provider body{};
        body.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* into,
                                std::size_t room, std::uint32_t* flags, nghttp2_data_source*,
                                void* user) {
            return self(user).read(static_cast<std::uint32_t>(id), into, room, *flags);
        };
        return body;
    }

    ssize_t read(std::uint32_t id, std::uint8_t* into, std::size_t room, std::uint32_t& flags) {
        Exchange& exchange = exchanges[id];
        const std::size_t size = std::min(room, exchange.left());
        if (size == 0 && !exchange.lastPiece(0)) {
            exchange.waiting = true;
            return NGHTTP2_ERR_DEFERRED;
        }
        std::memcpy(into, exchange.said.body.data() + exchange.sent, size);
        exchange.sent += size;
        if (exchange.lastPiece(0)) {
            flags |= NGHTTP2_DATA_FLAG_EOF;
            if (!exchange.said.trailers.empty()) {
                flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
                const auto fields = views(exchange.said.trailers);
                nghttp2_submit_trailer(session_, signedId(id), fields.data(), fields.size());
            }
        }
        return static_cast<ssize_t>(size);
    }

    void onFrame(const nghttp2_frame& frame) {
        const auto id = static_cast<std::uint32_t>(frame.hd.stream_id);
        const bool last = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        if (frame.hd.type == NGHTTP2_HEADERS)
            hearFields(id, last);
        else if (frame.hd.type == NGHTTP2_DATA && last)
            hearEnd(id);
        else if (frame.hd.type == NGHTTP2_GOAWAY && frame.goaway.error_code != 0)
            complaint = "the other side gives up";
    }

    static void setCallbacks(nghttp2_session_callbacks* all) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(
            all, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
                if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
                    self(user).live.push_back(static_cast<std::uint32_t>(frame->hd.stream_id));
                return 0;
            });
        nghttp2_session_callbacks_set_on_header_callback(
            all, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t nameSize, const std::uint8_t* value, std::size_t valueSize,
                    std::uint8_t, void* user) {
                self(user).hearField(static_cast<std::uint32_t>(frame->hd.stream_id),
                                     view(name, nameSize), view(value, valueSize));
                return 0;
            });
        nghttp2_session_callbacks_set_on_frame_recv_callback(
            all, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
                self(user).onFrame(*frame);
                return 0;
            });
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
            all, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                    std::size_t size, void* user) {
                self(user).hearData(static_cast<std::uint32_t>(id), view(bytes, size));
                return 0;
            });
        nghttp2_session_callbacks_set_on_stream_close_callback(
            all, [](nghttp2_session* session, std::int32_t id, std::uint32_t code, void* user) {
                Exchange& exchange = self(user).exchanges[static_cast<std::uint32_t>(id)];
                nghttp2_session_consume_connection(session, std::exchange(exchange.held, 0));
                self(user).hearClosed(static_cast<std::uint32_t>(id), code);
                return 0;
            });
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
            all, [](nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
                // Asked for before the limit was known.
                if (error == NGHTTP2_ERR_REFUSED_STREAM)
                    return 0;
                self(user).complaint += "frame " + std::to_string(frame->hd.type) + " of " +
                                        std::to_string(frame->hd.stream_id) + ": " +
                                        nghttp2_strerror(error) + "; ";
                return 0;
            });
        nghttp2_session_callbacks_set_error_callback2(
            all, [](nghttp2_session*, int, const char* text, std::size_t size, void* user) {
                self(user).complaint.append(text, size).append("; ");
                return 0;
            });
    }

    nghttp2_session* session_ = nullptr;
    std::string pending_;
};

}  // namespace evergate::http2
