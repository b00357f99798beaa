// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/api_call.hpp"

#include <utility>

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::controller::writeback {
namespace {

using boost::beast::http::verb;

constexpr std::size_t kMaxAnswer = 4 * 1024 * 1024;

}  // namespace

boost::asio::awaitable<ApiResult> callApi(kubernetes::ApiClient& client, ApiCall call) {
    kubernetes::ApiRequest request;
    request.method = call.method;
    request.target = std::move(call.target);
    if (!call.body.empty()) {
        request.contentType =
            call.method == verb::patch ? "application/merge-patch+json" : "application/json";
        request.body = std::move(call.body);
    }
    request.deadlines = {call.deadline, call.deadline, call.deadline, call.deadline};
    ApiResult result;
    result.answer = co_await client.send(std::move(request), {}, [&result](std::string_view piece) {
        result.body.append(piece);
        return result.body.size() <= kMaxAnswer;
    });
    if (result.answer.status == 401) {
        client.distrustToken();
    }
    co_return result;
}

}  // namespace evergate::controller::writeback
