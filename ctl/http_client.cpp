// SPDX-License-Identifier: Apache-2.0
#include "ctl/http_client.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/beast/http/write.hpp>

#include "common/process/version.hpp"

namespace evergate::ctl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

constexpr std::uint64_t kMaxBodyBytes = 256ull * 1024 * 1024;

// A chain of callbacks on one io_context that is run until the deadline.
class Request {
public:
    Request(const BaseUrl& base, std::string_view method, const std::string& target)
        : resolver_(context_), stream_(context_), base_(base) {
        request_.method_string({method.data(), method.size()});
        request_.target(target);
        request_.version(11);
        const bool v6 = base.host.find(':') != std::string::npos;
        request_.set(beast::http::field::host,
                     (v6 ? '[' + base.host + ']' : base.host) + ':' + base.port);
        request_.set(beast::http::field::connection, "close");
        request_.set(beast::http::field::user_agent, "evergatectl/" EVERGATE_VERSION);
        request_.prepare_payload();
        parser_.body_limit(kMaxBodyBytes);
    }

    std::variant<HttpAnswer, Unreachable> run(std::chrono::milliseconds timeout) {
        resolver_.async_resolve(base_.host, base_.port,
                                [this](error_code error, const Tcp::resolver::results_type& found) {
                                    if (!failed(error)) {
                                        connect(found);
                                    }
                                });
        context_.run_for(timeout);
        if (!done_) {
            return Unreachable{"no answer within " + std::to_string(timeout.count()) + " ms"};
        }
        if (error_) {
            return Unreachable{error_.message()};
        }
        return HttpAnswer{parser_.get().result_int(), std::move(parser_.get().body())};
    }

private:
    bool failed(error_code error) {
        if (error) {
            error_ = error;
            done_ = true;
        }
        return error.failed();
    }

    void connect(const Tcp::resolver::results_type& found) {
        stream_.async_connect(found, [this](error_code error, const Tcp::endpoint&) {
            if (!failed(error)) {
                send();
            }
        });
    }

    void send() {
        beast::http::async_write(stream_, request_, [this](error_code error, std::size_t) {
            if (!failed(error)) {
                receive();
            }
        });
    }

    void receive() {
        beast::http::async_read(stream_, buffer_, parser_, [this](error_code error, std::size_t) {
            failed(error);
            done_ = true;
        });
    }

    asio::io_context context_{1};
    Tcp::resolver resolver_;
    beast::tcp_stream stream_;
    const BaseUrl& base_;
    beast::http::request<beast::http::empty_body> request_;
    beast::flat_buffer buffer_;
    beast::http::response_parser<beast::http::string_body> parser_;
    error_code error_;
    bool done_ = false;
};

bool isPort(std::string_view text) {
    return !text.empty() && text.size() <= 5 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool isHost(std::string_view text, bool v6) {
    return !text.empty() && text.size() <= 253 &&
           std::all_of(text.begin(), text.end(), [v6](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '.' || c == '-' || c == '_' || (v6 && c == ':');
           });
}

}  // namespace

std::optional<BaseUrl> parseBaseUrl(std::string_view text) {
    constexpr std::string_view kScheme = "http://";
    if (!text.starts_with(kScheme)) {
        return std::nullopt;
    }
    text.remove_prefix(kScheme.size());
    if (text.ends_with('/')) {
        text.remove_suffix(1);
    }
    BaseUrl url;
    std::string_view rest;
    const bool v6 = text.starts_with('[');
    if (v6) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        url.host = text.substr(1, close - 1);
        rest = text.substr(close + 1);
    } else {
        const std::size_t colon = std::min(text.find(':'), text.size());
        url.host = text.substr(0, colon);
        rest = text.substr(colon);
    }
    if (!rest.empty()) {
        if (rest[0] != ':' || !isPort(rest.substr(1))) {
            return std::nullopt;
        }
        url.port = rest.substr(1);
    }
    return isHost(url.host, v6) ? std::optional(std::move(url)) : std::nullopt;
}

std::variant<HttpAnswer, Unreachable> fetch(const BaseUrl& base, std::string_view method,
                                            const std::string& target,
                                            std::chrono::milliseconds timeout) {
    return Request(base, method, target).run(timeout);
}

std::string percentEncode(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            encoded += c;
        } else {
            encoded += {'%', kHex[byte >> 4], kHex[byte & 0xf]};
        }
    }
    return encoded;
}

}  // namespace evergate::ctl
