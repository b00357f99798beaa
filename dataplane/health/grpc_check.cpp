// SPDX-License-Identifier: Apache-2.0
#include "dataplane/health/grpc_check.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <iterator>
#include <new>
#include <utility>

namespace evergate::health {
namespace {

constexpr std::size_t kPrefix = 5;          // compressed or not, length
constexpr std::size_t kMaxResponse = 1024;  // more than any answer needs
constexpr std::size_t kMaxValue = 32;       // of a status we keep
constexpr std::uint32_t kMaxHeaders = 16 * 1024;
constexpr std::string_view kPath = "/grpc.health.v1.Health/Check";

nghttp2_nv field(std::string_view name, std::string_view value) noexcept {
    // nghttp2 copies both and changes neither.
    const auto bytes = [](std::string_view text) {
        return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };
    return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// Protobuf: the next number of `rest`; false: it does not end.
bool takeVarint(std::string_view& rest, std::uint64_t& value) noexcept {
    value = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
        const auto byte = static_cast<std::uint8_t>(rest.front());
        rest.remove_prefix(1);
        value |= std::uint64_t{byte & 0x7fu} << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

// Protobuf: passes over the value of a field we do not know.
bool skip(std::string_view& rest, unsigned wireType) noexcept {
    std::uint64_t size = 0;
    switch (wireType) {
        case 0:
            return takeVarint(rest, size);
        case 1:
            size = 8;
            break;
        case 2:
            if (!takeVarint(rest, size))
                return false;
            break;
        case 5:
            size = 4;
            break;
        default:
            return false;
    }
    if (size > rest.size())
        return false;
    rest.remove_prefix(static_cast<std::size_t>(size));
    return true;
}

std::string_view nameOfStatus(int status) noexcept {
    static constexpr std::array<std::string_view, 4> kNames{"UNKNOWN", "SERVING", "NOT_SERVING",
                                                            "SERVICE_UNKNOWN"};
    return status >= 0 && status < static_cast<int>(kNames.size())
               ? kNames[static_cast<std::size_t>(status)]
               : "UNKNOWN";
}

// Those an endpoint without this service, or without this check, is likely to answer.
std::string_view nameOfGrpc(std::string_view status) noexcept {
    if (status == "4")
        return " (deadline exceeded)";
    if (status == "5")
        return " (service not found)";
    if (status == "12")
        return " (no health service)";
    if (status == "14")
        return " (unavailable)";
    return {};
}

}  // namespace

std::string composeHealthRequest(std::string_view service) {
    std::string body;
    if (!service.empty()) {
        body += '\x0a';  // field 1, bytes
        for (std::size_t size = service.size(); true; size >>= 7) {
            body += static_cast<char>((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
            if (size <= 0x7f)
                break;
        }
        body.append(service);
    }
    std::string message(1, '\0');
    for (int shift = 24; shift >= 0; shift -= 8)
        message += static_cast<char>(body.size() >> shift & 0xff);
    return message + body;
}

int parseHealthResponse(std::string_view message) noexcept {
    if (message.size() < kPrefix || message[0] != '\0')
        return -1;
    std::size_t size = 0;
    for (std::size_t i = 1; i < kPrefix; ++i)
        size = size << 8 | static_cast<std::uint8_t>(message[i]);
    std::string_view rest = message.substr(kPrefix);
    if (size != rest.size())
        return -1;
    std::uint64_t status = 0;
    while (!rest.empty()) {
        std::uint64_t key = 0;
        if (!takeVarint(rest, key))
            return -1;
        if (key == 0x08) {  // field 1, a number
            if (!takeVarint(rest, status))
                return -1;
        } else if (!skip(rest, static_cast<unsigned>(key & 7))) {
            return -1;
        }
    }
    return static_cast<int>(std::min<std::uint64_t>(status, 127));
}

struct GrpcCheck::Callbacks {
    static GrpcCheck& of(void* user) noexcept { return *static_cast<GrpcCheck*>(user); }

    static int header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                      std::size_t nameSize, const std::uint8_t* value, std::size_t valueSize,
                      std::uint8_t, void* user) {
        const std::string_view key(reinterpret_cast<const char*>(name), nameSize);
        const std::string_view text(reinterpret_cast<const char*>(value), valueSize);
        if (key == ":status")
            of(user).status_ = text.substr(0, kMaxValue);
        if (key == "grpc-status")
            of(user).grpcStatus_ = text.substr(0, kMaxValue);
        return 0;
    }

    static int data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* bytes,
                    std::size_t size, void* user) {
        if (of(user).isGet_)
            return 0;  // its head was enough
        std::string& response = of(user).response_;
        if (size > kMaxResponse - response.size())
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        response.append(reinterpret_cast<const char*>(bytes), size);
        return 0;
    }

    static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        GrpcCheck& self = of(user);
        if (self.isGet_ && frame->hd.type == NGHTTP2_HEADERS && self.httpStatus() >= 200)
            self.finish(true, "status " + self.status_);
        return 0;
    }

    static int closed(nghttp2_session*, std::int32_t, std::uint32_t error, void* user) {
        of(user).judge(error);
        return 0;
    }

    static ssize_t body(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t room,
                        std::uint32_t* flags, nghttp2_data_source* source, void*) {
        std::string& request = static_cast<GrpcCheck*>(source->ptr)->request_;
        const std::size_t size = std::min(room, request.size());
        std::memcpy(out, request.data(), size);
        request.erase(0, size);
        if (request.empty())
            *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(size);
    }
};

void GrpcCheck::Free::operator()(nghttp2_session* session) const noexcept {
    nghttp2_session_del(session);
}

GrpcCheck::GrpcCheck(const GrpcQuestion& question)
    : request_(composeHealthRequest(question.service)), isGet_(!question.get.empty()) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session* session = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) == 0) {
        nghttp2_session_callbacks_set_on_header_callback(callbacks, &Callbacks::header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &Callbacks::data);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &Callbacks::frame);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &Callbacks::closed);
        nghttp2_session_client_new(&session, callbacks, this);
        nghttp2_session_callbacks_del(callbacks);
    }
    if (session == nullptr)
        throw std::bad_alloc();  // the check could not be made
    session_.reset(session);
    submit(question);
}

GrpcCheck::~GrpcCheck() = default;

void GrpcCheck::submit(const GrpcQuestion& question) {
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMaxHeaders}};
    const bool submitted = nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings,
                                                   std::size(settings)) == 0 &&
                           (isGet_ ? submitGet(question) : submitCheck(question));
    if (!submitted)
        finish(false, "request: could not be made");
}

bool GrpcCheck::submitCheck(const GrpcQuestion& question) {
    const std::string timeout = std::to_string(question.timeout.count()) + "m";  // milliseconds
    const nghttp2_nv fields[] = {field(":method", "POST"),
                                 field(":scheme", question.tls ? "https" : "http"),
                                 field(":path", kPath),
                                 field(":authority", question.authority),
                                 field("te", "trailers"),
                                 field("content-type", "application/grpc"),
                                 field("user-agent", "evergate-health-check"),
                                 field("grpc-timeout", timeout)};
    nghttp2_data_provider body{};
    body.source.ptr = this;
    body.read_callback = &Callbacks::body;
    return nghttp2_submit_request(session_.get(), nullptr, fields, std::size(fields), &body,
                                  nullptr) >= 0;
}

bool GrpcCheck::submitGet(const GrpcQuestion& question) {
    const nghttp2_nv fields[] = {field(":method", "GET"),
                                 field(":scheme", question.tls ? "https" : "http"),
                                 field(":path", question.get),
                                 field(":authority", question.authority),
                                 field("user-agent", "evergate-health-check"),
                                 field("accept", "*/*")};
    return nghttp2_submit_request(session_.get(), nullptr, fields, std::size(fields), nullptr,
                                  nullptr) >= 0;
}

unsigned GrpcCheck::httpStatus() const noexcept {
    unsigned status = 0;
    std::from_chars(status_.data(), status_.data() + status_.size(), status);
    return status;
}

std::string GrpcCheck::output() {
    std::string bytes;
    if (broken_)
        return bytes;
    // Not from within a callback: nghttp2 asserts that nothing it receives follows this.
    if (done_)
        nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
    for (;;) {
        const std::uint8_t* part = nullptr;
        const ssize_t size = nghttp2_session_mem_send(session_.get(), &part);
        if (size < 0)
            fail("request: ", static_cast<int>(size));
        if (size <= 0)
            break;
        bytes.append(reinterpret_cast<const char*>(part), static_cast<std::size_t>(size));
    }
    if (!broken_)
        noteEnd();
    return bytes;
}

// After this the session is good for nothing.
void GrpcCheck::fail(const char* step, int error) {
    broken_ = true;
    const bool tooLong = error == NGHTTP2_ERR_CALLBACK_FAILURE;
    finish(false, std::string(step) + (tooLong ? "too long" : nghttp2_strerror(error)));
}

// After an error of the whole connection, or the endpoint's GOAWAY, nothing more will come.
void GrpcCheck::noteEnd() {
    if (nghttp2_session_want_read(session_.get()) == 0)
        finish(false, "response: no HTTP/2");
}

void GrpcCheck::take(std::string_view bytes) {
    if (done_)
        return;
    const ssize_t taken = nghttp2_session_mem_recv(
        session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (taken < 0)
        return fail("response: ", static_cast<int>(taken));
    noteEnd();
}

void GrpcCheck::judge(std::uint32_t streamError) {
    if (streamError != NGHTTP2_NO_ERROR) {
        const char* const error = nghttp2_http2_strerror(streamError);
        return finish(false, std::string("response: stream ended with ") + error);
    }
    if (status_ != "200" || isGet_)
        return finish(false, "status " + status_);
    if (grpcStatus_.empty())
        return finish(false, "response: no grpc-status");
    if (grpcStatus_ != "0")
        return finish(false, "grpc-status " + grpcStatus_ + std::string(nameOfGrpc(grpcStatus_)));
    const int status = parseHealthResponse(response_);
    if (status < 0)
        return finish(false, "response: no HealthCheckResponse");
    finish(status == 1, std::string(nameOfStatus(status)));
}

// The first word counts.
void GrpcCheck::finish(bool good, std::string detail) {
    if (done_)
        return;
    done_ = true;
    result_ = {good, std::move(detail)};
}

}  // namespace evergate::health
