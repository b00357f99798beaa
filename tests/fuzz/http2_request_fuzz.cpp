// SPDX-License-Identifier: Apache-2.0
// Whatever frames say, a request that is taken is exactly one HTTP/1.1 head, and its fields are
// those that came. The first byte says whether frames or fields follow.
#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dataplane/http2/nghttp2_ptr.hpp"
#include "dataplane/http2/request_text.hpp"

namespace {

using evergate::http2::RequestText;

// Found where it is said to be, everything is what a parser finds.
void checkPlaces(const RequestText& text, const evergate::http::RequestHead& parsed) {
    evergate::http::RequestHead head;
    const auto result = readCheckedRequest(text.text(), text.places(), head);
    bool same = result.status == evergate::http::ParseStatus::complete &&
                head.headBytes == parsed.headBytes && head.target == parsed.target &&
                head.host == parsed.host && head.framing == parsed.framing &&
                head.contentLength == parsed.contentLength && head.upgrade == parsed.upgrade &&
                head.grpc == parsed.grpc && head.fields.size() == parsed.fields.size();
    for (std::size_t i = 0; same && i < head.fields.size(); ++i) {
        const auto& a = head.fields[i];
        const auto& b = parsed.fields[i];
        same = a.id == b.id && a.hopByHop == b.hopByHop && a.name == b.name && a.value == b.value;
    }
    if (!same)
        std::abort();
}

void check(RequestText& text, bool ended) {
    if (text.finish(ended, "AAAAAAAAAAAAAAAAAAAAAA==") != RequestText::Status::complete)
        return;
    evergate::http::RequestHead head;
    std::size_t scanned = 0;
    const auto result =
        evergate::http::parseRequestHead(text.text(), {text.text().size() + 1, 256}, scanned, head);
    if (result.status == evergate::http::ParseStatus::incomplete)
        std::abort();
    if (result.status == evergate::http::ParseStatus::error) {
        evergate::http::RequestHead same;
        if (readCheckedRequest(text.text(), text.places(), same).error != result.error)
            std::abort();
        return;
    }
    checkPlaces(text, head);
    const bool framed = head.framing == evergate::http::Framing::chunked;
    if (head.headBytes != text.text().size() || framed != text.chunked())
        std::abort();
    if (text.text().find(std::string("Host: ").append(head.authority)) == std::string::npos)
        std::abort();
}

// "name\0value\0name\0value\0..."
void fields(std::string_view bytes) {
    RequestText text;
    text.begin({4'096, 64});
    const auto part = [&bytes] {
        const std::size_t end = bytes.find('\0');
        const std::string_view one = bytes.substr(0, end);
        bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
        return one;
    };
    const bool ended = !bytes.empty() && (bytes.front() & 1) != 0;
    while (!bytes.empty()) {
        const std::string_view name = part();
        if (!text.add(name, part()))
            return;
    }
    check(text, ended);
    std::string trailers;
    if (evergate::http2::appendTrailer(text.text(), "x", trailers) && !trailers.empty())
        std::abort();  // a whole head is no name
}

struct Reader {
    RequestText text;
};

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

void frames(std::string_view bytes) {
    auto callbacks = evergate::http2::newCallbacks();
    auto* const all = callbacks.get();
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        all, [](nghttp2_session*, const nghttp2_frame*, void* user) {
            static_cast<Reader*>(user)->text.begin({4'096, 64});
            return 0;
        });
    nghttp2_session_callbacks_set_on_header_callback(
        all,
        [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t nameSize,
           const std::uint8_t* value, std::size_t valueSize, std::uint8_t, void* user) {
            static_cast<Reader*>(user)->text.add(view(name, nameSize), view(value, valueSize));
            return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        all, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
                check(static_cast<Reader*>(user)->text, (frame->hd.flags & 1) != 0);
            return 0;
        });
    Reader reader;
    auto option = evergate::http2::newOption();
    nghttp2_option_set_no_recv_client_magic(option.get(), 1);
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new2(&session, all, &reader, option.get());
    const evergate::http2::SessionPtr owner(session);
    const nghttp2_settings_entry connect{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &connect, 1);
    nghttp2_session_mem_recv(session, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                             bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const std::string_view bytes = view(data + 1, size - 1);
    if ((data[0] & 1) != 0)
        frames(bytes);
    else
        fields(bytes);
    return 0;
}
