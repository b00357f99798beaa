// SPDX-License-Identifier: Apache-2.0
#include "tests/support/proxy_fixture.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cstdlib>
#include <stdexcept>

namespace evergate::test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void setDeadline(int fd) {
    const timeval deadline{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

class FixtureIds : public routing::BackendIds {
public:
    routing::BackendId idOf(const std::string&) override { return 0; }
};

}  // namespace

RawConnection& RawConnection::operator=(RawConnection&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(held_, other.held_);
    return *this;
}

RawConnection RawConnection::connect(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setDeadline(fd);
    const sockaddr_in address = loopback(port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(fd);
        return RawConnection();
    }
    return RawConnection(fd);
}

bool RawConnection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool RawConnection::fill() {
    char buffer[65536];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0)
        return false;
    held_.append(buffer, static_cast<std::size_t>(got));
    return true;
}

std::string RawConnection::readUntil(std::string_view end) {
    std::size_t at = 0;
    while ((at = held_.find(end)) == std::string::npos && fill()) {
    }
    const std::size_t size = at == std::string::npos ? held_.size() : at + end.size();
    std::string bytes = held_.substr(0, size);
    held_.erase(0, size);
    return bytes;
}

std::string RawConnection::readExactly(std::size_t size) {
    while (held_.size() < size && fill()) {
    }
    size = std::min(size, held_.size());
    std::string bytes = held_.substr(0, size);
    held_.erase(0, size);
    return bytes;
}

std::string RawConnection::readAll() {
    while (fill()) {
    }
    return std::exchange(held_, {});
}

RawConnection::Response RawConnection::readResponse(bool headRequest) {
    Response response;
    response.head = readUntil("\r\n\r\n");
    if (response.head.size() < 12 || !response.head.ends_with("\r\n\r\n"))
        return response;
    response.status = std::atoi(response.head.c_str() + 9);
    const bool bodiless = headRequest || response.status == 204 || response.status == 304 ||
                          response.status / 100 == 1;
    const std::size_t length = response.head.find("Content-Length: ");
    if (bodiless) {
        response.complete = true;
    } else if (response.head.find("Transfer-Encoding: chunked") != std::string::npos) {
        for (;;) {
            const std::string line = readUntil("\r\n");
            if (!line.ends_with("\r\n"))
                return response;
            const std::size_t size = std::strtoul(line.c_str(), nullptr, 16);
            if (size == 0)
                break;
            response.body += readExactly(size);
            readExactly(2);
        }
        std::string line;
        while ((line = readUntil("\r\n")) != "\r\n") {
            if (line.empty())
                return response;
            response.head += line;
        }
        response.complete = true;
    } else if (length != std::string::npos) {
        const std::size_t size = std::strtoul(response.head.c_str() + length + 16, nullptr, 10);
        response.body = readExactly(size);
        response.complete = response.body.size() == size;
    } else {
        response.body = readAll();
        response.complete = true;
    }
    return response;
}

bool RawConnection::eof() {
    char byte = 0;
    return held_.empty() && ::recv(fd_, &byte, 1, 0) == 0;
}

void RawConnection::shutdownWrite() {
    ::shutdown(fd_, SHUT_WR);
}

void RawConnection::reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

void RawConnection::close() {
    if (fd_ >= 0)
        ::close(fd_);
    fd_ = -1;
}

ScriptedEndpoint::ScriptedEndpoint(Script script) : script_(std::move(script)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(fd_, 256) != 0)
        throw std::runtime_error("no endpoint socket");
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
}

ScriptedEndpoint::~ScriptedEndpoint() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
    for (std::thread& connection : connections_)
        connection.join();
}

void ScriptedEndpoint::run() {
    for (;;) {
        const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0)
            return;
        setDeadline(fd);
        const int index = accepted_++;
        connections_.emplace_back([this, fd, index] {
            RawConnection connection(fd);
            script_(connection, index);
        });
    }
}

ScriptedEndpoint::Script answerAll(std::string body) {
    return [body = std::move(body)](RawConnection& connection, int) {
        while (connection.readUntil("\r\n\r\n").ends_with("\r\n\r\n")) {
            const std::string head =
                "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
            if (!connection.send(head + body))
                return;
        }
    };
}

ProxyFixture::ProxyFixture(model::Settings settings, unsigned workers)
    : work_(boost::asio::make_work_guard(control_)), settings_(settings) {
    worker::WorkerPoolOptions options;
    options.workers = workers;
    pool_ = std::make_unique<worker::WorkerPool>(control_.get_executor(), options);
    pool_->start();
    thread_ = std::thread([this] { control_.run(); });
}

ProxyFixture::~ProxyFixture() {
    pool_->stop();
    work_.reset();
    control_.stop();
    thread_.join();
}

void ProxyFixture::onControl(const std::function<void(std::function<void()>)>& call) {
    std::promise<void> done;
    boost::asio::post(control_, [&] { call([&] { done.set_value(); }); });
    done.get_future().wait();
}

void ProxyFixture::serve(const std::vector<std::uint16_t>& ports, model::Backend backend) {
    model::Config config;
    config.put({model::Kind::listener, "http"}, model::Listener{"127.0.0.1", 0, {}, {}});
    config.put({model::Kind::backend, "b"}, backend);
    config.put({model::Kind::route, "r"}, model::Route{{"http"}, "", model::PathType::prefix, "/", "b", "test"});
    FixtureIds ids;
    auto snapshot = std::make_shared<routing::Snapshot>();
    snapshot->version = ++version_;
    snapshot->settings = settings_;
    snapshot->routes = routing::compile(config, ids);
    const model::Listener listener{"127.0.0.1", 0, {}, {}};
    snapshot->listeners.push_back({"http", listener, snapshot->routes.listenerIndex("http"), 0});
    snapshot->backends.push_back({0, "b", std::make_shared<const model::Backend>(backend)});
    onControl([&](std::function<void()> done) {
        worker::Publication publication;
        publication.snapshot = snapshot;
        if (port_ == 0) {
            std::string error;
            auto bound = pool_->bind("http", listener, error);
            if (!bound)
                throw std::runtime_error(error);
            port_ = bound->port();
            publication.open.push_back(std::move(*bound));
        }
        pool_->publish(std::move(publication), std::move(done));
    });
    setEndpoints(ports);
}

void ProxyFixture::setEndpoints(const std::vector<std::uint16_t>& ports) {
    auto endpoints = std::make_shared<model::Endpoints>();
    for (const std::uint16_t port : ports)
        endpoints->endpoints.push_back({"127.0.0.1", port, 1});
    onControl([&](std::function<void()> done) {
        pool_->updateEndpoints({{0, endpoints}}, std::move(done));
    });
}

session::Counters ProxyFixture::counters() {
    session::Counters sum;
    onControl([&](const std::function<void()>& done) {
        pool_->collect([&sum, done](const std::vector<worker::WorkerStats>& stats) {
            sum = stats.front().counters;
            done();
        });
    });
    return sum;
}

}  // namespace evergate::test
