// SPDX-License-Identifier: Apache-2.0
// An HTTP/2 client over any RawConnection: nghttp2, one blocking read at a time. Deadlines are the
// connection's.
#pragma once

#include <nghttp2/nghttp2.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/raw_connection.hpp"

namespace evergate::test {

using Http2Fields = std::vector<std::pair<std::string, std::string>>;

struct Http2Answer {
    std::string status;  // of the final response
    std::vector<std::string> interim;
    Http2Fields fields;
    Http2Fields trailers;
    std::string body;
    bool ended = false;   // END_STREAM
    bool closed = false;  // either way
    std::uint32_t error = NGHTTP2_NO_ERROR;
    bool reset = false;

    std::string field(const std::string& name) const {
        for (const auto& [key, value] : fields) {
            if (key == name)
                return value;
        }
        return "";
    }
};

class Http2Client {
public:
    explicit Http2Client(RawConnection connection, bool readBodies = true, bool tls = false)
        : connection_(std::move(connection)), tls_(tls) {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, &onHeader);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &onData);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &onFrame);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &onClose);
        nghttp2_option* option = nullptr;
        nghttp2_option_new(&option);
        nghttp2_option_set_no_auto_window_update(option, readBodies ? 0 : 1);
        nghttp2_session_client_new2(&session_, callbacks, this, option);
        nghttp2_option_del(option);
        nghttp2_session_callbacks_del(callbacks);
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
    }

    ~Http2Client() { nghttp2_session_del(session_); }

    Http2Client(const Http2Client&) = delete;
    Http2Client& operator=(const Http2Client&) = delete;

    static Http2Fields get(const std::string& path = "/", const std::string& host = "a.example") {
        return {{":method", "GET"}, {":scheme", "http"}, {":authority", host}, {":path", path}};
    }

    static Http2Fields post(const std::string& path = "/") {
        Http2Fields fields = get(path);
        fields[0].second = "POST";
        return fields;
    }

    // A request without a body, or (open) one whose body comes by send() and end().
    std::int32_t request(const Http2Fields& fields, bool open = false) {
        const std::int32_t id = submit(fields, open);
        flush();
        return id;
    }

    // Likewise; it leaves with what is sent next.
    std::int32_t submit(const Http2Fields& fields, bool open = false) {
        std::vector<nghttp2_nv> all;
        for (const auto& [name, value] : fields)
            all.push_back(field(name, value));
        nghttp2_data_provider body{};
        body.read_callback = &onRead;
        return nghttp2_submit_request(session_, nullptr, all.data(), all.size(),
                                      open ? &body : nullptr, nullptr);
    }

    void send(std::int32_t stream, std::string bytes) {
        outgoing_[stream].bytes += std::move(bytes);
        resume(stream);
    }

    void end(std::int32_t stream, Http2Fields trailers = {}) {
        outgoing_[stream].trailers = std::move(trailers);
        outgoing_[stream].ended = true;
        resume(stream);
    }

    void reset(std::int32_t stream, std::uint32_t code = NGHTTP2_CANCEL) {
        nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, code);
        flush();
    }

    // Without readBodies: the stream may get so much more.
    void grant(std::int32_t stream, std::int32_t size) {
        for (const std::int32_t id : {0, stream})
            nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, id, size);
    }

    // Bytes of the request that the windows have not let out yet.
    std::size_t unsent(std::int32_t stream) { return outgoing_[stream].bytes.size(); }

    // Reads until it holds. False: the connection's end, or its deadline.
    bool until(const std::function<bool()>& holds) {
        while (!holds()) {
            if (!flush())
                return holds();
            const std::string some = readSome();
            if (some.empty())
                return holds();
            nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(some.data()),
                                     some.size());
        }
        return true;
    }

    const Http2Answer& wait(std::int32_t stream) {
        until([&] { return answers_[stream].closed; });
        return answers_[stream];
    }

    Http2Answer& answer(std::int32_t stream) { return answers_[stream]; }

    // The streams of all GOAWAYs, and the code of the last.
    const std::vector<std::int32_t>& goaways() const { return goaways_; }

    std::uint32_t goawayCode() const { return goawayCode_; }

    bool settled() const { return settings_; }

    nghttp2_session* session() { return session_; }

    RawConnection& connection() { return connection_; }

    bool flush() {
        const std::uint8_t* part = nullptr;
        std::string bytes;
        for (ssize_t size; (size = nghttp2_session_mem_send(session_, &part)) > 0;)
            bytes.append(reinterpret_cast<const char*>(part), static_cast<std::size_t>(size));
        return bytes.empty() || connection_.send(bytes);
    }

private:
    struct Outgoing {
        std::string bytes;
        Http2Fields trailers;
        bool ended = false;
    };

    // Over TLS byte by byte: good enough for small answers.
    std::string readSome() {
        if (tls_)
            return connection_.readExactly(1);
        std::string some(64 * 1024, '\0');
        const ssize_t got = ::recv(connection_.fd(), some.data(), some.size(), 0);
        some.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        return some;
    }

    static Http2Client& of(void* user) { return *static_cast<Http2Client*>(user); }

    static nghttp2_nv field(const std::string& name, const std::string& value) {
        const auto bytes = [](const std::string& text) {
            return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
        };
        return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
    }

    void resume(std::int32_t stream) {
        nghttp2_session_resume_data(session_, stream);
        flush();
    }

    static int onHeader(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                        std::size_t nameSize, const std::uint8_t* value, std::size_t valueSize,
                        std::uint8_t, void* user) {
        const std::string key(reinterpret_cast<const char*>(name), nameSize);
        const std::string text(reinterpret_cast<const char*>(value), valueSize);
        Http2Answer& answer = of(user).answers_[frame->hd.stream_id];
        if (key == ":status") {
            if (text.front() == '1')
                answer.interim.push_back(text);
            else
                answer.status = text;
            return 0;
        }
        // nghttp2 calls the final head behind an interim one "headers", too: trailers end a stream
        // that has had a body.
        const bool behindBody = frame->headers.cat == NGHTTP2_HCAT_HEADERS &&
                                answer.interim.empty() && !answer.status.empty();
        (behindBody ? answer.trailers : answer.fields).emplace_back(key, text);
        return 0;
    }

    static int onData(nghttp2_session*, std::uint8_t, std::int32_t stream,
                      const std::uint8_t* bytes, std::size_t size, void* user) {
        of(user).answers_[stream].body.append(reinterpret_cast<const char*>(bytes), size);
        return 0;
    }

    static int onFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Http2Client& self = of(user);
        if (frame->hd.type == NGHTTP2_GOAWAY) {
            self.goaways_.push_back(frame->goaway.last_stream_id);
            self.goawayCode_ = frame->goaway.error_code;
        } else if (frame->hd.type == NGHTTP2_SETTINGS) {
            self.settings_ = true;
        } else if (frame->hd.type == NGHTTP2_RST_STREAM) {
            self.answers_[frame->hd.stream_id].reset = true;
        } else if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
                   (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            self.answers_[frame->hd.stream_id].ended = true;
        }
        return 0;
    }

    static int onClose(nghttp2_session*, std::int32_t stream, std::uint32_t code, void* user) {
        of(user).answers_[stream].closed = true;
        of(user).answers_[stream].error = code;
        return 0;
    }

    static ssize_t onRead(nghttp2_session* session, std::int32_t stream, std::uint8_t* out,
                          std::size_t room, std::uint32_t* flags, nghttp2_data_source*,
                          void* user) {
        Outgoing& outgoing = of(user).outgoing_[stream];
        const std::size_t size = std::min(room, outgoing.bytes.size());
        if (size == 0 && !outgoing.ended)
            return NGHTTP2_ERR_DEFERRED;
        std::memcpy(out, outgoing.bytes.data(), size);
        outgoing.bytes.erase(0, size);
        if (!outgoing.ended || !outgoing.bytes.empty())
            return static_cast<ssize_t>(size);
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (!outgoing.trailers.empty()) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            std::vector<nghttp2_nv> all;
            for (const auto& [name, value] : outgoing.trailers)
                all.push_back(field(name, value));
            nghttp2_submit_trailer(session, stream, all.data(), all.size());
        }
        return static_cast<ssize_t>(size);
    }

    RawConnection connection_;
    nghttp2_session* session_ = nullptr;
    std::map<std::int32_t, Http2Answer> answers_;
    std::map<std::int32_t, Outgoing> outgoing_;
    std::vector<std::int32_t> goaways_;
    std::uint32_t goawayCode_ = 0;
    bool settings_ = false;
    bool tls_ = false;
};

}  // namespace evergate::test
