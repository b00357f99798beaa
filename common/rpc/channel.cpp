// SPDX-License-Identifier: Apache-2.0
#include "common/rpc/channel.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "common/rpc/accepted_channel.hpp"
#include "common/rpc/connection.hpp"
#include "common/rpc/limits.hpp"
#include "common/rpc/transport_security.hpp"

namespace evergate::rpc {

namespace asio = boost::asio;
using asio::ip::tcp;
using LocalSocket = asio::local::stream_protocol::socket;
using TlsStream = asio::ssl::stream<tcp::socket>;
using ErrorCode = boost::system::error_code;

namespace {

// The handle a user owns: everything but the way to a connected socket.
template <class Stream>
class Handle : public Channel {
public:
    using Core = Connection<Stream>;

    explicit Handle(std::shared_ptr<Core> core) : core_(std::move(core)) {}

    ~Handle() override { core_->abandon(); }

    void start(ChannelObserver& observer) override {
        core_->observe(observer);
        asio::post(core_->socket().get_executor(), [core = core_] { core->open({}); });
    }

    void send(std::string text) override { core_->send(std::move(text)); }

    std::size_t queued() const override { return core_->queued(); }

    void finish() override { core_->finish(); }

protected:
    std::shared_ptr<Core> core_;
};

class LocalDialer : public Handle<LocalSocket> {
public:
    LocalDialer(asio::io_context& io, std::string path)
        : Handle(std::make_shared<Core>(Core::Role::client, "localhost", io)),
          path_(std::move(path)) {}

    void start(ChannelObserver& observer) override {
        core_->observe(observer);
        core_->socket().async_connect(path_, [core = core_](ErrorCode ec) { core->open(ec); });
    }

private:
    asio::local::stream_protocol::endpoint path_;
};

// Before the whole attempt has had its time, so that it says what took so long.
constexpr std::chrono::seconds kResolveDeadline = kOpenDeadline - std::chrono::seconds(1);

class TlsDialer : public Handle<TlsStream> {
public:
    TlsDialer(asio::io_context& io, TcpAddress address, asio::ssl::context& tls,
              std::shared_ptr<process::NameResolver> names)
        : Handle(std::make_shared<Core>(Core::Role::client, address.host, io, tls)),
          address_(std::move(address)),
          names_(std::move(names)) {}

    ~TlsDialer() override { names_->cancel(); }

    void start(ChannelObserver& observer) override {
        core_->observe(observer);
        core_->stream().set_verify_callback(asio::ssl::host_name_verification(address_.host));
        SSL_set_tlsext_host_name(core_->stream().native_handle(), address_.host.c_str());
        asio::co_spawn(core_->socket().get_executor(), connect(core_, names_, address_),
                       asio::detached);
    }

private:
    // Owns what it uses: the dialer may be gone before it ends.
    static asio::awaitable<void> connect(std::shared_ptr<Core> core,
                                         std::shared_ptr<process::NameResolver> names,
                                         TcpAddress address) {
        const process::Resolved found = co_await names->resolve(address.host, kResolveDeadline);
        if (found.error) {
            co_return core->fail("resolve: " + found.error.message());
        }
        std::vector<tcp::endpoint> endpoints;
        for (const asio::ip::address& each : found.addresses) {
            endpoints.emplace_back(each, address.port);
        }
        const auto [error, chosen] = co_await asio::async_connect(
            core->socket(), endpoints, asio::as_tuple(asio::use_awaitable));
        ErrorCode ignored;
        core->socket().set_option(tcp::no_delay(true), ignored);
        core->open(error);
    }

    TcpAddress address_;
    std::shared_ptr<process::NameResolver> names_;
};

class BrokenChannel : public Channel {
public:
    BrokenChannel(asio::io_context& io, std::string why)
        : state_(std::make_shared<State>()), io_(io) {
        state_->why = std::move(why);
    }

    ~BrokenChannel() override { state_->observer = nullptr; }

    void start(ChannelObserver& observer) override {
        state_->observer = &observer;
        asio::post(io_, [state = state_] {
            if (ChannelObserver* o = std::exchange(state->observer, nullptr)) {
                o->onClosed(state->why);
            }
        });
    }

    void send(std::string) override {}

    std::size_t queued() const override { return 0; }

    void finish() override {}

private:
    struct State {
        ChannelObserver* observer = nullptr;
        std::string why;
    };

    std::shared_ptr<State> state_;
    asio::io_context& io_;
};

}  // namespace

std::unique_ptr<Channel> makeDialer(asio::io_context& io, Address address, TlsFiles files,
                                    std::shared_ptr<process::NameResolver> names) {
    if (auto* local = std::get_if<UnixAddress>(&address)) {
        return std::make_unique<LocalDialer>(io, std::move(local->path));
    }
    std::string error;
    const auto tls = makeTlsContext(TlsRole::client, files, error);
    if (!tls) {
        return makeBroken(io, std::move(error));
    }
    if (!names) {
        names = std::make_shared<process::NameResolver>(io.get_executor());
    }
    return std::make_unique<TlsDialer>(io, std::move(std::get<TcpAddress>(address)), *tls,
                                       std::move(names));
}

std::unique_ptr<Channel> makeBroken(asio::io_context& io, std::string why) {
    return std::make_unique<BrokenChannel>(io, std::move(why));
}

std::unique_ptr<Channel> makeAccepted(LocalSocket socket) {
    using Core = Connection<LocalSocket>;
    return std::make_unique<Handle<LocalSocket>>(
        std::make_shared<Core>(Core::Role::server, "", std::move(socket)));
}

std::unique_ptr<Channel> makeAccepted(tcp::socket socket, asio::ssl::context& tls) {
    using Core = Connection<TlsStream>;
    ErrorCode ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    return std::make_unique<Handle<TlsStream>>(
        std::make_shared<Core>(Core::Role::server, "", std::move(socket), tls));
}

}  // namespace evergate::rpc
