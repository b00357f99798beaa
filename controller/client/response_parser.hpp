// SPDX-License-Identifier: Apache-2.0
// Parses one HTTP/1.1 response as its bytes arrive; the body is handed on in pieces, never
// collected.
//
// Sans-I/O; one response per object. Interim (1xx) responses are skipped.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::controller::client {

struct ResponseHead {
    unsigned status = 0;
    std::optional<std::chrono::seconds> retryAfter;
    std::string location;
    std::string contentType;
};

class ResponseParser {
public:
    // False ends the response early: feed() then fails with an empty error.
    using OnBody = std::function<bool(std::string_view piece)>;

    explicit ResponseParser(OnBody onBody);
    ~ResponseParser();

    // Takes all of `bytes`. False when they are no response (error() says why) or onBody said so.
    bool feed(std::string_view bytes);
    // The peer closed: true when that is where this response may end.
    bool finish();

    bool headDone() const noexcept;
    // Whether the whole response is there.
    bool done() const noexcept;
    // Whether the connection can carry another request once done.
    bool keepAlive() const;

    const ResponseHead& head() const noexcept { return head_; }

    const std::string& error() const noexcept { return error_; }

private:
    class Parser;

    void restart();

    OnBody onBody_;
    ResponseHead head_;
    std::unique_ptr<Parser> parser_;
    std::string pending_;  // bytes of the head, or of a chunk header, that were cut off
    std::string error_;
    bool stopped_ = false;
};

}  // namespace evergate::controller::client
