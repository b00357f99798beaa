// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/api_client.hpp"

#include <utility>

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::controller::kubernetes {

namespace asio = boost::asio;

std::string ApiAnswer::text() const {
    if (status == 0 || status / 100 == 2) {
        return error;
    }
    auto text = std::to_string(status);
    if (refusal) {
        text += " " + refusal->text();
    } else if (!error.empty()) {
        text += " (" + error + ")";
    }
    return text;
}

ApiClient::ApiClient(asio::any_io_executor executor, ClusterConfig config)
    : client_(std::move(executor), config), token_(std::move(config.token)) {}

asio::awaitable<ApiAnswer> ApiClient::send(ApiRequest request, OnOpen onOpen, OnBody onBody) {
    client::HttpRequest plain;
    plain.method = request.method;
    plain.headers = headers(request);
    plain.target = std::move(request.target);
    plain.body = std::move(request.body);
    plain.deadlines = request.deadlines;
    auto got = co_await client_.send(std::move(plain), std::move(onOpen), std::move(onBody));
    ApiAnswer answer;
    answer.status = got.status;
    answer.retryAfter = got.retryAfter;
    if (!got.refusal.empty()) {
        answer.refusal = parseStatus(got.refusal);
    }
    answer.error = std::move(got.error);
    answer.silent = got.silent;
    co_return answer;
}

std::string ApiClient::headers(const ApiRequest& request) {
    std::string text = "Accept: application/json\r\n";
    const auto now = std::chrono::steady_clock::now();
    if (const auto& token = token_.get(now); !token.empty()) {
        text += "Authorization: Bearer " + token + "\r\n";
    }
    if (!request.contentType.empty()) {
        text += "Content-Type: " + request.contentType + "\r\n";
    }
    return text;
}

}  // namespace evergate::controller::kubernetes
