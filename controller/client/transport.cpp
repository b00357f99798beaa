// SPDX-License-Identifier: Apache-2.0
#include "controller/client/transport.hpp"

#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <cerrno>
#include <variant>
#include <vector>

#include "controller/client/tls_context.hpp"

namespace evergate::controller::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;
using TlsStream = ssl::stream<beast::tcp_stream>;

constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);

std::string textOf(const ErrorCode& error) {
    return error == beast::error::timeout || error == asio::error::timed_out ? "timed out"
                                                                             : error.message();
}

// A peer that vanished without a word is noticed by the kernel, whatever we are waiting for.
void watchPeer(tcp::socket& socket) {
    ErrorCode ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    const auto set = [fd = socket.native_handle()](int option, int value) {
        ::setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value);
    };
    set(TCP_KEEPIDLE, 20);
    set(TCP_KEEPINTVL, 5);
    set(TCP_KEEPCNT, 4);
    set(TCP_USER_TIMEOUT, 30'000);
}

// What both kinds share; Stream is beast::tcp_stream or TLS over one.
template <typename Stream>
class StreamTransport : public Transport {
public:
    asio::awaitable<std::string> connect(Timeout timeout) override {
        const auto resolved = co_await resolver_.resolve(url_.host, timeout);
        if (closed_) {
            co_return "closed";
        }
        if (resolved.error) {
            co_return "cannot resolve " + url_.host + ": " + textOf(resolved.error);
        }
        const auto error = co_await connectToAny(resolved.addresses, timeout);
        if (error) {
            co_return "cannot connect to " + url_.text() + ": " + textOf(error);
        }
        watchPeer(lowest().socket());
        lowest().expires_after(timeout);
        co_return co_await handshake();
    }

    asio::awaitable<std::pair<ErrorCode, std::size_t>> readSome(asio::mutable_buffer into,
                                                                Timeout timeout) override {
        lowest().expires_after(timeout);
        const auto [error, count] = co_await stream_.async_read_some(into, kToTuple);
        co_return std::pair{error, count};
    }

    asio::awaitable<ErrorCode> write(asio::const_buffer bytes, Timeout timeout) override {
        lowest().expires_after(timeout);
        const auto [error, count] = co_await asio::async_write(stream_, bytes, kToTuple);
        co_return error;
    }

    void close() override {
        closed_ = true;
        resolver_.cancel();
        lowest().close();
    }

    bool isIdle() override {
        char byte = 0;
        return ::recv(lowest().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
               errno == EAGAIN;
    }

protected:
    template <typename... Args>
    StreamTransport(process::NameResolver& resolver, ServerUrl url, Args&&... args)
        : url_(std::move(url)), resolver_(resolver), stream_(std::forward<Args>(args)...) {}

    // Each address has its share of the time: one that swallows packets must not hide the others.
    asio::awaitable<ErrorCode> connectToAny(std::vector<asio::ip::address> addresses,
                                            Timeout timeout) {
        ErrorCode error = asio::error::host_not_found;
        for (const auto& address : addresses) {
            if (closed_) {
                co_return ErrorCode(asio::error::operation_aborted);
            }
            lowest().expires_after(timeout / static_cast<int>(addresses.size()));
            const auto [failed] =
                co_await lowest().async_connect(tcp::endpoint(address, url_.port), kToTuple);
            error = failed;
            if (!error) {
                break;
            }
            ErrorCode ignored;
            lowest().socket().close(ignored);
        }
        co_return closed_ ? ErrorCode(asio::error::operation_aborted) : error;
    }

    // Runs under a deadline that connect() has set.
    virtual asio::awaitable<std::string> handshake() = 0;

    beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

    ServerUrl url_;
    process::NameResolver& resolver_;
    Stream stream_;
    bool closed_ = false;
};

class PlainTransport final : public StreamTransport<beast::tcp_stream> {
public:
    PlainTransport(const asio::any_io_executor& executor, process::NameResolver& resolver,
                   ServerUrl url)
        : StreamTransport(resolver, std::move(url), executor) {}

private:
    asio::awaitable<std::string> handshake() override { co_return std::string{}; }
};

// Declared before the stream so that it outlives it.
struct TlsContextHolder {
    std::unique_ptr<ssl::context> context;
};

class TlsTransport final : private TlsContextHolder, public StreamTransport<TlsStream> {
public:
    TlsTransport(const asio::any_io_executor& executor, process::NameResolver& resolver,
                 const ServerAccess& access, std::unique_ptr<ssl::context> tls)
        : TlsContextHolder{std::move(tls)},
          StreamTransport(resolver, access.server, executor, *context),
          name_(access.tlsServerName.empty() ? access.server.host : access.tlsServerName),
          verify_(!access.skipTlsVerify) {}

private:
    asio::awaitable<std::string> handshake() override {
        ErrorCode error;
        asio::ip::make_address(name_, error);
        if (error) {  // RFC 6066: an address is no server name
            SSL_set_tlsext_host_name(stream_.native_handle(), name_.c_str());
        }
        if (verify_) {
            stream_.set_verify_callback(ssl::host_name_verification(name_), error);
        }
        const auto [failed] = co_await stream_.async_handshake(ssl::stream_base::client, kToTuple);
        if (!failed) {
            co_return std::string{};
        }
        const auto verdict = SSL_get_verify_result(stream_.native_handle());
        co_return "TLS with " + url_.text() + ": " + textOf(failed) +
            (verdict == X509_V_OK
                 ? ""
                 : std::string(" (") + X509_verify_cert_error_string(verdict) + ")");
    }

    std::string name_;
    bool verify_;
};

}  // namespace

OrProblem<std::unique_ptr<Transport>> makeTransport(const asio::any_io_executor& executor,
                                                    process::NameResolver& resolver,
                                                    const ServerAccess& access) {
    if (!access.server.tls) {
        return std::unique_ptr<Transport>(
            std::make_unique<PlainTransport>(executor, resolver, access.server));
    }
    auto context = makeTlsContext(access);
    if (auto* problem = std::get_if<ConfigProblem>(&context)) {
        return std::move(*problem);
    }
    return std::unique_ptr<Transport>(std::make_unique<TlsTransport>(
        executor, resolver, access, std::get<std::unique_ptr<ssl::context>>(std::move(context))));
}

bool isEndOfStream(const ErrorCode& error) {
    return error == asio::error::eof || error == ssl::error::stream_truncated ||
           error == asio::error::connection_reset;
}

}  // namespace evergate::controller::client
