// SPDX-License-Identifier: Apache-2.0
#include "common/process/admin_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <utility>
#include <variant>

namespace evergate::process {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
// Connections over the limit that are being told so; more are closed without a word.
constexpr std::size_t kMaxRefusals = 16;
constexpr std::chrono::milliseconds kLinger{1'000};
constexpr std::chrono::milliseconds kAcceptPause{100};

bool isFromThisHost(const tcp::socket& socket) {
    error_code error;
    const asio::ip::address peer = socket.remote_endpoint(error).address();
    if (error) {
        return false;
    }
    const bool mapped = peer.is_v6() && peer.to_v6().is_v4_mapped();
    return mapped ? asio::ip::make_address_v4(asio::ip::v4_mapped, peer.to_v6()).is_loopback()
                  : peer.is_loopback();
}

asio::awaitable<void> pauseFor(std::chrono::milliseconds duration) {
    asio::steady_timer timer(co_await asio::this_coro::executor, duration);
    co_await timer.async_wait(kToken);
}

// What a request that could not be read is answered; 0 when nobody waits for an answer.
unsigned statusFor(error_code error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return 431;
    }
    if (error == http::error::body_limit) {
        return 413;
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message) {
        return 0;
    }
    return error.category() == make_error_code(http::error::bad_method).category() ? 400 : 0;
}

template <typename Message>
void setHeaders(Message& message, const AdminResponse& response, const std::string& allow) {
    message.set(http::field::content_type, response.contentType);
    message.set(http::field::cache_control, "no-store");
    message.set("X-Content-Type-Options", "nosniff");
    message.set("Content-Security-Policy",
                "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'");
    if (!allow.empty()) {
        message.set(http::field::allow, allow);
    }
}

}  // namespace

AdminServer::AdminServer(asio::any_io_executor executor, Logger logger, AdminLimits limits)
    : executor_(executor),
      logger_(logger),
      limits_(limits),
      acceptor_(executor),
      acceptors_(executor, logger),
      sessions_(executor, logger),
      refusals_(executor, logger) {}

void AdminServer::route(std::string method, std::string path, AdminHandler handler) {
    routes_[std::move(path)][std::move(method)] = std::move(handler);
}

void AdminServer::route(std::string method, std::string path,
                        std::function<AdminResponse(const AdminRequest&)> handler) {
    route(std::move(method), std::move(path),
          AdminHandler([handler = std::move(handler)](AdminRequest request)
                           -> asio::awaitable<AdminResponse> { co_return handler(request); }));
}

error_code AdminServer::start(const ListenAddress& address) {
    error_code error;
    const auto ip = asio::ip::make_address(address.address, error);
    if (error) {
        return error;
    }
    const tcp::endpoint endpoint(ip, address.port);
    // Each does nothing but keep the first error.
    const auto step = [&](auto action) {
        if (!error) {
            action();
        }
    };
    step([&] { acceptor_.open(endpoint.protocol(), error); });
    step([&] { acceptor_.set_option(tcp::acceptor::reuse_address(true), error); });
    step([&] { acceptor_.bind(endpoint, error); });
    step([&] { acceptor_.listen(asio::socket_base::max_listen_connections, error); });
    if (error) {
        error_code ignored;
        acceptor_.close(ignored);
        return error;
    }
    acceptors_.spawn("admin accept", accept());
    return {};
}

ListenAddress AdminServer::localEndpoint() const {
    error_code error;
    const tcp::endpoint endpoint = acceptor_.local_endpoint(error);
    return {endpoint.address().to_string(), endpoint.port()};
}

asio::awaitable<void> AdminServer::stop(std::chrono::milliseconds grace) {
    error_code ignored;
    acceptor_.close(ignored);
    acceptors_.requestStop();
    refusals_.requestStop();
    sessions_.requestStop();
    co_await sessions_.stop(grace);
    co_await refusals_.stop(kLinger);
    co_await acceptors_.stop(kLinger);
}

asio::awaitable<void> AdminServer::accept() {
    while (acceptor_.is_open()) {
        auto [error, socket] = co_await acceptor_.async_accept(kToken);
        if (!acceptor_.is_open() || error == asio::error::operation_aborted) {
            co_return;
        }
        if (error) {
            // Out of descriptors, mostly: trying again at once would spin.
            logger_->warn("accept failed error=\"{}\"", error.message());
            co_await pauseFor(kAcceptPause);
        } else if (sessions_.size() < limits_.connections) {
            sessions_.spawn("admin connection", serve(Stream(std::move(socket))));
        } else if (refusals_.size() < kMaxRefusals) {
            refusals_.spawn("admin refusal", refuse(Stream(std::move(socket))));
        }
    }
}

asio::awaitable<void> AdminServer::refuse(Stream stream) {
    Answer answer;
    answer.response = AdminResponse::error(503, "too many connections");
    co_await write(stream, std::move(answer));
    co_await close(stream);
}

asio::awaitable<void> AdminServer::serve(Stream stream) {
    beast::flat_buffer buffer(limits_.headBytes + limits_.bodyBytes);
    bool keepAlive = true;
    while (keepAlive && !sessions_.stopping()) {
        Request request;
        const error_code error = co_await read(stream, buffer, request);
        Answer reply;
        if (!error) {
            // From here to the end of the answer only a hard stop cuts us off.
            co_await asio::this_coro::reset_cancellation_state(
                asio::enable_terminal_cancellation());
            reply = co_await answer(std::move(request), isFromThisHost(stream.socket()));
        } else if (const unsigned status = statusFor(error); status != 0) {
            reply.response = AdminResponse::error(status, error.message());
        } else {
            co_return;
        }
        keepAlive = reply.keepAlive && !sessions_.stopping();
        reply.keepAlive = keepAlive;
        if (!co_await write(stream, std::move(reply))) {
            co_return;
        }
        co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    }
    co_await close(stream);
}

asio::awaitable<error_code> AdminServer::read(Stream& stream, beast::flat_buffer& buffer,
                                              Request& request) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(limits_.headBytes);
    parser.body_limit(limits_.bodyBytes);
    stream.expires_after(limits_.read);
    const auto [error, size] = co_await http::async_read(stream, buffer, parser, kToken);
    if (!error) {
        request = parser.release();
    }
    co_return error;
}

asio::awaitable<AdminServer::Answer> AdminServer::answer(Request request, bool fromThisHost) {
    Answer reply;
    reply.isHead = request.method() == http::verb::head;
    reply.keepAlive = request.keep_alive();
    reply.version = request.version() == 10 ? 10 : 11;
    auto target = parseAdminTarget({request.target().data(), request.target().size()});
    if (!target) {
        reply.response = AdminResponse::error(400, "malformed request target");
        co_return reply;
    }
    const auto byPath = routes_.find(target->path);
    if (byPath == routes_.end()) {
        reply.response = AdminResponse::error(404, "not found");
        co_return reply;
    }
    const std::string method(reply.isHead ? "GET" : request.method_string());
    const auto byMethod = byPath->second.find(method);
    if (byMethod == byPath->second.end()) {
        for (const auto& [name, handler] : byPath->second) {
            reply.allow.append(reply.allow.empty() ? "" : ", ").append(name);
        }
        reply.response = AdminResponse::error(405, "method not allowed");
        co_return reply;
    }
    if (method != "GET" && !fromThisHost) {
        reply.response = AdminResponse::error(403, "only from this host: nobody logs in here");
        co_return reply;
    }
    const std::string origin(request[http::field::origin]);
    if (method != "GET" && !origin.empty() &&
        !isOwnOrigin(origin, std::string(request[http::field::host]))) {
        reply.response = AdminResponse::error(403, "not allowed from another origin");
        co_return reply;
    }
    // Named: GCC 12 copies an aggregate made inside a co_await expression byte by byte into the
    // frame.
    AdminRequest admin{method, std::move(target->path), std::move(target->query),
                       std::move(request.body())};
    reply.response = co_await dispatch(byMethod->second, std::move(admin));
    co_return reply;
}

asio::awaitable<AdminResponse> AdminServer::dispatch(const AdminHandler& handler,
                                                     AdminRequest request) {
    using asio::experimental::awaitable_operators::operator||;
    auto work = guarded(handler, std::move(request));
    auto deadline = pauseFor(limits_.handler);
    auto first = co_await (std::move(work) || std::move(deadline));
    if (auto* response = std::get_if<0>(&first)) {
        co_return std::move(*response);
    }
    co_return AdminResponse::error(504, "no answer in time");
}

asio::awaitable<AdminResponse> AdminServer::guarded(const AdminHandler& handler,
                                                    AdminRequest request) {
    const std::string path = request.path;
    std::string what;
    try {
        co_return co_await handler(std::move(request));
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
        what = "an exception of unknown type";
    }
    logger_->error("admin handler failed path={} error=\"{}\"", path, what);
    co_return AdminResponse::error(500, "internal error");
}

asio::awaitable<bool> AdminServer::write(Stream& stream, Answer answer) {
    const AdminResponse& response = answer.response;
    stream.expires_after(limits_.write);
    error_code error;
    if (answer.isHead) {
        http::response<http::empty_body> message(http::int_to_status(response.status),
                                                 answer.version);
        setHeaders(message, response, answer.allow);
        message.content_length(response.body.size());
        message.keep_alive(answer.keepAlive);
        error = std::get<0>(co_await http::async_write(stream, message, kToken));
    } else {
        http::response<http::string_body> message(http::int_to_status(response.status),
                                                  answer.version);
        setHeaders(message, response, answer.allow);
        message.body() = std::move(answer.response.body);
        message.prepare_payload();
        message.keep_alive(answer.keepAlive);
        error = std::get<0>(co_await http::async_write(stream, message, kToken));
    }
    co_return !error;
}

asio::awaitable<void> AdminServer::close(Stream& stream) {
    error_code error;
    stream.socket().shutdown(tcp::socket::shutdown_send, error);
    // Closing with bytes unread would reset the connection, and the client might lose our answer.
    std::array<char, 4096> scratch;
    stream.expires_after(kLinger);
    while (!error) {
        error = std::get<0>(co_await stream.async_read_some(asio::buffer(scratch), kToken));
    }
}

}  // namespace evergate::process
