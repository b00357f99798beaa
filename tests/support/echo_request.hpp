// SPDX-License-Identifier: Apache-2.0
// What the echo server understands of a request. Deliberately not the product's parser: the peer in
// a test must not share its mistakes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace evergate::test {

struct EchoRequest {
    std::string_view head;  // as received, with the empty line
    std::string_view method;
    std::string_view target;
    std::string_view path;  // the target without its query
    std::string_view upgrade;
    std::uint64_t contentLength = 0;
    bool hasContentLength = false;
    bool chunked = false;
    bool keepAlive = true;
    bool expectContinue = false;

    // The number behind `prefix` in the path: number("/bytes/") of "/bytes/17" is 17.
    std::optional<std::uint64_t> number(std::string_view prefix) const;

    bool hasBody() const { return chunked || contentLength > 0; }
};

// `head` ends with the empty line; the views point into it. Empty when it is no request.
std::optional<EchoRequest> parseEchoRequest(std::string_view head);

// Takes chunked framing off, in pieces as they come.
class EchoChunkReader {
public:
    struct Step {
        std::size_t consumed = 0;
        std::string_view data;  // payload found in the consumed bytes; may be empty
    };

    // Call until nothing is consumed, or done() or bad().
    Step step(std::string_view in);

    bool done() const { return state_ == State::done; }

    bool bad() const { return state_ == State::bad; }

    void reset() { *this = {}; }

private:
    enum class State : std::uint8_t { size, data, dataEnd, trailer, done, bad };

    Step line(std::string_view in);

    State state_ = State::size;
    std::uint64_t left_ = 0;
};

}  // namespace evergate::test
