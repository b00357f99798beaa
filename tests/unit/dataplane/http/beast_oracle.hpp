// SPDX-License-Identifier: Apache-2.0
// Boost.Beast's parser as an oracle: what it makes of a head, to compare with what ours makes of
// it.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/http/head.hpp"

namespace evergate::http::testing {

struct OracleHead {
    std::string method;
    std::string target;
    std::string reason;
    unsigned status = 0;
    int version = 0;
    std::vector<std::pair<std::string, std::string>> fields;
    std::size_t headBytes = 0;
    bool chunked = false;
    bool keepAlive = false;
    bool upgrade = false;
    std::optional<std::uint64_t> contentLength;
};

template <bool isRequest>
class OracleParser : public boost::beast::http::basic_parser<isRequest> {
public:
    OracleHead head;

private:
    using Text = boost::beast::string_view;
    using Error = boost::beast::error_code;

    static std::string toString(Text text) { return {text.data(), text.size()}; }

    void on_request_impl(boost::beast::http::verb, Text method, Text target, int version,
                         Error&) override {
        head.method = toString(method);
        head.target = toString(target);
        head.version = version;
    }

    void on_response_impl(int status, Text reason, int version, Error&) override {
        head.status = static_cast<unsigned>(status);
        head.reason = toString(reason);
        head.version = version;
    }

    void on_field_impl(boost::beast::http::field, Text name, Text value, Error&) override {
        head.fields.emplace_back(toString(name), toString(value));
    }

    void on_header_impl(Error&) override {}

    void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}

    std::size_t on_body_impl(Text text, Error&) override { return text.size(); }

    void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}

    std::size_t on_chunk_body_impl(std::uint64_t, Text text, Error&) override {
        return text.size();
    }

    void on_finish_impl(Error&) override {}
};

// What Beast makes of the head at the start of `bytes`; nothing when it refuses it or wants more.
template <bool isRequest>
std::optional<OracleHead> parseWithBeast(std::string_view bytes, bool requestWasHead = false) {
    OracleParser<isRequest> parser;
    parser.header_limit(1 << 20);
    parser.body_limit(boost::none);
    parser.skip(requestWasHead);
    boost::beast::error_code error;
    const std::size_t used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    if (error || !parser.is_header_done()) {
        return std::nullopt;
    }
    parser.head.headBytes = used;
    parser.head.chunked = parser.chunked();
    parser.head.keepAlive = parser.keep_alive();
    parser.head.upgrade = parser.upgrade();
    if (const auto length = parser.content_length()) {
        parser.head.contentLength = *length;
    }
    return std::move(parser.head);
}

inline bool sameFields(const std::vector<HeaderField>& ours, const OracleHead& theirs) {
    if (ours.size() != theirs.fields.size()) {
        return false;
    }
    for (std::size_t i = 0; i < ours.size(); ++i) {
        if (ours[i].name != theirs.fields[i].first || ours[i].value != theirs.fields[i].second) {
            return false;
        }
    }
    return true;
}

// What differs between an accepted request head and Beast's reading of it; empty: nothing.
inline std::string differenceFromBeast(std::string_view bytes, const RequestHead& ours) {
    bytes = bytes.substr(0, ours.headBytes);
    const std::size_t leading = bytes.find_first_not_of("\r\n");
    bytes.remove_prefix(leading);  // Beast takes no empty lines before a request
    const auto theirs = parseWithBeast<true>(bytes);
    if (!theirs) {
        return "refused by Beast";
    }
    const bool absolute = theirs->target.front() != '/' && theirs->target != "*";
    const bool hasLength = ours.framing == Framing::length;
    return theirs->headBytes + leading != ours.headBytes               ? "headBytes"
           : theirs->method != ours.method                             ? "method"
           : !absolute && theirs->target != ours.target                ? "target"
           : theirs->version != 10 + ours.minorVersion                 ? "version"
           : !sameFields(ours.fields, *theirs)                         ? "fields"
           : theirs->chunked != (ours.framing == Framing::chunked)     ? "chunked"
           : theirs->contentLength.has_value() != hasLength            ? "has length"
           : hasLength && *theirs->contentLength != ours.contentLength ? "length"
           : ours.keepAlive && !theirs->keepAlive                      ? "keep-alive"
           : !ours.upgrade.empty() && !theirs->upgrade                 ? "upgrade"
                                                                       : "";
}

// The same for a response. A status line without the space before its reason is one thing we take
// and Beast does not.
inline std::string differenceFromBeast(std::string_view bytes, bool requestWasHead,
                                       const ResponseHead& ours) {
    bytes = bytes.substr(0, ours.headBytes);
    if (bytes[12] == '\r') {
        return "";
    }
    const auto theirs = parseWithBeast<false>(bytes, requestWasHead);
    if (!theirs) {
        return "refused by Beast";
    }
    const bool hasLength = ours.framing == Framing::length;
    return theirs->headBytes != ours.headBytes                        ? "headBytes"
           : theirs->status != ours.status                            ? "status"
           : theirs->reason != ours.reason                            ? "reason"
           : theirs->version != 10 + ours.minorVersion                ? "version"
           : !sameFields(ours.fields, *theirs)                        ? "fields"
           : ours.framing == Framing::chunked && !theirs->chunked     ? "chunked"
           : hasLength && theirs->contentLength != ours.contentLength ? "length"
           : ours.framing == Framing::untilClose && theirs->keepAlive ? "until close"
           : ours.keepAlive && !theirs->keepAlive                     ? "keep-alive"
                                                                      : "";
}

}  // namespace evergate::http::testing
