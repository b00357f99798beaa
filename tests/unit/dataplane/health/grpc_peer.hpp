// SPDX-License-Identifier: Apache-2.0
// A gRPC server for one question at a time, over any RawConnection: says what a test wants said.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstring>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "tests/support/raw_connection.hpp"

namespace evergate::test {

struct GrpcAnswer {
    std::string status = "200";
    std::string message{"\0\0\0\0\2\x08\x01", 7};  // SERVING
    std::string grpcStatus = "0";                  // empty: none is sent
    bool trailersOnly = false;                     // without a message, as errors come
};

class GrpcPeer {
public:
    explicit GrpcPeer(GrpcAnswer answer) : answer_(std::move(answer)) {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, &onHeader);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &onData);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &onFrame);
        nghttp2_session_server_new(&session_, callbacks, this);
        nghttp2_session_callbacks_del(callbacks);
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
    }

    ~GrpcPeer() { nghttp2_session_del(session_); }

    GrpcPeer(const GrpcPeer&) = delete;
    GrpcPeer& operator=(const GrpcPeer&) = delete;

    // Until the other side leaves.
    void serve(RawConnection& connection) {
        for (;;) {
            if (!connection.send(output()))
                return;
            const std::string byte = connection.readExactly(1);
            if (byte.empty() || !take(byte))
                return;
        }
    }

    std::string output() {
        std::string bytes;
        const std::uint8_t* part = nullptr;
        for (ssize_t size; (size = nghttp2_session_mem_send(session_, &part)) > 0;)
            bytes.append(reinterpret_cast<const char*>(part), static_cast<std::size_t>(size));
        return bytes;
    }

    bool take(const std::string& bytes) {
        return nghttp2_session_mem_recv(session_,
                                        reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                        bytes.size()) >= 0;
    }

    const std::map<std::string, std::string>& headers() const { return headers_; }

    const std::string& message() const { return message_; }  // what was asked

private:
    static GrpcPeer& of(void* user) { return *static_cast<GrpcPeer*>(user); }

    static nghttp2_nv field(const std::string& name, const std::string& value) {
        const auto bytes = [](const std::string& text) {
            return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
        };
        return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
    }

    static int onHeader(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                        std::size_t nameSize, const std::uint8_t* value, std::size_t valueSize,
                        std::uint8_t, void* user) {
        of(user).headers_[{reinterpret_cast<const char*>(name), nameSize}] = {
            reinterpret_cast<const char*>(value), valueSize};
        return 0;
    }

    static int onData(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* bytes,
                      std::size_t size, void* user) {
        of(user).message_.append(reinterpret_cast<const char*>(bytes), size);
        return 0;
    }

    static int onFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
            of(user).answer(frame->hd.stream_id);
        return 0;
    }

    void answer(std::int32_t stream) {
        const std::string names[] = {":status", "content-type", "grpc-status"};
        const std::string type = "application/grpc";
        const nghttp2_nv fields[] = {field(names[0], answer_.status), field(names[1], type),
                                     field(names[2], answer_.grpcStatus)};
        nghttp2_data_provider body{};
        body.source.ptr = this;
        body.read_callback = &onRead;
        const bool withStatus = answer_.trailersOnly && !answer_.grpcStatus.empty();
        nghttp2_submit_response(session_, stream, fields, withStatus ? 3 : 2,
                                answer_.trailersOnly ? nullptr : &body);
    }

    static ssize_t onRead(nghttp2_session* session, std::int32_t stream, std::uint8_t* out,
                          std::size_t room, std::uint32_t* flags, nghttp2_data_source* source,
                          void*) {
        GrpcPeer& self = *static_cast<GrpcPeer*>(source->ptr);
        const std::size_t size = std::min(room, self.answer_.message.size());
        std::memcpy(out, self.answer_.message.data(), size);
        self.answer_.message.erase(0, size);
        if (!self.answer_.message.empty())
            return static_cast<ssize_t>(size);
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (!self.answer_.grpcStatus.empty()) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            const std::string name = "grpc-status";
            const nghttp2_nv trailer = field(name, self.answer_.grpcStatus);
            nghttp2_submit_trailer(session, stream, &trailer, 1);
        }
        return static_cast<ssize_t>(size);
    }

    GrpcAnswer answer_;
    nghttp2_session* session_ = nullptr;
    std::map<std::string, std::string> headers_;
    std::string message_;
};

}  // namespace evergate::test
