// SPDX-License-Identifier: Apache-2.0
// Compression of responses, for routes that ask for it. What is decided by the heads is in
// dataplane/http/coded_response; the body goes through a filter in its BodyFlow.
#include "dataplane/http/character_classes.hpp"
#include "dataplane/session/exchange.hpp"

namespace evergate::session {

using http::CodingPlan;
using http::CompressorSize;
using http::ContentCoding;
using http::Framing;
using http::ProxyError;

namespace {

// Shorter bodies see no difference between a large window and a small one.
constexpr std::uint64_t kShort = 8 * 1024;
// A longer head does not fit into one large buffer with what the first read may have brought of the
// body, if that does not get any shorter.
constexpr std::size_t kLongHead = 4 * 1024;

CompressorSize sizeFor(const http::ResponseHead& head) noexcept {
    if (head.framing == Framing::length && head.contentLength <= kShort)
        return CompressorSize::little;
    for (const http::HeaderField& field : head.fields) {
        if (http::equalsIgnoreCase(field.name, "content-type"))
            return field.value.starts_with("text/event-stream") ? CompressorSize::little
                                                                : CompressorSize::normal;
    }
    return CompressorSize::normal;
}

}  // namespace

// HTTP/1.0 has no chunks, and a body that ends with the connection is no bargain for a shorter one.
void Exchange::negotiateCoding(const http::RequestHead& head) {
    coding_ = head.minorVersion == 0
                  ? ContentCoding::identity
                  : http::acceptedCodings(head).best(extras_->compression->codings);
    weakTagHeld_ = coding_ != ContentCoding::identity && http::holdsWeakTag(head);
}

// True: the body of the response in context_.responseHead goes through compressor_.
bool Exchange::beginCoding() {
    const http::ResponseHead& head = context_.responseHead;
    const http::HeadEdits edits{&extras_->response.drop, extras_->response.add, {}};
    codingPlan_ = http::planCoding(head,
                                   {extras_->compression->types(), extras_->compression->minBytes,
                                    coding_, headRequest_, weakTagHeld_},
                                   edits);
    if (codingPlan_ != CodingPlan::code || head.framing == Framing::none)
        return false;
    if (head.headBytes + edits.size() <= kLongHead)
        compressor_ = context_.compressors.take(coding_, sizeFor(head));
    if (!compressor_)
        codingPlan_ = CodingPlan::vary;
    return compressor_ != nullptr;
}

// What the plan adds to the head; fields it replaces are left out of it.
std::string Exchange::codingFields(const http::HeadEdits& edits) {
    std::string text;
    http::applyPlan(std::exchange(codingPlan_, CodingPlan::none), coding_, edits,
                    context_.responseHead, text);
    return text;
}

// As sendComposed(): head and body leave in one send.
bool Exchange::sendCoded(std::string_view head, char* body, const char* end) {
    const auto size = static_cast<std::size_t>(end - body);
    const Framed in = down_.strip(body, size);
    if (down_.failed()) {
        endpoint_->noteFailure();
        fail(ProxyError::upstreamBadResponse, down_.detail());
        return false;
    }
    responseStarted_ = true;
    extraUpstreamBytes_ = in.consumed < size;
    if (down_.sendFirst(context_, *client_, head, in))
        return true;
    cut(down_.filterFailed() ? ProxyError::bufferMemory : ProxyError::clientClosed);
    return false;
}

void Exchange::endCoding() {
    context_.compressors.giveBack(std::move(compressor_));
}

}  // namespace evergate::session
