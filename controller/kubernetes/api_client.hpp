// SPDX-License-Identifier: Apache-2.0
// Sends requests to the API server: an HTTP client that shows our token and reads refusals.
//
// Belongs to the controller's thread; one request at a time (callers that want several at once have
// a client each). A body of any length is handed on in pieces as it arrives. cancel() may be called
// at any moment; the running request then ends with an error.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/verb.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "controller/client/http_client.hpp"
#include "controller/kubernetes/api_status.hpp"
#include "controller/kubernetes/bearer_token.hpp"
#include "controller/kubernetes/cluster_config.hpp"

namespace evergate::controller::kubernetes {

using ApiDeadlines = client::HttpDeadlines;

struct ApiRequest {
    boost::beast::http::verb method = boost::beast::http::verb::get;
    std::string target;       // path and query, without the server's base path
    std::string contentType;  // of `body`; empty: none
    std::string body;
    ApiDeadlines deadlines;
};

struct ApiAnswer {
    unsigned status = 0;  // 0: there was no answer
    std::optional<std::chrono::seconds> retryAfter;
    std::optional<ApiStatus> refusal;  // what a status other than 2xx said
    // Why the answer is missing or not whole; empty when the body came to its end, or onBody ended
    // it.
    std::string error;
    bool silent = false;  // the reason is that no byte came in time

    bool ok() const noexcept { return status / 100 == 2 && error.empty(); }

    // "403 Forbidden: ..." or the error.
    std::string text() const;
};

class ApiClient {
public:
    // Called once the head of a 2xx answer is there.
    using OnOpen = client::HttpClient::OnOpen;
    using OnBody = client::HttpClient::OnBody;

    ApiClient(boost::asio::any_io_executor executor, ClusterConfig config);

    // The body of an answer other than 2xx goes to `refusal`. The callbacks must outlive the await.
    boost::asio::awaitable<ApiAnswer> send(ApiRequest request, OnOpen onOpen, OnBody onBody);

    void cancel() { client_.cancel(); }

    // After a 401: the token file is read before the next request.
    void distrustToken() noexcept { token_.distrust(); }

private:
    std::string headers(const ApiRequest& request);

    client::HttpClient client_;
    BearerToken token_;
};

}  // namespace evergate::controller::kubernetes
