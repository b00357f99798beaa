// SPDX-License-Identifier: Apache-2.0
// One grpc.health.v1.Health/Check, or one GET, over HTTP/2, apart from its socket: bytes in, bytes
// out, a verdict. https://github.com/grpc/grpc/blob/master/doc/health-checking.md and
// PROTOCOL-HTTP2.md.
//
// nghttp2 speaks the HTTP/2; the messages are two fields of protobuf, written and read here. What
// the endpoint sends beyond the little that is expected is not kept. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "dataplane/health/probe_result.hpp"

struct nghttp2_session;

namespace evergate::health {

struct GrpcQuestion {
    std::string authority;
    std::string service;  // empty: the server as a whole
    bool tls = false;
    std::chrono::milliseconds timeout{1'000};  // said to the endpoint
    std::string get{};                         // instead: the path of a GET, answered by any status
};

class GrpcCheck {
public:
    explicit GrpcCheck(const GrpcQuestion& question);
    ~GrpcCheck();
    GrpcCheck(const GrpcCheck&) = delete;
    GrpcCheck& operator=(const GrpcCheck&) = delete;

    // What is to be sent now.
    std::string output();
    void take(std::string_view bytes);

    bool done() const noexcept { return done_; }

    const ProbeResult& result() const noexcept { return result_; }  // once done

    unsigned httpStatus() const noexcept;  // once done; 0: there was none

private:
    struct Callbacks;

    void submit(const GrpcQuestion& question);
    bool submitGet(const GrpcQuestion& question);
    bool submitCheck(const GrpcQuestion& question);
    void judge(std::uint32_t streamError);
    void noteEnd();
    void fail(const char* step, int error);
    void finish(bool good, std::string detail);

    struct Free {
        void operator()(nghttp2_session* session) const noexcept;
    };

    std::unique_ptr<nghttp2_session, Free> session_;
    std::string request_;  // what of the message is still to be sent
    std::string response_;
    std::string status_;      // of HTTP
    std::string grpcStatus_;  // a number
    ProbeResult result_;
    const bool isGet_;
    bool done_ = false;
    bool broken_ = false;
};

// The message around a HealthCheckRequest for this service.
std::string composeHealthRequest(std::string_view service);

// What a HealthCheckResponse in its message says: 1 is SERVING; -1: it is none.
int parseHealthResponse(std::string_view message) noexcept;

}  // namespace evergate::health
