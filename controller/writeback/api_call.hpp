// SPDX-License-Identifier: Apache-2.0
// One request with a JSON body to the API server, with its whole answer. Controller thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/verb.hpp>
#include <string>

#include "controller/kubernetes/api_client.hpp"

namespace evergate::controller::writeback {

struct ApiCall {
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
