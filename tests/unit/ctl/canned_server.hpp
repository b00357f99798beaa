// SPDX-License-Identifier: Apache-2.0
// Servers to point a blocking client at: one answers from a table on a thread of its own, one
// accepts and says nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ctl/http_client.hpp"

namespace evergate::ctl {

inline BaseUrl addressOf(const boost::asio::ip::tcp::acceptor& acceptor) {
    return {"127.0.0.1", std::to_string(acceptor.local_endpoint().port())};
}

// A port that was free a moment ago and that nobody listens on.
inline BaseUrl unusedAddress() {
    boost::asio::io_context context;
    const boost::asio::ip::tcp::acceptor acceptor(context,
                                                  {boost::asio::ip::address_v4::loopback(), 0});
    return addressOf(acceptor);
}

class SilentServer {
public:
    BaseUrl base() const { return addressOf(acceptor_); }

private:
    boost::asio::io_context context_;
    boost::asio::ip::tcp::acceptor acceptor_{context_,
                                             {boost::asio::ip::address_v4::loopback(), 0}};
};

class CannedServer {
public:
    using Answers = std::map<std::string, std::pair<unsigned, std::string>>;  // "GET /path?query"

    explicit CannedServer(Answers answers)
        : answers_(std::move(answers)), thread_([this] { serve(); }) {}

    CannedServer(const CannedServer&) = delete;
    CannedServer& operator=(const CannedServer&) = delete;

    ~CannedServer() {
        // The last connection carries no request: it only ends the loop.
        boost::asio::io_context context;
        boost::asio::ip::tcp::socket(context).connect(acceptor_.local_endpoint());
        thread_.join();
    }

    BaseUrl base() const { return addressOf(acceptor_); }

    std::string url() const { return "http://127.0.0.1:" + base().port; }

private:
    void serve() {
        namespace http = boost::beast::http;
        for (;;) {
            boost::asio::ip::tcp::socket socket = acceptor_.accept();
            boost::beast::flat_buffer buffer;
            http::request<http::string_body> request;
            boost::system::error_code error;
            http::read(socket, buffer, request, error);
            if (error) {
                return;
            }
            const std::string line =
                std::string(request.method_string()) + ' ' + std::string(request.target());
            http::response<http::string_body> response;
            const auto it = answers_.find(line);
            response.result(it == answers_.end() ? 404 : it->second.first);
            response.body() =
                it == answers_.end() ? "{\"error\":\"no " + line + "\"}" : it->second.second;
            response.prepare_payload();
            http::write(socket, response, error);
        }
    }

    Answers answers_;
    boost::asio::io_context context_;
    boost::asio::ip::tcp::acceptor acceptor_{context_,
                                             {boost::asio::ip::address_v4::loopback(), 0}};
    std::thread thread_;
};

}  // namespace evergate::ctl
