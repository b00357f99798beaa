// SPDX-License-Identifier: Apache-2.0
// The server's side of an HTTP/2 connection over any RawConnection: an endpoint that does what a
// test wants done. For the script of a ScriptedEndpoint; one thread per connection.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/raw_connection.hpp"

namespace evergate::test {

using Http2Fields = std::vector<std::pair<std::string, std::string>>;

struct Http2Request {
    std::int32_t id = 0;
    Http2Fields fields;  // pseudo fields too
    std::string body;
    Http2Fields trailers;
    bool headDone = false;
    bool ended = false;

    std::string value(const std::string& name) const;  // of the first; empty: there is none
    std::size_t count(const std::string& name) const;
};

class Http2Endpoint {
public:
    using Handler = std::function<void(Http2Endpoint&, Http2Request&)>;

    struct Options {
        std::vector<nghttp2_settings_entry> settings;
        Handler onHead;  // the head is there, the body may not be
        Handler onEnd;   // the request is whole
        Handler onData;  // some of the body came
        std::function<void(std::int32_t id, std::uint32_t code)> onReset;  // by the other side
        bool autoWindow = true;  // false: nothing is taken until take()
    };

    explicit Http2Endpoint(Options options);
    ~Http2Endpoint();
    Http2Endpoint(const Http2Endpoint&) = delete;
    Http2Endpoint& operator=(const Http2Endpoint&) = delete;

    // Until the other side leaves, or end().
    void serve(RawConnection& connection);
    // The script of an endpoint that serves all its connections like this.
    static ScriptedEndpoint::Script script(Options options);

    void interim(std::int32_t id, const std::string& status, const Http2Fields& fields = {});
    void respond(std::int32_t id, const std::string& status, const Http2Fields& fields,
                 std::string body, const Http2Fields& trailers = {});
    // HEADERS with END_STREAM.
    void respondBare(std::int32_t id, const std::string& status, const Http2Fields& fields);
    // A body that goes on: more() and last() add to it.
    void begin(std::int32_t id, const std::string& status, const Http2Fields& fields);
    void more(std::int32_t id, const std::string& bytes);
    void last(std::int32_t id, const Http2Fields& trailers = {});
    void reset(std::int32_t id, std::uint32_t code);
    void goAway(std::int32_t lastId);

    void end() { over_ = true; }  // closes once everything is sent

private:
    struct Outgoing {
        std::string bytes;
        std::size_t sent = 0;
        Http2Fields trailers;
        bool complete = true;
        bool deferred = false;
    };

    struct Callbacks;

    std::string output();

    Options options_;
    nghttp2_session* session_ = nullptr;
    std::map<std::int32_t, Http2Request> requests_;
    std::map<std::int32_t, Outgoing> outgoing_;
    bool over_ = false;
};

}  // namespace evergate::test
