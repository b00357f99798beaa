// SPDX-License-Identifier: Apache-2.0
#include "common/rpc/listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstring>
#include <utility>

#include "common/process/directory.hpp"
#include "common/rpc/accepted_channel.hpp"
#include "common/rpc/transport_security.hpp"

namespace evergate::rpc {

namespace asio = boost::asio;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;
using ErrorCode = boost::system::error_code;

namespace {

// Accepts until closed; an error (out of descriptors) pauses instead of spinning.
template <class Protocol>
class AcceptLoop : public std::enable_shared_from_this<AcceptLoop<Protocol>> {
public:
    using Accepted = std::function<void(typename Protocol::socket)>;

    AcceptLoop(asio::io_context& io, Accepted accepted)
        : acceptor(io), pause_(io), accepted_(std::move(accepted)) {}

    void run() {
        acceptor.async_accept([self = this->shared_from_this()](ErrorCode ec, auto socket) {
            if (!self->acceptor.is_open()) {
                return;
            }
            if (ec) {
                return self->rest();
            }
            self->accepted_(std::move(socket));
            self->run();
        });
    }

    void stop() {
        ErrorCode ignored;
        acceptor.close(ignored);
        pause_.cancel();
    }

    typename Protocol::acceptor acceptor;

private:
    void rest() {
        pause_.expires_after(std::chrono::milliseconds(200));
        pause_.async_wait([self = this->shared_from_this()](ErrorCode ec) {
            if (!ec && self->acceptor.is_open()) {
                self->run();
            }
        });
    }

    asio::steady_timer pause_;
    Accepted accepted_;
};

// True when a process answers on the socket file.
bool answers(asio::io_context& io, const std::string& path) {
    Local::socket probe(io);
    ErrorCode ec;
    probe.connect(Local::endpoint(path), ec);
    return !ec;
}

bool isSocket(const std::string& path) {
    struct stat info {};

    return ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

class LocalListener : public Listener {
public:
    LocalListener(asio::io_context& io, OnAccept onAccept)
        : loop_(std::make_shared<AcceptLoop<Local>>(
              io, [onAccept = std::move(onAccept)](Local::socket socket) {
                  onAccept(makeAccepted(std::move(socket)));
              })) {}

    ~LocalListener() override {
        loop_->stop();

        struct stat info {};

        if (inode_ != 0 && ::lstat(path_.c_str(), &info) == 0 && info.st_ino == inode_) {
            ::unlink(path_.c_str());
        }
    }

    bool open(asio::io_context& io, const std::string& path, std::string& error) {
        if (isSocket(path)) {
            if (answers(io, path)) {
                error = path + ": another process listens on it";
                return false;
            }
            ::unlink(path.c_str());
        }
        const std::size_t slash = path.rfind('/');
        ErrorCode ec =
            process::ensureDirectory(slash == std::string::npos ? "" : path.substr(0, slash));
        auto& acceptor = loop_->acceptor;
        if (!ec) {
            acceptor.open(Local(), ec);
        }
        if (!ec) {
            const mode_t old = ::umask(0117);  // from the first moment on: rw for owner and group
            acceptor.bind(Local::endpoint(path), ec);
            ::umask(old);
        }
        if (!ec) {
            acceptor.listen(asio::socket_base::max_listen_connections, ec);
        }

        struct stat info {};

        if (!ec && ::lstat(path.c_str(), &info) == 0) {
            path_ = path;
            inode_ = info.st_ino;
        }
        if (ec) {
            error = path + ": " + ec.message();
            return false;
        }
        loop_->run();
        return true;
    }

    std::uint16_t port() const override { return 0; }

private:
    std::shared_ptr<AcceptLoop<Local>> loop_;
    std::string path_;
    ino_t inode_ = 0;
};

class TlsListener : public Listener {
public:
    TlsListener(asio::io_context& io, TlsFiles files, OnAccept onAccept)
        : loop_(std::make_shared<AcceptLoop<tcp>>(
              io,
              [&io, files = std::move(files), onAccept = std::move(onAccept)](tcp::socket socket) {
                  // Read anew for every connection, so that renewed certificates need no restart.
                  std::string why;
                  const auto tls = makeTlsContext(TlsRole::server, files, why);
                  onAccept(tls ? makeAccepted(std::move(socket), *tls) : makeBroken(io, why));
              })) {}

    ~TlsListener() override { loop_->stop(); }

    bool open(asio::io_context& io, const TcpAddress& address, std::string& error) {
        ErrorCode ec;
        tcp::resolver resolver(io);
        const auto found = resolver.resolve(address.host, std::to_string(address.port),
                                            tcp::resolver::passive, ec);
        auto& acceptor = loop_->acceptor;
        if (!ec) {
            acceptor.open(found.begin()->endpoint().protocol(), ec);
        }
        if (!ec) {
            acceptor.set_option(asio::socket_base::reuse_address(true), ec);
        }
        if (!ec) {
            acceptor.bind(found.begin()->endpoint(), ec);
        }
        if (!ec) {
            acceptor.listen(asio::socket_base::max_listen_connections, ec);
        }
        if (ec) {
            error = toText(address) + ": " + ec.message();
            return false;
        }
        loop_->run();
        return true;
    }

    std::uint16_t port() const override {
        ErrorCode ec;
        return loop_->acceptor.local_endpoint(ec).port();
    }

private:
    std::shared_ptr<AcceptLoop<tcp>> loop_;
};

}  // namespace

std::unique_ptr<Listener> makeListener(asio::io_context& io, const Address& address,
                                       const TlsFiles& files, Listener::OnAccept onAccept,
                                       std::string& error) {
    error = checkSecurity(address, files);
    if (!error.empty()) {
        return nullptr;
    }
    if (const auto* local = std::get_if<UnixAddress>(&address)) {
        auto listener = std::make_unique<LocalListener>(io, std::move(onAccept));
        return listener->open(io, local->path, error) ? std::move(listener) : nullptr;
    }
    if (!makeTlsContext(TlsRole::server, files, error)) {
        return nullptr;
    }
    auto listener = std::make_unique<TlsListener>(io, files, std::move(onAccept));
    return listener->open(io, std::get<TcpAddress>(address), error) ? std::move(listener) : nullptr;
}

}  // namespace evergate::rpc
