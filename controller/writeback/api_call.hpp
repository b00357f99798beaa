// SPDX-License-Identifier: Apache-2.0
// One request with a JSON body to the API server, with its whole answer. Controller thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/verb.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "controller/kubernetes/api_client.hpp"

namespace evergate::controller::writeback {

struct ApiCall {
    // Not an aggregate: GCC 12 copies one made inside a co_await expression byte by byte into the
    // frame, and short strings then point into the old place.
    ApiCall() = default;

    ApiCall(boost::beast::http::verb how, std::string where, std::string what = {},
            std::chrono::milliseconds within = std::chrono::seconds(10))
        : method(how), target(std::move(where)), body(std::move(what)), deadline(within) {}

    boost::beast::http::verb method = boost::beast::http::verb::get;
    std::string target;
    std::string body;  // empty: none
    std::chrono::milliseconds deadline{10'000};
};

struct ApiResult {
    kubernetes::ApiAnswer answer;
    std::string body;  // of a 2xx answer, at most 4 MiB of it
};

// A PATCH is a merge patch. After a 401 the token is read again before the next call.
boost::asio::awaitable<ApiResult> callApi(kubernetes::ApiClient& client, ApiCall call);

}  // namespace evergate::controller::writeback
