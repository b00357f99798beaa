// SPDX-License-Identifier: Apache-2.0
#include "controller/client/http_client.hpp"

#include <algorithm>
#include <boost/beast/core/error.hpp>
#include <utility>

#include "common/process/version.hpp"

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::controller::client {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kMaxRefusalBytes = 64 * 1024;

}  // namespace

// One request on its way. Lives in the frame of send().
struct HttpClient::Exchange {
    Exchange(HttpClient& client, const HttpRequest& sent, const OnOpen& open, const OnBody& body)
        : request(sent),
          onOpen(open),
          onBody(body),
          parser(
              [this, &client](std::string_view piece) { return client.takeBody(*this, piece); }) {}

    const HttpRequest& request;
    const OnOpen& onOpen;
    const OnBody& onBody;
    HttpAnswer answer;
    bool anyByte = false;
    Clock::time_point endBy{};  // of the head, then of the body
    ResponseParser parser;
};

HttpClient::HttpClient(asio::any_io_executor executor, ServerAccess access)
    : executor_(std::move(executor)),
      access_(std::move(access)),
      resolver_(executor_),
      buffer_(kReadBytes) {}

asio::awaitable<HttpAnswer> HttpClient::send(HttpRequest request, OnOpen onOpen, OnBody onBody) {
    cancelled_ = false;
    const bool reused = transport_ != nullptr && transport_->isIdle();
    {
        Exchange exchange(*this, request, onOpen, onBody);
        co_await attempt(exchange, !reused);
        const bool idleConnectionDied =
            reused && !exchange.answer.error.empty() && !exchange.anyByte && !cancelled_;
        // The server may close an idle connection at any moment, which says nothing about the
        // request. Only a POST could then take effect twice.
        if (!idleConnectionDied || request.method == http::verb::post) {
            co_return std::move(exchange.answer);
        }
    }
    Exchange exchange(*this, request, onOpen, onBody);
    co_await attempt(exchange, true);
    co_return std::move(exchange.answer);
}

void HttpClient::cancel() {
    cancelled_ = true;
    if (transport_) {
        transport_->close();
    }
}

asio::awaitable<void> HttpClient::attempt(Exchange& exchange, bool fresh) {
    const auto& deadlines = exchange.request.deadlines;
    if (fresh) {
        exchange.answer.error = co_await connect(deadlines.connect);
        if (!exchange.answer.error.empty()) {
            drop();
            co_return;
        }
    }
    const auto bytes = compose(exchange.request);
    exchange.endBy = Clock::now() + deadlines.head;
    const auto error = co_await transport_->write(asio::buffer(bytes), deadlines.head);
    if (error) {
        fail(exchange, error);
    } else {
        co_await receive(exchange);
    }
    if (cancelled_ && exchange.answer.error.empty()) {
        exchange.answer.error = "cancelled";
    }
    if (!exchange.parser.keepAlive() || !exchange.answer.error.empty()) {
        drop();
    }
}

asio::awaitable<std::string> HttpClient::connect(HttpDeadlines::Duration timeout) {
    drop();
    auto made = makeTransport(executor_, resolver_, access_);
    if (auto* problem = std::get_if<ConfigProblem>(&made)) {
        co_return std::move(problem->what);
    }
    transport_ = std::get<std::unique_ptr<Transport>>(std::move(made));
    auto error = co_await transport_->connect(timeout);
    co_return cancelled_ ? std::string("cancelled") : std::move(error);
}

asio::awaitable<void> HttpClient::receive(Exchange& exchange) {
    const auto silence = exchange.request.deadlines.silence;
    while (!exchange.parser.done()) {
        auto timeout = exchange.endBy - Clock::now();
        if (timeout <= timeout.zero()) {
            exchange.answer.error = "the answer took too long";
            break;
        }
        if (exchange.parser.headDone()) {
            timeout = std::min(timeout, silence);
        }
        const auto [error, count] = co_await transport_->readSome(asio::buffer(buffer_), timeout);
        if (error) {
            if (!isEndOfStream(error) || !exchange.parser.finish()) {
                fail(exchange, error);
            }
            break;
        }
        exchange.anyByte = true;
        const bool fed = exchange.parser.feed({buffer_.data(), count});
        ::explicit_bzero(buffer_.data(), count);  // it stays, and there was a key in it maybe
        noteHead(exchange);
        if (!fed) {
            exchange.answer.error = exchange.parser.error();
            break;
        }
    }
}

void HttpClient::fail(Exchange& exchange, const boost::system::error_code& error) {
    auto& answer = exchange.answer;
    answer.silent = !cancelled_ && error == boost::beast::error::timeout;
    if (cancelled_) {
        answer.error = "cancelled";
    } else if (answer.silent) {
        answer.error = "the server is silent";
    } else if (isEndOfStream(error)) {
        answer.error = "the server closed the connection";
    } else {
        answer.error = error.message();
    }
}

// The head's facts go into the answer once they are known; the body may come in the same bytes.
void HttpClient::noteHead(Exchange& exchange) {
    if (exchange.answer.status != 0 || !exchange.parser.headDone()) {
        return;
    }
    const auto& head = exchange.parser.head();
    exchange.answer.status = head.status;
    exchange.answer.retryAfter = head.retryAfter;
    exchange.answer.location = head.location;
    exchange.answer.contentType = head.contentType;
    exchange.endBy = Clock::now() + exchange.request.deadlines.total;
    if (head.status / 100 == 2 && exchange.onOpen) {
        exchange.onOpen();
    }
}

bool HttpClient::takeBody(Exchange& exchange, std::string_view piece) {
    noteHead(exchange);
    if (exchange.parser.head().status / 100 == 2) {
        return !exchange.onBody || exchange.onBody(piece);
    }
    auto& refusal = exchange.answer.refusal;
    refusal.append(piece.substr(0, kMaxRefusalBytes - refusal.size()));
    return true;
}

std::string HttpClient::compose(const HttpRequest& request) const {
    const auto method = http::to_string(request.method);
    std::string text(method.data(), method.size());
    text += " " + access_.server.basePath + request.target + " HTTP/1.1\r\n";
    text += "Host: " + access_.server.hostHeader() + "\r\n";
    text += "User-Agent: evergate-controller/" EVERGATE_VERSION "\r\n" + request.headers;
    if (!request.body.empty() || request.method != http::verb::get) {
        text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    }
    return text + "\r\n" + request.body;
}

void HttpClient::drop() {
    if (transport_) {
        transport_->close();
        transport_.reset();
    }
}

}  // namespace evergate::controller::client
