// SPDX-License-Identifier: Apache-2.0
// Whatever fields an endpoint sends over HTTP/2: what is not refused is an HTTP/1.1 response, with
// the framing that was meant, and its trailers are trailers.
//
// Input: a byte for what it answers, then lines "name=value"; an empty line ends a head.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/http/chunked.hpp"
#include "dataplane/http/composed_head.hpp"
#include "dataplane/http2/response_text.hpp"

using namespace evergate;

namespace {

void check(bool good) {
    if (!good)
        std::abort();
}

// Found where it is said to be, everything is what is found by looking for it.
void checkPlaces(std::string_view text, std::span<const http::FieldPlace> places, bool toHead) {
    http::ResponseHead told;
    http::ResponseHead read;
    check(http::readComposedResponse(text, places, toHead, told) == http::ParseStatus::complete);
    check(http::readComposedResponse(text, toHead, read) == http::ParseStatus::complete);
    check(told.status == read.status && told.framing == read.framing &&
          told.contentLength == read.contentLength && told.headBytes == read.headBytes);
    check(told.fields.size() == read.fields.size());
    for (std::size_t i = 0; i < told.fields.size(); ++i) {
        const http::HeaderField& a = told.fields[i];
        const http::HeaderField& b = read.fields[i];
        check(a.id == b.id && a.hopByHop == b.hopByHop && a.name == b.name && a.value == b.value);
    }
    check(http::readComposedResponse(text.substr(0, text.size() - 1), places, toHead, told) ==
          http::ParseStatus::incomplete);
}

// One head, parsed as our own exchange does it.
void checkHead(std::string_view text, const http2::ResponseText& response, bool toHead) {
    if (response.final() && !response.places().empty())
        checkPlaces(text, response.places(), toHead);
    http::ResponseHead head;
    std::size_t scanned = 0;
    const auto result = http::parseResponseHead(text, {1U << 20, 100'000}, toHead, scanned, head);
    check(result.status == http::ParseStatus::complete && head.headBytes == text.size());
    if (response.isTunnel())
        return check(head.status == 101);
    check(head.status == response.status());
    if (response.final() && head.framing != http::Framing::length)
        check(head.framing == response.framing());
    if (head.framing == http::Framing::length)
        check(head.contentLength == response.length());
}

// An HTTP/1.1 client gets them behind the last chunk.
void checkTrailers(const http2::ResponseText& response) {
    if (response.framing() != http::Framing::untilClose)
        return check(response.trailers().empty());
    const std::string end = "0\r\n" + response.trailers() + "\r\n";
    http::ChunkedDecoder decoder;
    for (std::size_t at = 0; at < end.size() && !decoder.failed() && !decoder.done();)
        at += decoder.next(std::string_view(end).substr(at)).consumed;
    check(decoder.done() || response.trailers().size() > http2::ResponseText::kMaxTrailers - 4);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const auto to = static_cast<http2::ResponseTo>(data[0] % 3);
    std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    http2::ResponseText response;
    response.reset(to, "accept");
    std::string out;
    std::size_t begin = 0;
    response.begin(out);
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        const std::size_t equals = line.find('=');
        if (!line.empty()) {
            const std::string_view value =
                equals == std::string_view::npos ? std::string_view() : line.substr(equals + 1);
            if (!response.add(line.substr(0, equals), value, out))
                return 0;
            continue;
        }
        const bool trailers = response.final();
        if (!response.end(rest.empty(), out))
            return 0;
        if (trailers) {
            checkTrailers(response);
            return 0;
        }
        checkHead(std::string_view(out).substr(begin), response, to == http2::ResponseTo::head);
        begin = out.size();
        response.begin(out);
    }
    return 0;
}
