// SPDX-License-Identifier: Apache-2.0
// Where the messages in a stream of bytes begin and end, once as the proxy reads them and once as
// Boost.Beast's parser does (which the proxy does not use for messages of peers). What both take
// must be the same messages: a difference is how requests are smuggled (RFC 9112 §11.2).
//
// Known leniencies, of either side, that are no difference in boundaries:
// - we take up to four empty lines before a request, Beast none: they are skipped for it;
// - we take "HTTP/1.1 200" without the space behind it, Beast does not: there the comparison ends;
// - where one refuses, the other may go on: we close the connection, and forward nothing of it.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dataplane/http/chunked.hpp"
#include "dataplane/http/head.hpp"

namespace evergate::fuzz {

enum class Reading : std::uint8_t { incomplete, complete, refused };

struct Boundary {
    Reading head = Reading::incomplete;
    Reading body = Reading::incomplete;
    std::size_t headBytes = 0;
    std::size_t bytes = 0;  // of the whole message
    bool untilClose = false;
    std::string content;  // of the body, without framing
};

inline void require(bool holds) {
    if (!holds)
        std::abort();
}

inline Reading readingOf(http::ParseStatus status) {
    return status == http::ParseStatus::complete     ? Reading::complete
           : status == http::ParseStatus::incomplete ? Reading::incomplete
                                                     : Reading::refused;
}

// The body behind a head, as a session takes it apart.
inline void readOurBody(std::string_view bytes, http::Framing framing, std::uint64_t length,
                        Boundary& out) {
    std::size_t at = out.headBytes;
    if (framing == http::Framing::length) {
        const std::size_t there = bytes.size() - at;
        const bool whole = length <= there;
        out.content = bytes.substr(at, whole ? static_cast<std::size_t>(length) : there);
        out.body = whole ? Reading::complete : Reading::incomplete;
        at += out.content.size();
    } else if (framing == http::Framing::chunked) {
        http::ChunkedDecoder decoder;
        while (at < bytes.size() && !decoder.done() && !decoder.failed()) {
            const auto step = decoder.next(bytes.substr(at));
            out.content += step.data;
            at += step.consumed;
        }
        out.body = decoder.done()     ? Reading::complete
                   : decoder.failed() ? Reading::refused
                                      : Reading::incomplete;
    } else {
        out.untilClose = framing == http::Framing::untilClose;
        out.body = out.untilClose ? Reading::incomplete : Reading::complete;
    }
    out.bytes = at;
}

inline Boundary readOurs(std::string_view bytes, bool isRequest, bool requestWasHead) {
    Boundary out;
    std::size_t scanned = 0;
    const http::HeadLimits limits{1U << 20, 1'024};
    if (isRequest) {
        http::RequestHead head;
        out.head = readingOf(http::parseRequestHead(bytes, limits, scanned, head).status);
        out.headBytes = head.headBytes;
        if (out.head == Reading::complete)
            readOurBody(bytes, head.framing, head.contentLength, out);
    } else {
        http::ResponseHead head;
        out.head =
            readingOf(http::parseResponseHead(bytes, limits, requestWasHead, scanned, head).status);
        out.headBytes = head.headBytes;
        if (out.head == Reading::complete)
            readOurBody(bytes, head.framing, head.contentLength, out);
    }
    return out;
}

template <bool isRequest>
class SecondParser : public boost::beast::http::basic_parser<isRequest> {
public:
    std::string content;

private:
    using Text = boost::beast::string_view;
    using Error = boost::beast::error_code;

    void on_request_impl(boost::beast::http::verb, Text, Text, int, Error&) override {}

    void on_response_impl(int, Text, int, Error&) override {}

    void on_field_impl(boost::beast::http::field, Text, Text, Error&) override {}

    void on_header_impl(Error&) override {}

    void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}

    std::size_t on_body_impl(Text text, Error&) override {
        content.append(text.data(), text.size());
        return text.size();
    }

    void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}

    std::size_t on_chunk_body_impl(std::uint64_t, Text text, Error&) override {
        content.append(text.data(), text.size());
        return text.size();
    }

    void on_finish_impl(Error&) override {}
};

template <bool isRequest>
Boundary readTheirs(std::string_view bytes, bool requestWasHead) {
    Boundary out;
    SecondParser<isRequest> parser;
    parser.header_limit(1U << 20);
    parser.body_limit(boost::none);
    parser.skip(requestWasHead);
    boost::beast::error_code error;
    while (!parser.is_done()) {
        const bool headWas = parser.is_header_done();
        const std::size_t used = parser.put(
            boost::asio::buffer(bytes.data() + out.bytes, bytes.size() - out.bytes), error);
        out.bytes += used;
        if (!headWas && parser.is_header_done())
            out.headBytes = out.bytes;
        if (error || used == 0)
            break;
    }
    const bool wantsMore = !error || error == boost::beast::http::error::need_more;
    const Reading unfinished = wantsMore ? Reading::incomplete : Reading::refused;
    out.head = parser.is_header_done() ? Reading::complete : unfinished;
    out.body = parser.is_done() ? Reading::complete : unfinished;
    out.untilClose = parser.is_header_done() && !parser.is_done() && parser.need_eof() &&
                     !parser.chunked() && !parser.content_length();
    out.content = std::move(parser.content);
    return out;
}

// What two readings of one message must have in common. False: there the comparison ends.
inline bool agree(const Boundary& ours, const Boundary& theirs) {
    if (ours.head == Reading::refused || theirs.head == Reading::refused)
        return false;
    require(ours.head == theirs.head);
    if (ours.head == Reading::incomplete)
        return false;
    require(ours.headBytes == theirs.headBytes);
    require(ours.untilClose == theirs.untilClose);
    if (ours.untilClose || ours.body == Reading::refused || theirs.body == Reading::refused)
        return false;
    require(ours.body == theirs.body);
    if (ours.body == Reading::incomplete)
        return false;
    require(ours.bytes == theirs.bytes);
    require(ours.content == theirs.content);
    return true;
}

inline std::size_t emptyLinesAt(std::string_view bytes) {
    std::size_t at = 0;
    while (at < 8 && bytes.substr(at).starts_with("\r\n"))
        at += 2;
    return at;
}

inline void compareRequests(std::string_view bytes) {
    while (!bytes.empty()) {
        bytes.remove_prefix(emptyLinesAt(bytes));
        const Boundary ours = readOurs(bytes, true, false);
        if (!agree(ours, readTheirs<true>(bytes, false)))
            return;
        bytes.remove_prefix(ours.bytes);
    }
}

inline void compareResponses(std::string_view bytes, bool requestWasHead) {
    while (!bytes.empty()) {
        if (bytes.size() > 12 && bytes[12] == '\r')
            return;
        const Boundary ours = readOurs(bytes, false, requestWasHead);
        if (!agree(ours, readTheirs<false>(bytes, requestWasHead)))
            return;
        bytes.remove_prefix(ours.bytes);
    }
}

}  // namespace evergate::fuzz
