// SPDX-License-Identifier: Apache-2.0
// A small HTTP/1.1 server for operators and scrapers: /metrics, /healthz, /readyz, /api/v1/...
//
// One thread, that of the executor. Everything is bounded: connections (one too many is answered
// 503), request size, and the time a client may take to send a request, stay idle or take an
// answer. Handlers are found by method and exact path; an unknown path is 404, another method 405,
// both with a JSON body; HEAD works where GET does. A request that changes something (any other
// method) is taken over loopback only: nobody logs in here. Nothing is thrown out of here: what a
// handler throws is logged and answered 500. Handlers may be capturing coroutine lambdas, as they
// live as long as the server. Before destroying a server whose io_context still runs, await stop().
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "common/process/admin_message.hpp"
#include "common/process/listen_address.hpp"
#include "common/process/logging.hpp"
#include "common/process/task_group.hpp"

namespace evergate::process {

struct AdminLimits {
    std::size_t connections = 64;
    std::uint32_t headBytes = 16 * 1024;
    std::size_t bodyBytes = 256 * 1024;
    std::chrono::milliseconds read{10'000};     // from idle to a whole request
    std::chrono::milliseconds handler{10'000};  // a handler that awaits something
    std::chrono::milliseconds write{10'000};    // a whole answer
};

class AdminServer {
public:
    AdminServer(boost::asio::any_io_executor executor, Logger logger, AdminLimits limits = {});
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    // Before start(). `method` in capitals; a GET route serves HEAD.
    void route(std::string method, std::string path, AdminHandler handler);
    // For a handler that has nothing to wait for.
    void route(std::string method, std::string path,
               std::function<AdminResponse(const AdminRequest&)> handler);

    // Binds and begins to accept.
    boost::system::error_code start(const ListenAddress& address);
    // The address in use, with the real port after port 0. Requires a successful start().
    ListenAddress localEndpoint() const;

    // Stops accepting, closes idle connections, gives answers under way `grace` to finish.
    boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);

    std::size_t connectionCount() const noexcept { return sessions_.size(); }

private:
    using Request = boost::beast::http::request<boost::beast::http::string_body>;
    using Stream = boost::beast::tcp_stream;
    using Methods = std::map<std::string, AdminHandler, std::less<>>;

    struct Answer {
        AdminResponse response;
        std::string allow{};  // 405 only
        bool isHead = false;
        bool keepAlive = false;
        unsigned version = 11;
    };

    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(Stream stream);
    boost::asio::awaitable<void> refuse(Stream stream);
    boost::asio::awaitable<boost::system::error_code> read(Stream& stream,
                                                           boost::beast::flat_buffer& buffer,
                                                           Request& request);
    boost::asio::awaitable<Answer> answer(Request request, bool fromThisHost);
    boost::asio::awaitable<AdminResponse> dispatch(const AdminHandler& handler,
                                                   AdminRequest request);
    boost::asio::awaitable<AdminResponse> guarded(const AdminHandler& handler,
                                                  AdminRequest request);
    boost::asio::awaitable<bool> write(Stream& stream, Answer answer);
    boost::asio::awaitable<void> close(Stream& stream);

    boost::asio::any_io_executor executor_;
    Logger logger_;
    AdminLimits limits_;
    std::map<std::string, Methods, std::less<>> routes_;  // by path
    boost::asio::ip::tcp::acceptor acceptor_;
    TaskGroup acceptors_;
    TaskGroup sessions_;
    TaskGroup refusals_;
};

}  // namespace evergate::process
