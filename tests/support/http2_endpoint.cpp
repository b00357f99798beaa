// SPDX-License-Identifier: Apache-2.0
#include "tests/support/http2_endpoint.hpp"

#include <algorithm>
#include <cstring>

namespace evergate::test {
namespace {

// nghttp2 copies both and changes neither. The views must outlive the call.
std::vector<nghttp2_nv> pack(const Http2Fields& fields) {
    const auto bytes = [](const std::string& text) {
        return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };
    std::vector<nghttp2_nv> all;
    for (const auto& [name, value] : fields)
        all.push_back({bytes(name), bytes(value), name.size(), value.size(), 0});
    return all;
}

Http2Fields withStatus(const std::string& status, const Http2Fields& fields) {
    Http2Fields all{{":status", status}};
    all.insert(all.end(), fields.begin(), fields.end());
    return all;
}

std::string text(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

std::string Http2Request::value(const std::string& name) const {
    for (const auto& [key, text] : fields) {
        if (key == name)
            return text;
    }
    return {};
}

std::size_t Http2Request::count(const std::string& name) const {
    return static_cast<std::size_t>(std::count_if(
        fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; }));
}

struct Http2Endpoint::Callbacks {
    static Http2Endpoint& of(void* user) { return *static_cast<Http2Endpoint*>(user); }

    static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t nameSize, const std::uint8_t* value, std::size_t valueSize,
                      std::uint8_t, void* user) {
        Http2Request& request = of(user).requests_[frame->hd.stream_id];
        request.id = frame->hd.stream_id;
        (request.headDone ? request.trailers : request.fields)
            .emplace_back(text(name, nameSize), text(value, valueSize));
        return 0;
    }

    static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                    std::size_t size, void* user) {
        Http2Endpoint& self = of(user);
        Http2Request& request = self.requests_[id];
        request.body.append(text(bytes, size));
        if (self.options_.onData)
            self.options_.onData(self, request);
        return 0;
    }

    static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Http2Endpoint& self = of(user);
        if (frame->hd.type == NGHTTP2_RST_STREAM && self.options_.onReset)
            self.options_.onReset(frame->hd.stream_id, frame->rst_stream.error_code);
        if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
            return 0;
        Http2Request& request = self.requests_[frame->hd.stream_id];
        if (!std::exchange(request.headDone, true) && self.options_.onHead)
            self.options_.onHead(self, request);
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && !std::exchange(request.ended, true))
            if (self.options_.onEnd)
                self.options_.onEnd(self, request);
        return 0;
    }

    static ssize_t read(nghttp2_session* session, std::int32_t id, std::uint8_t* out,
                        std::size_t room, std::uint32_t* flags, nghttp2_data_source*, void* user) {
        Outgoing& body = of(user).outgoing_[id];
        const std::size_t size = std::min(room, body.bytes.size() - body.sent);
        std::memcpy(out, body.bytes.data() + body.sent, size);
        body.sent += size;
        if (body.sent != body.bytes.size())
            return static_cast<ssize_t>(size);
        body.bytes.clear();
        body.sent = 0;
        if (!body.complete) {
            body.deferred = size == 0;
            return size != 0 ? static_cast<ssize_t>(size)
                             : static_cast<ssize_t>(NGHTTP2_ERR_DEFERRED);
        }
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (!body.trailers.empty()) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            const auto fields = pack(body.trailers);
            nghttp2_submit_trailer(session, id, fields.data(), fields.size());
        }
        return static_cast<ssize_t>(size);
    }
};

Http2Endpoint::Http2Endpoint(Options options) : options_(std::move(options)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &Callbacks::header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &Callbacks::data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &Callbacks::frame);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, options_.autoWindow ? 0 : 1);
    nghttp2_session_server_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, options_.settings.data(),
                            options_.settings.size());
}

Http2Endpoint::~Http2Endpoint() {
    nghttp2_session_del(session_);
}

std::string Http2Endpoint::output() {
    std::string bytes;
    const std::uint8_t* part = nullptr;
    for (ssize_t size; (size = nghttp2_session_mem_send(session_, &part)) > 0;)
        bytes.append(text(part, static_cast<std::size_t>(size)));
    return bytes;
}

void Http2Endpoint::serve(RawConnection& connection) {
    for (;;) {
        const std::string bytes = output();
        if (!bytes.empty() && !connection.send(bytes))
            return;
        if (over_)
            return;
        const std::string got = connection.readSome();
        if (got.empty() ||
            nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(got.data()),
                                     got.size()) < 0)
            return;
    }
}

ScriptedEndpoint::Script Http2Endpoint::script(Options options) {
    return [options = std::move(options)](RawConnection& connection, int) {
        Http2Endpoint(options).serve(connection);
    };
}

void Http2Endpoint::interim(std::int32_t id, const std::string& status, const Http2Fields& fields) {
    const Http2Fields all = withStatus(status, fields);
    const auto packed = pack(all);
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, packed.data(), packed.size(),
                           nullptr);
}

void Http2Endpoint::begin(std::int32_t id, const std::string& status, const Http2Fields& fields) {
    outgoing_[id] = {};
    outgoing_[id].complete = false;
    const Http2Fields all = withStatus(status, fields);
    const auto packed = pack(all);
    nghttp2_data_provider provider{};
    provider.read_callback = &Callbacks::read;
    nghttp2_submit_response(session_, id, packed.data(), packed.size(), &provider);
}

void Http2Endpoint::more(std::int32_t id, const std::string& bytes) {
    outgoing_[id].bytes += bytes;
    if (std::exchange(outgoing_[id].deferred, false))
        nghttp2_session_resume_data(session_, id);
}

void Http2Endpoint::last(std::int32_t id, const Http2Fields& trailers) {
    outgoing_[id].complete = true;
    outgoing_[id].trailers = trailers;
    more(id, {});
}

void Http2Endpoint::respond(std::int32_t id, const std::string& status, const Http2Fields& fields,
                            std::string body, const Http2Fields& trailers) {
    begin(id, status, fields);
    outgoing_[id].bytes = std::move(body);
    outgoing_[id].complete = true;
    outgoing_[id].trailers = trailers;
}

void Http2Endpoint::respondBare(std::int32_t id, const std::string& status,
                                const Http2Fields& fields) {
    const Http2Fields all = withStatus(status, fields);
    const auto packed = pack(all);
    nghttp2_submit_response(session_, id, packed.data(), packed.size(), nullptr);
}

void Http2Endpoint::reset(std::int32_t id, std::uint32_t code) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, code);
}

void Http2Endpoint::goAway(std::int32_t lastId) {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, lastId, NGHTTP2_NO_ERROR, nullptr, 0);
}

}  // namespace evergate::test
