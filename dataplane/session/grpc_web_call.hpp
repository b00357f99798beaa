// SPDX-License-Identifier: Apache-2.0
// What an Exchange keeps of a gRPC-Web request that it translates: made when that is known, gone
// with the exchange's end. One worker thread.
#pragma once

#include <string>
#include <utility>

#include "dataplane/http/grpc_web.hpp"
#include "dataplane/http/grpc_web_body.hpp"

namespace evergate::session {

struct GrpcWebCall {
    explicit GrpcWebCall(http::GrpcWeb with) : said(std::move(with)), answer(said.textAnswer) {}

    const http::GrpcWeb said;
    std::string type;          // the request's content type from here on
    http::Base64Body request;  // said.textRequest: what its body goes through
    http::GrpcWebBody answer;
};

}  // namespace evergate::session
