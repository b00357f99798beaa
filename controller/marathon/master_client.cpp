// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/master_client.hpp"

#include <utility>

#include "controller/objects/printable.hpp"

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::controller::marathon {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMaxBodyBytes = 256U * 1024 * 1024;

std::string reasonOf(const client::HttpAnswer& answer, const std::string& server) {
    auto text = server + ": ";
    if (!answer.error.empty()) {
        return text + answer.error;
    }
    text += std::to_string(answer.status);
    return answer.refusal.empty() ? text : text + " " + printable(answer.refusal, 120);
}

}  // namespace

MasterClient::MasterClient(asio::any_io_executor executor, Masters masters,
                           client::HttpDeadlines deadlines)
    : executor_(std::move(executor)), masters_(std::move(masters)), deadlines_(deadlines) {
    for (const auto& url : masters_.urls) {
        clients_.push_back(std::make_unique<client::HttpClient>(executor_, masters_.access(url)));
    }
}

void MasterClient::cancel() {
    cancelled_ = true;
    if (active_ != nullptr) {
        active_->cancel();
    }
}

asio::awaitable<MasterAnswer> MasterClient::get(std::string target) {
    MasterAnswer answer;
    for (std::size_t i = 0; i < clients_.size() && !cancelled_; ++i) {
        const auto at = (good_ + i) % clients_.size();
        answer = co_await ask(*clients_[at], target, true, true);
        if (answer.error.empty()) {
            good_ = at;
            break;
        }
    }
    if (cancelled_) {
        answer = {0, {}, "cancelled"};
    }
    co_return answer;
}

asio::awaitable<MasterAnswer> MasterClient::ask(client::HttpClient& client, std::string target,
                                                bool showPassword, bool mayFollow) {
    MasterAnswer result;
    client::HttpRequest request;
    request.target = target;
    request.headers = "Accept: application/json\r\n";
    if (showPassword) {
        request.headers += masters_.authorizationLine();
    }
    request.deadlines = deadlines_;
    client::HttpClient::OnBody onBody = [&result](std::string_view piece) {
        result.body.append(piece);
        return result.body.size() <= kMaxBodyBytes;
    };
    active_ = &client;
    const auto answer = co_await client.send(std::move(request), {}, std::move(onBody));
    active_ = nullptr;
    result.status = answer.status;
    if (answer.status / 100 == 3 && mayFollow && answer.error.empty()) {
        if (auto there = followRedirect(masters_, client.server(), target, answer.location)) {
            client::HttpClient next(executor_, masters_.access(there->server));
            co_return co_await ask(next, std::move(there->target), there->showPassword, false);
        }
    }
    if (result.body.size() > kMaxBodyBytes) {
        result.error = client.server().text() + ": the answer is too long";
    } else if (!answer.ok() && !(answer.status == 404 && answer.error.empty())) {
        result.error = reasonOf(answer, client.server().text());
    }
    if (answer.status != 200) {
        result.body.clear();
    }
    co_return result;
}

}  // namespace evergate::controller::marathon
