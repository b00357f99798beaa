// SPDX-License-Identifier: Apache-2.0
// What a route wants besides a backend: who may come, how much, under which path, with which
// headers. Only requests of routes that ask for something get here.
#include "dataplane/http/request_target.hpp"
#include "dataplane/session/client_address.hpp"
#include "dataplane/session/exchange.hpp"
#include "dataplane/tls/server_certificates.hpp"

namespace evergate::session {

using http::ProxyError;

// A scheme in the target (RFC 9110 §7.4) and a limit of hops (§7.6.2).
ProxyError Exchange::checkTarget(const http::RequestHead& head) {
    if (head.secureTarget && !clientUsesTls())
        return ProxyError::misdirected;
    if (head.maxForwards != 0)
        return ProxyError::none;
    if (head.method == "TRACE")
        return ProxyError::methodNotSupported;  // nobody shall see here what proxies before us
                                                // added
    redirect_ = lastHop_ = true;
    return ProxyError::none;
}

// Says why the request is refused, or none: then it goes on, or redirect_ is set.
ProxyError Exchange::applyPolicy(const http::RequestHead& head, std::string_view normalPath) {
    extras_ = target_->policy.get();
    if (extras_->grpcWeb)
        noteGrpcWeb(head);
    if (extras_->sources && !extras_->sources->contains(clientAddress_->mapped()))
        return ProxyError::forbiddenSource;
    redirect_ = extras_->redirectToHttps && !clientUsesTls();
    if (redirect_)
        return ProxyError::none;
    if (extras_->needsVerifiedClient || extras_->tellsClient) {
        identity_ = verifiedClient(head.host);
        if (identity_ == nullptr && extras_->needsVerifiedClient)
            return ProxyError::clientUnverified;
    }
    if (extras_->maxBodyBytes != 0 && head.framing == http::Framing::length &&
        head.contentLength > extras_->maxBodyBytes)
        return ProxyError::bodyTooLarge;
    if (extras_->rewrite)
        rewriteTarget(head, normalPath);
    if (extras_->compression)
        negotiateCoding(head);
    if (web_)
        http::becomeGrpc(web_->said, context_.requestHead, web_->type);
    return ProxyError::none;
}

// The peer may be a proxy that says whose request this is.
void Exchange::believeProxy(const http::RequestHead& head) {
    const routing::Snapshot& snapshot = *snapshot_->snapshot;
    peerTrusted_ = snapshot.trustedProxies->contains(clientAddress_->mapped());
    if (!peerTrusted_)
        return;
    const SaidClient said =
        saidClient(head, snapshot.settings.clientAddressHeader, *snapshot.trustedProxies);
    proxiedTls_ = said.https;
    if (said.address) {
        saidClient_ = *said.address;
        clientAddress_ = &saidClient_;
    }
}

bool Exchange::clientUsesTls() const noexcept {
    return proxiedTls_ || listener_->protocol == model::ListenerProtocol::https;
}

// Null: nobody was verified by the rules that hold for this host now. The handshake may have been
// for another host, whose rules are others, or before they changed.
const net::PeerIdentity* Exchange::verifiedClient(std::string_view host) const {
    const net::StreamLayer* const layer = client_->layer();
    const net::PeerIdentity* const peer = layer == nullptr ? nullptr : layer->verifiedPeer();
    const auto& certificates = snapshot_->snapshot->certificates;
    if (peer == nullptr || !certificates)
        return nullptr;
    const tls::ClientRules* const rules = certificates->clientsOf(host);
    return rules != nullptr && rules->id() == peer->rules ? peer : nullptr;
}

std::string Exchange::clientFields() const {
    if (identity_ == nullptr)
        return "X-SSL-Client-Verify: NONE\r\n";
    std::string text = "X-SSL-Client-Verify: SUCCESS\r\n";
    const auto add = [&text](const char* name, const std::string& value) {
        if (!value.empty())
            text.append("X-SSL-Client-").append(name).append(": ").append(value).append("\r\n");
    };
    add("Subject", identity_->subject);
    add("Issuer", identity_->issuer);
    add("Serial", identity_->serial);
    add("Fingerprint", identity_->fingerprint);
    return text;
}

void Exchange::rewriteTarget(const http::RequestHead& head, std::string_view normalPath) {
    extras_->rewrite->apply(head.path, normalPath, rewritten_);
    rewritten_ += head.target.substr(head.path.size());  // the query
    if (context_.log != nullptr)
        receivedTarget_ = head.target;
    context_.requestHead.target = rewritten_;
}

// sending => replying
void Exchange::replyOurselves() {
    const std::string_view server = context_.settings().serverName;
    if (lastHop_) {
        const bool last = endsWithReply(ProxyError::none);
        status_ = 200;
        return sendReply(http::composeOptionsReply(last, context_.date(), server), last);
    }
    const RequestLine line = composedLine();
    std::string_view host;
    http::readAuthority(line.authority, host);
    const bool close = endsWithReply(ProxyError::none);
    const std::string text = http::composeRedirect(
        {host, extras_->redirectPort, line.target, close, context_.date(), server});
    if (text.empty())
        return fail(ProxyError::badRequest, "no host to redirect to");
    status_ = 308;
    sendReply(text, close);
}

void Exchange::badRequestBody() {
    if (up_.overLimit())
        return fail(ProxyError::bodyTooLarge);
    if (up_.filterFailed())
        return fail(ProxyError::badGrpcWeb);
    fail(ProxyError::badChunk, up_.detail());
}

bool Exchange::sendEdited(http::ResponseFacts facts, char* body, char* end, net::Buffer& buffer) {
    http::HeadEdits edits;
    if (extras_ != nullptr)
        edits = {&extras_->response.drop, extras_->response.add, {}};
    std::string more = affinityCookie();
    if (codingPlan_ != http::CodingPlan::none) [[unlikely]]
        more += codingFields(edits);
    if (webAnswer_) [[unlikely]]
        more += webFields(edits);
    edits.more = more;
    facts.edits = &edits;
    return sendComposed(facts, body, end, buffer);
}

}  // namespace evergate::session
