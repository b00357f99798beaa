// SPDX-License-Identifier: Apache-2.0
// Sends requests to one server over one kept-alive connection, each answered under deadlines.
//
// Belongs to the controller's thread; one request at a time (callers that want several at once have
// a client each). A body of any length is handed on in pieces as it arrives. cancel() may be called
// at any moment; the running request then ends with an error. Redirects are not followed.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/verb.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/client/response_parser.hpp"
#include "controller/client/server_access.hpp"
#include "controller/client/transport.hpp"

namespace evergate::controller::client {

struct HttpDeadlines {
    using Duration = std::chrono::steady_clock::duration;

    Duration connect = std::chrono::seconds(10);  // resolving, and again connecting with TLS
    Duration head = std::chrono::seconds(30);  // sending the request; receiving the answer's head
    Duration silence = std::chrono::seconds(30);  // between two pieces of the body
    Duration total = std::chrono::hours(24);      // the whole body, once the head is there
};

struct HttpRequest {
    boost::beast::http::verb method = boost::beast::http::verb::get;
    std::string target;   // path and query, without the server's base path
    std::string headers;  // whole lines, each with its CRLF; the caller vouches for their text
    std::string body;
    HttpDeadlines deadlines;
};

struct HttpAnswer {
    unsigned status = 0;  // 0: there was no answer
    std::optional<std::chrono::seconds> retryAfter;
    std::string location;
    std::string contentType;
    std::string refusal;  // the beginning of the body of a status other than 2xx
    // Why the answer is missing or not whole; empty when the body came to its end, or onBody ended
    // it.
    std::string error;
    bool silent = false;  // the reason is that no byte came in time

    bool ok() const noexcept { return status / 100 == 2 && error.empty(); }
};

class HttpClient {
public:
    // Called once the head of a 2xx answer is there.
    using OnOpen = std::function<void()>;
    using OnBody = ResponseParser::OnBody;

    HttpClient(boost::asio::any_io_executor executor, ServerAccess access);

    // The body of an answer other than 2xx goes to `refusal`. The callbacks must outlive the await.
    boost::asio::awaitable<HttpAnswer> send(HttpRequest request, OnOpen onOpen, OnBody onBody);

    void cancel();

    const ServerUrl& server() const noexcept { return access_.server; }

private:
    struct Exchange;

    boost::asio::awaitable<void> attempt(Exchange& exchange, bool fresh);
    boost::asio::awaitable<void> receive(Exchange& exchange);
    boost::asio::awaitable<std::string> connect(HttpDeadlines::Duration timeout);
    std::string compose(const HttpRequest& request) const;
    bool takeBody(Exchange& exchange, std::string_view piece);
    void noteHead(Exchange& exchange);
    void fail(Exchange& exchange, const boost::system::error_code& error);
    void drop();

    boost::asio::any_io_executor executor_;
    ServerAccess access_;
    process::NameResolver resolver_;
    std::unique_ptr<Transport> transport_;  // only the running request replaces it
    std::vector<char> buffer_;
    bool cancelled_ = false;
};

}  // namespace evergate::controller::client
