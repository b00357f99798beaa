// SPDX-License-Identifier: Apache-2.0
#include "dataplane/health/probe.hpp"

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <cerrno>
#include <string_view>

#include "common/model/backend_protocol.hpp"
#include "dataplane/health/grpc_check.hpp"
#include "dataplane/net/proxy_header.hpp"

namespace evergate::health {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr std::size_t kMaxHead = 32 * 1024;
constexpr int kMaxInterims = 8;
constexpr std::size_t kMaxDetail = 200;

ProbeResult failed(const char* step, const error_code& error) {
    std::string detail =
        error == beast::error::timeout ? "timed out" : error.message().substr(0, kMaxDetail - 20);
    return {false, std::string(step) + ": " + detail};
}

// The Host field: RFC 9110 §7.2. An IPv6 literal has brackets, a default port is left out.
std::string hostOf(const ProbeTarget& target) {
    const model::Backend& policy = *target.policy;
    if (!policy.healthCheck.host.empty()) {
        return policy.healthCheck.host;
    }
    const auto address = target.where.address();
    std::string host = address.is_v6() ? '[' + address.to_string() + ']' : address.to_string();
    const unsigned usual = model::usesTls(policy.protocol) ? 443 : 80;
    return target.where.port() == usual ? host : host + ':' + std::to_string(target.where.port());
}

ProbeResult judge(unsigned status, const model::HealthCheck& check) {
    return {status >= check.statusLow && status <= check.statusHigh,
            "status " + std::to_string(status)};
}

template <typename Stream>
asio::awaitable<ProbeResult> ask(Stream& stream, const ProbeTarget& target) {
    const model::HealthCheck& check = target.policy->healthCheck;
    error_code error;
    http::request<http::empty_body> request(http::verb::get, check.path, 11);
    request.set(http::field::host, hostOf(target));
    request.set(http::field::user_agent, "evergate-health-check");
    request.set(http::field::accept, "*/*");
    request.set(http::field::connection, "close");
    co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, error));
    if (error) {
        co_return failed("request", error);
    }
    beast::flat_buffer buffer(kMaxHead);
    for (int i = 0; i < kMaxInterims; ++i) {
        http::response_parser<http::empty_body> parser;
        parser.header_limit(kMaxHead);
        parser.skip(true);
        co_await http::async_read_header(stream, buffer, parser,
                                         asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            co_return failed("response", error);
        }
        if (parser.get().result_int() >= 200) {
            co_return judge(parser.get().result_int(), check);
        }
    }
    co_return ProbeResult{false, "response: too many interim responses"};
}

// Endpoints that requests do not reach over TLS need only complete a handshake.
bool verifies(const model::Backend& policy) noexcept {
    return policy.tlsVerify && model::usesTls(policy.protocol);
}

// What the certificate must prove, and who may have signed it. False: the authorities are no PEM.
bool trust(ssl::context& context, const model::Backend& policy, error_code& error) {
    if (!verifies(policy)) {
        context.set_verify_mode(ssl::verify_none, error);
    } else if (policy.tlsAuthorities.empty()) {
        context.set_default_verify_paths(error);
    } else {
        context.add_certificate_authority(asio::buffer(policy.tlsAuthorities), error);
    }
    return !error;
}

template <typename Stream>
asio::awaitable<ProbeResult> askHttp2(Stream& stream, const ProbeTarget& target, bool tls) {
    const model::HealthCheck& check = target.policy->healthCheck;
    const bool get = check.type == model::HealthCheckType::http;
    GrpcCheck grpc({hostOf(target), check.grpcService, tls, check.timeout, get ? check.path : ""});
    std::array<char, 4096> buffer;
    error_code error;
    for (;;) {
        const std::string output = grpc.output();
        if (!output.empty()) {
            co_await asio::async_write(stream, asio::buffer(output),
                                       asio::redirect_error(asio::use_awaitable, error));
        }
        if (grpc.done()) {
            co_return get&& grpc.result().good ? judge(grpc.httpStatus(), check) : grpc.result();
        }
        if (error) {
            co_return failed("request", error);
        }
        const std::size_t got = co_await stream.async_read_some(
            asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            co_return failed("response", error);
        }
        grpc.take({buffer.data(), got});
    }
}

// What is left to do once there is a connection.
template <typename Stream>
asio::awaitable<ProbeResult> converse(Stream& stream, const ProbeTarget& target, bool tls) {
    switch (target.policy->healthCheck.type) {
        case model::HealthCheckType::none:
        case model::HealthCheckType::tcp:
        case model::HealthCheckType::tls:
            co_return ProbeResult{true, tls ? "TLS established" : "connected"};
        case model::HealthCheckType::grpc:
            co_return co_await askHttp2(stream, target, tls);
        case model::HealthCheckType::http:
            break;
    }
    if (model::speaksHttp2(target.policy->protocol)) {
        co_return co_await askHttp2(stream, target, tls);
    }
    co_return co_await ask(stream, target);
}

bool asksOverHttp2(const model::Backend& policy) noexcept {
    return policy.healthCheck.type == model::HealthCheckType::grpc ||
           (policy.healthCheck.type == model::HealthCheckType::http &&
            model::speaksHttp2(policy.protocol));
}

// HTTP/2 over TLS is a matter of agreement (RFC 9113 §3.2).
constexpr unsigned char kHttp2[] = {2, 'h', '2'};

bool agreedOnHttp2(const ::SSL* ssl) {
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    ::SSL_get0_alpn_selected(ssl, &chosen, &size);
    return size == 2 && chosen[0] == 'h' && chosen[1] == '2';
}

asio::awaitable<ProbeResult> askOverTls(beast::tcp_stream& plain, const ProbeTarget& target) {
    const model::Backend& policy = *target.policy;
    error_code error;
    ssl::context context(ssl::context::tls_client);
    if (!trust(context, policy, error)) {
        co_return failed("certificate authorities", error);
    }
    if (target.shown && !target.shown->useIn(context.native_handle())) {
        co_return ProbeResult{false, "TLS: the certificate to show cannot be used"};
    }
    beast::ssl_stream<beast::tcp_stream&> stream(plain, context);
    const std::string& name =
        policy.tlsServerName.empty() ? policy.healthCheck.host : policy.tlsServerName;
    if (!name.empty()) {
        ::SSL_set_tlsext_host_name(stream.native_handle(), name.c_str());
    }
    const bool http2 = asksOverHttp2(policy);
    if (http2) {
        ::SSL_set_alpn_protos(stream.native_handle(), kHttp2, sizeof kHttp2);
    }
    if (verifies(policy)) {
        const std::string expected = name.empty() ? target.where.address().to_string() : name;
        stream.set_verify_mode(ssl::verify_peer);
        stream.set_verify_callback(ssl::host_name_verification(expected));
    }
    co_await stream.async_handshake(ssl::stream_base::client,
                                    asio::redirect_error(asio::use_awaitable, error));
    if (error) {
        co_return failed("TLS", error);
    }
    if (http2 && !agreedOnHttp2(stream.native_handle())) {
        co_return ProbeResult{false, "TLS: no HTTP/2 (ALPN h2)"};
    }
    co_return co_await converse(stream, target, true);
}

std::string_view introduction(const ProbeTarget& target) noexcept {
    if (!target.ownPort || target.policy->proxyProtocol == model::ProxyProtocol::none) {
        return {};
    }
    return target.policy->proxyProtocol == model::ProxyProtocol::v1 ? net::localProxyV1()
                                                                    : net::localProxyV2();
}

// To be connected from this address.
error_code openAt(const net::SocketAddress& source, beast::tcp_stream& stream,
                  const asio::ip::tcp& protocol) {
    error_code error;
    stream.socket().open(protocol, error);
    if (!error && !net::bindSource(stream.socket().native_handle(), source)) {
        error = {errno, boost::system::system_category()};
    }
    return error;
}

// Like requests: from each source address in turn; one without a port left is passed over.
asio::awaitable<error_code> connect(beast::tcp_stream& stream, const ProbeTarget& target) {
    const auto protocol = target.where.protocol();
    const std::size_t ways = target.sources ? target.sources->count(protocol.family()) : 0;
    error_code error;
    for (std::size_t tried = 0; tried == 0 || tried < ways; ++tried) {
        error_code ignored;
        stream.socket().close(ignored);
        error = ways == 0 ? error_code()
                          : openAt(*target.sources->next(protocol.family()), stream, protocol);
        if (!error) {
            co_await stream.async_connect(target.where,
                                          asio::redirect_error(asio::use_awaitable, error));
        }
        if (error != boost::system::errc::address_not_available) {
            break;
        }
    }
    co_return error;
}

}  // namespace

asio::awaitable<ProbeResult> probe(ProbeTarget target) {
    const model::Backend& policy = *target.policy;
    beast::tcp_stream stream(co_await asio::this_coro::executor);
    stream.expires_after(policy.healthCheck.timeout);
    error_code error = co_await connect(stream, target);
    if (error) {
        co_return failed("connect", error);
    }
    if (const std::string_view first = introduction(target); !first.empty()) {
        co_await asio::async_write(stream, asio::buffer(first),
                                   asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            co_return failed("request", error);
        }
    }
    if (model::usesTls(policy.protocol) || policy.healthCheck.type == model::HealthCheckType::tls) {
        co_return co_await askOverTls(stream, target);
    }
    co_return co_await converse(stream, target, false);
}

}  // namespace evergate::health
