// SPDX-License-Identifier: Apache-2.0
// Calls of gRPC-Web, for routes that translate them: what http/grpc_web says of the heads, and
// filters around both bodies.
#include "common/model/backend_protocol.hpp"
#include "dataplane/http/grpc.hpp"
#include "dataplane/session/exchange.hpp"

namespace evergate::session {

using http::ProxyError;

// gRPC itself needs HTTP/2: other endpoints may know gRPC-Web, and get it as it is.
void Exchange::noteGrpcWeb(const http::RequestHead& head) {
    if (!model::speaksHttp2(context_.registry.backend(target_->backendId).policy->protocol))
        return;
    auto said = http::grpcWebOf(head);
    if (!said)
        return;
    web_ = std::make_unique<GrpcWebCall>(*std::move(said));
    grpc_ = true;
    grpcTimeout_ = http::parseGrpcTimeout(head.grpcTimeout);
}

// The first bytes of a request's body, of routes with a policy.
Framed Exchange::frameFirst(char* body, std::size_t size, ProxyError& refusal) {
    up_.limitTo(extras_->maxBodyBytes);
    if (!web_ || !web_->said.textRequest || up_.inputDone())
        return up_.frame(body, size);
    up_.filterBy(web_->request);
    const Framed first = up_.frameFiltered(body, size);
    if (up_.filterFailed() && refusal == ProxyError::none)
        refusal = ProxyError::badGrpcWeb;
    return first;
}

// True: the response in context_.responseHead goes through a filter.
bool Exchange::beginFilter() {
    if (!web_ || !http::isGrpcAnswer(context_.responseHead))
        return extras_->compression && beginCoding();
    webAnswer_ = true;
    return true;
}

http::BodyFilter& Exchange::responseFilter() noexcept {
    if (webAnswer_)
        return web_->answer;
    return *compressor_;
}

std::string Exchange::webFields(const http::HeadEdits& edits) {
    std::string status;
    std::string text = http::becomeGrpcWeb(web_->said, edits, context_.responseHead, status);
    web_->answer.addStatus(status);
    return text;
}

std::size_t Exchange::grpcReply(const http::ErrorReply& reply, char* out,
                                std::size_t capacity) const {
    return web_ ? http::composeGrpcWebReply(web_->said, reply, out, capacity)
                : http::composeGrpcReply(reply, out, capacity);
}

std::string Exchange::failedCallTrailers() const {
    const bool told = grpc_ && outcome_ == Outcome::abort;
    return told ? http::composeGrpcTrailers(error_) : std::string();
}

void Exchange::endFilters() {
    if (compressor_)
        endCoding();
    down_.dropUnfiltered();
    if (web_)
        grpc_ = false;  // what gRPC-Web's clients take for trailers is in the body
    web_.reset();
    webAnswer_ = false;
}

}  // namespace evergate::session
