// SPDX-License-Identifier: Apache-2.0
// What a route wants besides a backend: who may come, how much, under which path, with which
// headers. Only requests of routes that ask for something get here.
#include "dataplane/http/request_target.hpp"
#include "dataplane/session/exchange.hpp"

namespace evergate::session {

using http::ProxyError;

// Says why the request is refused, or none: then it goes on, or redirect_ is set.
ProxyError Exchange::applyPolicy(const http::RequestHead& head, std::string_view normalPath) {
    extras_ = target_->policy.get();
    if (extras_->sources && !extras_->sources->contains(clientAddress_->mapped()))
        return ProxyError::forbiddenSource;
    redirect_ = extras_->redirectToHttps && listener_->protocol != model::ListenerProtocol::https;
    if (redirect_)
        return ProxyError::none;
    if (extras_->maxBodyBytes != 0 && head.framing == http::Framing::length &&
        head.contentLength > extras_->maxBodyBytes)
        return ProxyError::bodyTooLarge;
    if (extras_->rewrite)
        rewriteTarget(head, normalPath);
    return ProxyError::none;
}

void Exchange::rewriteTarget(const http::RequestHead& head, std::string_view normalPath) {
    extras_->rewrite->apply(head.path, normalPath, rewritten_);
    rewritten_ += head.target.substr(head.path.size());  // the query
    if (context_.log != nullptr)
        receivedTarget_ = head.target;
    context_.requestHead.target = rewritten_;
}

// sending => replying
void Exchange::replyRedirect() {
    const RequestLine line = composedLine();
    std::string_view host;
    http::readAuthority(line.authority, host);
    const bool close = endsWithReply(ProxyError::none);
    const std::string text =
        http::composeRedirect({host, extras_->redirectPort, line.target, close, context_.date()});
    if (text.empty())
        return fail(ProxyError::badRequest, "no host to redirect to");
    status_ = 308;
    sendReply(text, close);
}

void Exchange::badRequestBody() {
    if (up_.overLimit())
        return fail(ProxyError::bodyTooLarge);
    fail(ProxyError::badChunk, up_.detail());
}

bool Exchange::sendEdited(http::ResponseFacts facts, char* body, char* end, net::Buffer& buffer) {
    http::HeadEdits edits;
    if (extras_ != nullptr)
        edits = {&extras_->response.drop, extras_->response.add, {}};
    const std::string cookie = affinityCookie();
    edits.more = cookie;
    facts.edits = &edits;
    return sendComposed(facts, body, end, buffer);
}

}  // namespace evergate::session
