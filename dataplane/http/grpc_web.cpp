// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/grpc_web.hpp"

#include <algorithm>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/grpc.hpp"
#include "dataplane/http/grpc_web_body.hpp"
#include "dataplane/http/head_edits.hpp"
#include "dataplane/http/head_reader.hpp"
#include "dataplane/http/head_writer.hpp"

namespace evergate::http {
namespace {

constexpr std::string_view kGrpc = "application/grpc";
// Longer ones name nothing; and our replies have room for this.
constexpr std::size_t kMaxFormat = 32;
// All the fixed text of a reply and its numbers, a frame in base64 with the longest text included.
constexpr std::size_t kOwnText = 640;

bool startsWith(std::string_view text, std::string_view prefix) noexcept {
    return text.size() >= prefix.size() && equalsIgnoreCase(text.substr(0, prefix.size()), prefix);
}

bool takePrefix(std::string_view& text, std::string_view prefix) noexcept {
    if (!startsWith(text, prefix))
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

std::string_view withoutParameters(std::string_view type) noexcept {
    return trimOws(type.substr(0, type.find(';')));
}

bool isFormat(std::string_view text) noexcept {
    return text.empty() || (text.front() == '+' && text.size() > 1 && text.size() <= kMaxFormat &&
                            allAre(text.substr(1), kTokenChar));
}

struct WebType {
    bool text = false;
    std::string_view format;
};

std::optional<WebType> readType(std::string_view value) noexcept {
    WebType type;
    type.format = withoutParameters(value);
    if (!takePrefix(type.format, "application/grpc-web"))
        return std::nullopt;
    type.text = takePrefix(type.format, "-text");
    if (type.text)
        takePrefix(type.format, "-base64");  // which is what it means anyway
    if (!isFormat(type.format))
        return std::nullopt;
    return type;
}

// The only one.
template <typename Head>
auto contentTypeOf(Head& head) noexcept -> decltype(head.fields.data()) {
    decltype(head.fields.data()) found = nullptr;
    for (auto& field : head.fields) {
        if (field.id != HeaderName::contentType)
            continue;
        if (found != nullptr)
            return nullptr;
        found = &field;
    }
    return found;
}

// What it accepts, when that names one of ours; else as it speaks itself.
bool wantsText(const RequestHead& head, bool textRequest) noexcept {
    bool text = false;
    bool binary = false;
    for (const HeaderField& field : head.fields) {
        if (!equalsIgnoreCase(field.name, "accept"))
            continue;
        forEachElement(field.value, [&](std::string_view element) {
            if (const auto type = readType(element)) {
                text |= type->text;
                binary |= !type->text;
            }
        });
    }
    return text || (textRequest && !binary);
}

bool isStatus(std::string_view name) noexcept {
    return equalsIgnoreCase(name, "grpc-status") || equalsIgnoreCase(name, "grpc-message") ||
           equalsIgnoreCase(name, "grpc-status-details-bin");
}

std::string webType(const GrpcWeb& web, std::string_view format) {
    std::string type("application/grpc-web");
    if (web.textAnswer)
        type += "-text";
    return type.append(!format.empty() ? format : "+proto");
}

// That of the endpoint, if it said one.
std::string_view formatOf(std::string_view grpcType, const GrpcWeb& web) noexcept {
    const std::string_view format = withoutParameters(grpcType).substr(kGrpc.size());
    return !format.empty() && isFormat(format) ? format : std::string_view(web.format);
}

// Of an answer that has nothing but trailers they all stand in its head. What is not HTTP's own is
// also said in the body; a browser may need the rest, or whoever is in between.
bool isMetadata(const HeaderField& field, const HeadEdits& edits) noexcept {
    return field.id == HeaderName::other && !field.hopByHop && !drops(edits, field.name) &&
           !startsWith(field.name, "access-control-");
}

void addField(const HeaderField& field, std::string& text) {
    text.append(field.name).append(": ").append(field.value).append("\r\n");
}

}  // namespace

std::optional<GrpcWeb> grpcWebOf(const RequestHead& head) {
    if (head.method != "POST" || head.minorVersion == 0 || !head.upgrade.empty())
        return std::nullopt;
    const HeaderField* const field = contentTypeOf(head);
    const auto type = field == nullptr ? std::nullopt : readType(field->value);
    if (!type)
        return std::nullopt;
    return GrpcWeb{type->text, wantsText(head, type->text), std::string(type->format)};
}

void becomeGrpc(const GrpcWeb& web, RequestHead& head, std::string& type) {
    type.assign(kGrpc).append(web.format);
    if (HeaderField* const field = contentTypeOf(head))
        field->value = type;
    head.teTrailers = true;
    if (web.textRequest && head.framing == Framing::length && head.contentLength != 0)
        head.framing = Framing::chunked;
}

bool isGrpcAnswer(const ResponseHead& head) noexcept {
    const HeaderField* const type = contentTypeOf(head);
    return head.status == 200 && type != nullptr && isGrpc(type->value);
}

std::string becomeGrpcWeb(const GrpcWeb& web, const HeadEdits& edits, ResponseHead& head,
                          std::string& status) {
    std::string text;
    for (HeaderField& field : head.fields) {
        if (field.hopByHop)
            continue;
        if (field.id == HeaderName::contentType) {
            field.hopByHop = true;
            if (!drops(edits, "content-type")) {
                text.append("Content-Type: ")
                    .append(webType(web, formatOf(field.value, web)))
                    .append("\r\n");
            }
        } else if (isStatus(field.name)) {
            field.hopByHop = true;
            addField(field, status);
        } else if (field.id == HeaderName::trailer) {
            field.hopByHop = true;  // there are none any more
        }
    }
    if (status.empty())
        return text;
    for (const HeaderField& field : head.fields) {
        if (isMetadata(field, edits))
            addField(field, status);
    }
    return text;
}

std::size_t composeGrpcWebReply(const GrpcWeb& web, const ErrorReply& reply, char* out,
                                std::size_t capacity) {
    const ProxyErrorInfo& error = info(reply.error);
    if (capacity < kOwnText + reply.date.size() + 2 * error.text.size() + reply.server.size() ||
        error.status == 0)
        return 0;
    GrpcWebBody body(web.textAnswer);
    body.addStatus("grpc-status: " + std::to_string(grpcStatusOf(error.status)) +
                   "\r\ngrpc-message: " + std::string(error.text) + "\r\n");
    body.takeTrailers({});
    HeadWriter writer(out);
    writer.literal("HTTP/1.1 200 OK\r\n");
    writer.field("Content-Type: ", webType(web, web.format));
    if (!reply.server.empty())
        writer.field("Server: ", reply.server);
    if (!reply.date.empty())
        writer.field("Date: ", reply.date);
    writer.field("Content-Length: ", std::uint64_t{body.finalSize()});
    if (reply.retryAfterSeconds != 0)
        writer.field("Retry-After: ", std::uint64_t{reply.retryAfterSeconds});
    if (reply.close)
        writer.literal("Connection: close\r\n");
    writer.literal("\r\n");
    char* const begin = writer.position();
    const auto room = static_cast<std::size_t>(out + capacity - begin);
    const auto step = body.step({}, begin, room, BodyFilter::Until::end);
    return static_cast<std::size_t>(begin - out) + step.produced;
}

}  // namespace evergate::http
