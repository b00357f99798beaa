// SPDX-License-Identifier: Apache-2.0
#include "common/process/admin_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

namespace evergate::process {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;
using tcp = asio::ip::tcp;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
constexpr std::chrono::hours kForever{1};

// A blocking client that sends exactly what it is told to.
class Client {
public:
    explicit Client(const ListenAddress& address) : socket_(io_) {
        socket_.connect({asio::ip::make_address(address.address), address.port});
    }

    void send(std::string_view text) {
        error_code ignored;  // a server that has already answered and closed is no failure
        asio::write(socket_, asio::buffer(text), ignored);
    }

    void finishSending() { socket_.shutdown(tcp::socket::shutdown_send); }

    std::string readToEnd() {
        std::string text;
        error_code error;
        asio::read(socket_, asio::dynamic_buffer(text), error);
        return text;
    }

    // One answer with Content-Length.
    std::string readAnswer() {
        error_code error;
        while (buffer_.find("\r\n\r\n") == std::string::npos && readSome(error)) {
        }
        const std::size_t head = buffer_.find("\r\n\r\n") + 4;
        const std::size_t field = buffer_.find("Content-Length: ");
        const std::size_t size = head + std::stoul(buffer_.substr(field + 16));
        while (buffer_.size() < size && readSome(error)) {
        }
        std::string answer = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return answer;
    }

private:
    bool readSome(error_code& error) {
        std::array<char, 1024> piece;
        const std::size_t count = socket_.read_some(asio::buffer(piece), error);
        buffer_.append(piece.data(), count);
        return !error;
    }

    asio::io_context io_;
    tcp::socket socket_;
    std::string buffer_;
};

class AdminServerTest : public testing::Test {
protected:
    void start(AdminLimits limits = {}) {
        server_.emplace(io_.get_executor(), logger_, limits);
        server_->route("GET", "/healthz",
                       [](const AdminRequest&) { return AdminResponse::text("alive"); });
        server_->route("POST", "/echo", [](const AdminRequest& request) {
            return AdminResponse::text(request.body + '|' + std::string(request.parameter("q")));
        });
        server_->route("GET", "/throws", [](const AdminRequest&) -> AdminResponse {
            throw std::runtime_error("secret detail");
        });
        server_->route("GET", "/slow", [](AdminRequest) -> asio::awaitable<AdminResponse> {
            asio::steady_timer timer(co_await asio::this_coro::executor, kForever);
            co_await timer.async_wait(asio::use_awaitable);
            co_return AdminResponse{};
        });
        server_->route("GET", "/big", [](const AdminRequest&) {
            return AdminResponse::text(std::string(64 * 1024 * 1024, 'x'));
        });
        ASSERT_FALSE(server_->start({"127.0.0.1", 0}));
        thread_ = std::thread([this] { io_.run(); });
    }

    void stop() {
        if (thread_.joinable()) {
            asio::co_spawn(io_, server_->stop(milliseconds(0)), asio::use_future).wait();
            work_.reset();
            thread_.join();
        }
    }

    ~AdminServerTest() override { stop(); }

    Client client() { return Client(server_->localEndpoint()); }

    std::string exchange(std::string_view request) {
        Client each = client();
        each.send(request);
        return each.readToEnd();
    }

    std::string get(const std::string& target) {
        return exchange("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    }

    // Waits until the server has this many connections.
    void awaitConnections(std::size_t count) {
        const auto poll = [](AdminServer& server, std::size_t wanted) -> asio::awaitable<void> {
            asio::steady_timer timer(co_await asio::this_coro::executor);
            while (server.connectionCount() != wanted) {
                timer.expires_after(milliseconds(1));
                co_await timer.async_wait(asio::use_awaitable);
            }
        };
        asio::co_spawn(io_, poll(*server_, count), asio::use_future).wait();
    }

    Logger logger_ = Logging(spdlog::level::info, LogFormat::text,
                             std::make_shared<spdlog::sinks::null_sink_mt>())
                         .logger("admin");
    asio::io_context io_{1};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_{
        io_.get_executor()};
    std::optional<AdminServer> server_;
    std::thread thread_;
};

TEST_F(AdminServerTest, AnswersAGet) {
    start();
    const std::string answer = get("/healthz?x=1");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Length: 6\r\n"));
    EXPECT_THAT(answer, HasSubstr("Cache-Control: no-store\r\n"));
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\nalive\n"));
}

TEST_F(AdminServerTest, AnswersHeadWithoutABody) {
    start();
    const std::string answer =
        exchange("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("Content-Length: 6\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(AdminServerTest, KeepsConnectionsAliveAndTakesPipelinedRequests) {
    start();
    Client each = client();
    for (int i = 0; i < 3; ++i) {
        each.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(each.readAnswer(), EndsWith("alive\n"));
    }
    each.send(
        "POST /echo?q=a%20b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n");
    EXPECT_THAT(each.readAnswer(), EndsWith("hi|a b\n"));
    EXPECT_THAT(each.readAnswer(), EndsWith("z|\n"));
}

TEST_F(AdminServerTest, ClosesAfterAnHttp10Request) {
    start();
    EXPECT_THAT(exchange("GET /healthz HTTP/1.0\r\n\r\n"), EndsWith("alive\n"));
}

TEST_F(AdminServerTest, SaysWhatItDoesNotKnow) {
    start();
    const std::string missing = get("/nothing");
    EXPECT_THAT(missing, StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(missing, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(missing, EndsWith("{\"error\":\"not found\"}"));
    EXPECT_THAT(get("/healthz/"), StartsWith("HTTP/1.1 404 "));
    const std::string wrong = get("/echo");
    EXPECT_THAT(wrong, StartsWith("HTTP/1.1 405 "));
    EXPECT_THAT(wrong, HasSubstr("Allow: POST\r\n"));
    EXPECT_THAT(get("/%zz"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(AdminServerTest, RefusesChangesFromOtherOrigins) {
    start();
    const auto post = [&](const std::string& origin) {
        return exchange("POST /echo HTTP/1.1\r\nHost: gate:1\r\nOrigin: " + origin +
                        "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    };
    EXPECT_THAT(post("http://gate:1"), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(post("http://evil.example"), StartsWith("HTTP/1.1 403 "));
}

TEST_F(AdminServerTest, HidesWhatAHandlerThrows) {
    start();
    const std::string answer = get("/throws");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
    EXPECT_THAT(answer, testing::Not(HasSubstr("secret")));
}

TEST_F(AdminServerTest, EndsAHandlerThatTakesTooLong) {
    start({.handler = milliseconds(5)});
    EXPECT_THAT(get("/slow"), StartsWith("HTTP/1.1 504 "));
}

TEST_F(AdminServerTest, AnswersGarbageAndSurvivesIt) {
    start();
    for (const std::string& garbage :
         {std::string("\x16\x03\x01\x02\x00\x01\x00", 7), std::string("hello\r\n\r\n"),
          std::string("GET /healthz HTTP/9.9\r\n\r\n"),
          std::string("GET / HTTP/1.1\r\n: x\r\n\r\n"),
          std::string("POST /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n")}) {
        Client each = client();
        each.send(garbage);
        each.finishSending();
        const std::string answer = each.readToEnd();
        EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 400 ")) << answer;
    }
    EXPECT_THAT(get("/healthz"), EndsWith("alive\n"));
}

TEST_F(AdminServerTest, BoundsHeadAndBody) {
    start();
    EXPECT_THAT(exchange("GET /healthz HTTP/1.1\r\nX: " + std::string(20'000, 'a')),
                StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(exchange("POST /echo HTTP/1.1\r\nContent-Length: 262145\r\n\r\n"),
                StartsWith("HTTP/1.1 413 "));
    const std::string most(262'144, 'b');
    EXPECT_THAT(exchange("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                         "Content-Length: 262144\r\n\r\n" +
                         most),
                EndsWith(most + "|\n"));
}

TEST_F(AdminServerTest, ClosesConnectionsThatStayIdleOrSendSlowly) {
    start({.read = milliseconds(20)});
    Client idle = client();
    Client partial = client();
    partial.send("GET /healthz HT");
    EXPECT_EQ(idle.readToEnd(), "");
    EXPECT_EQ(partial.readToEnd(), "");
    awaitConnections(0);
}

TEST_F(AdminServerTest, ClosesConnectionsThatTakeNoAnswer) {
    start({.write = milliseconds(20)});
    Client lazy = client();
    lazy.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    awaitConnections(1);
    awaitConnections(0);
}

TEST_F(AdminServerTest, TellsOneConnectionTooManyAndRecovers) {
    start({.connections = 2});
    auto first = std::make_unique<Client>(server_->localEndpoint());
    auto second = std::make_unique<Client>(server_->localEndpoint());
    awaitConnections(2);
    const std::string refused = client().readToEnd();
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(refused, EndsWith("{\"error\":\"too many connections\"}"));
    first.reset();
    awaitConnections(1);
    EXPECT_THAT(get("/healthz"), EndsWith("alive\n"));
}

TEST_F(AdminServerTest, StopClosesIdleConnectionsAndThePort) {
    start();
    Client idle = client();
    awaitConnections(1);
    const ListenAddress address = server_->localEndpoint();
    stop();
    EXPECT_EQ(idle.readToEnd(), "");
    EXPECT_THROW(Client{address}, boost::system::system_error);
}

TEST_F(AdminServerTest, StopCutsOffWhatDoesNotFinish) {
    start();
    Client waiting = client();
    waiting.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    awaitConnections(1);
    stop();
    EXPECT_EQ(server_->connectionCount(), 0U);
}

TEST_F(AdminServerTest, ReportsAnAddressItCannotUse) {
    start();
    AdminServer second(io_.get_executor(), logger_);
    EXPECT_TRUE(second.start(server_->localEndpoint()));
    EXPECT_TRUE(second.start({"not an address", 1}));
}

}  // namespace
}  // namespace evergate::process
