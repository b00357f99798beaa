// SPDX-License-Identifier: Apache-2.0
// The little of gRPC over HTTP/2 a proxy must know: whose requests they are, their deadlines, and
// how an error is said to them
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/http/compose.hpp"

namespace evergate::http {

// "application/grpc", alone or with what follows '+' or ';'; not gRPC-Web.
bool isGrpc(std::string_view contentType) noexcept;

// grpc-timeout: up to eight digits and a unit; rounded up. 0: there is none, or it is none.
std::chrono::milliseconds parseGrpcTimeout(std::string_view value) noexcept;

// What a reply of ours with this HTTP status means to gRPC
// (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md). Unlike there, a
// deadline that passed here is DEADLINE_EXCEEDED and a limit of ours RESOURCE_EXHAUSTED.
unsigned grpcStatusOf(std::uint16_t httpStatus) noexcept;

// As composeErrorReply(), for a gRPC request: HTTP 200 with grpc-status and grpc-message, without a
// body (a "trailers-only" response).
std::size_t composeGrpcReply(const ErrorReply& reply, char* out, std::size_t capacity) noexcept;

// For a call whose response is on its way already: the trailer fields that end it, each with its
// line end. Empty: nobody is left to tell.
std::string composeGrpcTrailers(ProxyError error);

}  // namespace evergate::http
