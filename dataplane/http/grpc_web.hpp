// SPDX-License-Identifier: Apache-2.0
// gRPC-Web, which browsers speak, to gRPC over HTTP/2 and back: whose requests it is, what becomes
// of the heads, and how an error is said to them. The bodies are grpc_web_body's. Pure.
//
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md; where it leaves something open, as
// Envoy's grpc_web filter does it. The status always comes in the body: scripts of other origins
// can read that without being allowed to see header fields.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/http/compose.hpp"
#include "dataplane/http/head.hpp"

namespace evergate::http {

// What a client of gRPC-Web said about its call.
struct GrpcWeb {
    bool textRequest = false;  // its body comes in base64
    bool textAnswer = false;   // and what it gets is to be
    std::string format;        // of the messages: "+proto"; empty: not said
};

// By its method and Content-Type; the answer's by Accept, else as the request. Not of HTTP/1.0: the
// length of an answer is not known when it begins.
std::optional<GrpcWeb> grpcWebOf(const RequestHead& head);

// Makes it a request of gRPC; a body in base64 loses its length. `type` gets the content type that
// `head` then refers to.
void becomeGrpc(const GrpcWeb& web, RequestHead& head, std::string& type);

// Is it an answer of gRPC? Any other reaches the client as it is.
bool isGrpcAnswer(const ResponseHead& head) noexcept;

// Marks those fields of the answer as left out that change, and returns what the head says instead,
// each field with its CRLF (for HeadEdits::more). `status` gets what is said in the body: an
// answer that has nothing but trailers has them in its head, the status and what goes with it.
std::string becomeGrpcWeb(const GrpcWeb& web, const HeadEdits& edits, ResponseHead& head,
                          std::string& status);

// As composeGrpcReply(): with the status as the only frame of the body.
std::size_t composeGrpcWebReply(const GrpcWeb& web, const ErrorReply& reply, char* out,
                                std::size_t capacity);

}  // namespace evergate::http
