// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ocsp/fetch.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <utility>
#include <vector>

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::ocsp {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tls::OcspOutcome;

constexpr std::chrono::seconds kNameTime{5};
constexpr std::chrono::seconds kConnectTime{3};
constexpr std::chrono::seconds kAnswerTime{10};
constexpr std::size_t kMostAddresses = 3;
constexpr std::uint32_t kMaxHead = 8 * 1024;

Fetched failed(OcspOutcome outcome, std::string detail) {
    return {outcome, {}, std::move(detail)};
}

Fetched failed(const char* step, const error_code& error) {
    const bool late = error == beast::error::timeout || error == asio::error::timed_out;
    const std::string what = late ? "timed out" : error.message();
    return failed(OcspOutcome::unreachable, std::string(step) + ": " + what);
}

asio::awaitable<Fetched> converse(beast::tcp_stream& stream, const Responder& responder,
                                  std::string body) {
    http::request<http::string_body> request(http::verb::post, responder.target, 11);
    request.set(http::field::host, responder.authority);
    request.set(http::field::user_agent, "evergate");
    request.set(http::field::content_type, "application/ocsp-request");
    request.set(http::field::accept, "application/ocsp-response");
    request.set(http::field::connection, "close");
    request.body() = std::move(body);
    request.prepare_payload();
    error_code error;
    stream.expires_after(kAnswerTime);
    co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, error));
    if (error)
        co_return failed("request", error);
    beast::flat_buffer buffer(kMaxHead + kMaxAnswer);
    http::response_parser<http::string_body> parser;
    parser.header_limit(kMaxHead);
    parser.body_limit(kMaxAnswer);
    co_await http::async_read(stream, buffer, parser,
                              asio::redirect_error(asio::use_awaitable, error));
    if (error == http::error::body_limit)
        co_return failed(OcspOutcome::refused, "the answer has more than 64 KiB");
    if (error)
        co_return failed("answer", error);
    if (parser.get().result_int() != 200) {
        co_return failed(OcspOutcome::refused,
                         "status " + std::to_string(parser.get().result_int()));
    }
    co_return Fetched{OcspOutcome::good, std::move(parser.get().body()), {}};
}

}  // namespace

asio::awaitable<Fetched> fetch(Responder responder, std::string request, Scope scope,
                               process::NameResolver& names) {
    if (!allows(scope, responder.port))
        co_return failed(OcspOutcome::forbidden, "only port 80 is asked (--ocsp)");
    process::Resolved resolved = co_await names.resolve(responder.host, kNameTime);
    if (resolved.error)
        co_return failed("name", resolved.error);
    auto& addresses = resolved.addresses;
    std::erase_if(addresses, [scope](const auto& each) { return !allows(scope, each); });
    if (addresses.empty())
        co_return failed(OcspOutcome::forbidden, "has no public address (--ocsp)");
    addresses.resize(std::min(addresses.size(), kMostAddresses));
    error_code error;
    for (const asio::ip::address& address : addresses) {
        beast::tcp_stream stream(co_await asio::this_coro::executor);
        stream.expires_after(kConnectTime);
        co_await stream.async_connect({address, responder.port},
                                      asio::redirect_error(asio::use_awaitable, error));
        if (!error) {
            co_return co_await converse(stream, responder, std::move(request));
        }
    }
    co_return failed("connect", error);
}

}  // namespace evergate::ocsp
