// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_marathon_session.hpp"

#include <openssl/evp.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <utility>

#include "tests/support/fake_marathon_control.hpp"

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using nlohmann::json;
using Clock = std::chrono::steady_clock;
using ErrorCode = boost::system::error_code;
using TlsStream = asio::ssl::stream<tcp::socket>;
using Request = http::request<http::string_body>;

constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxBody = 256 * 1024 * 1024;

std::string basic(const std::string& credentials) {
    std::string out(4 * ((credentials.size() + 2) / 3) + 1, '\0');
    const auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                      reinterpret_cast<const unsigned char*>(credentials.data()),
                                      static_cast<int>(credentials.size()));
    return "Basic " + out.substr(0, static_cast<std::size_t>(size));
}

std::string textOf(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

FakeMarathonReply plain(unsigned status, std::string body = "{}") {
    return {status, std::move(body), {}, 0};
}

// Answers of REST, but for the event stream.
FakeMarathonReply answerRest(FakeMarathonState& state, const std::string& path) {
    const auto& faults = state.faults;
    if (path == "/ping") {
        return plain(200, "pong");
    }
    if (path == "/v2/leader") {
        return faults.noLeader ? plain(404, R"({"message":"There is no leader"})")
                               : plain(200, json{{"leader", state.serverOf(faults.leader)}}.dump());
    }
    if (faults.status != 0) {
        return plain(faults.status, R"({"message":"as the test asked"})");
    }
    if (faults.noLeader && !faults.leaderlessEmpty) {
        return plain(502, R"({"message":"Could not determine the current leader"})");
    }
    if (path == "/v2/apps") {
        ++state.stats.lists;
        auto reply = plain(200, faults.body.value_or(state.appsAnswer().dump()));
        reply.cutAfter = faults.truncate;
        return reply;
    }
    if (path.starts_with("/v2/apps/")) {
        ++state.stats.appReads;
        const auto id = path.substr(std::string("/v2/apps").size());
        const auto* app = faults.noLeader ? nullptr : state.find(id);
        return app == nullptr
                   ? plain(404, json{{"message", "App '" + id + "' does not exist"}}.dump())
                   : plain(200, faults.body.value_or(json{{"app", state.shown(*app)}}.dump()));
    }
    return plain(404, R"({"message":"HTTP 404 Not Found"})");
}

template <typename Stream>
class Session {
public:
    Session(std::shared_ptr<FakeMarathonState> state, std::size_t master, Stream stream)
        : state_(std::move(state)),
          master_(master),
          stream_(std::move(stream)),
          timer_(state_->context) {
        state_->sockets.insert(&socket());
    }

    ~Session() { state_->sockets.erase(&socket()); }

    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    asio::awaitable<void> run();

private:
    tcp::socket& socket() {
        if constexpr (std::is_same_v<Stream, TlsStream>) {
            return stream_.next_layer();
        } else {
            return stream_;
        }
    }

    asio::awaitable<bool> serve(const Request& request);
    asio::awaitable<bool> serveEvents(const Request& request);
    asio::awaitable<void> streamEvents();
    asio::awaitable<bool> beat();
    asio::awaitable<bool> reply(FakeMarathonReply reply);
    asio::awaitable<bool> write(std::string bytes);

    std::shared_ptr<FakeMarathonState> state_;
    std::size_t master_;
    Stream stream_;
    asio::steady_timer timer_;
    boost::beast::flat_buffer buffer_;
};

template <typename Stream>
asio::awaitable<void> Session<Stream>::run() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
        const auto [failed] =
            co_await stream_.async_handshake(asio::ssl::stream_base::server, kToTuple);
        if (failed) {
            co_return;
        }
    }
    bool more = true;
    while (more && socket().is_open()) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(kMaxBody);
        const auto [error, count] = co_await http::async_read(stream_, buffer_, parser, kToTuple);
        if (error) {
            co_return;
        }
        const auto request = parser.release();
        more = co_await serve(request) && request.keep_alive();
    }
}

template <typename Stream>
asio::awaitable<bool> Session<Stream>::serve(const Request& request) {
    const auto target = textOf(request.target());
    const auto path = target.substr(0, target.find('?'));
    const auto& faults = state_->faults;
    if (path.starts_with("/fake/")) {
        co_return co_await reply(answerFakeMarathonControl(state_, textOf(request.method_string()),
                                                           path, request.body()));
    }
    if (faults.mute) {
        timer_.expires_after(std::chrono::hours(1));
        co_await timer_.async_wait(kToTuple);
        co_return false;
    }
    state_->stats.lastAuthorization = textOf(request[http::field::authorization]);
    if (!faults.credentials.empty() &&
        state_->stats.lastAuthorization != basic(faults.credentials)) {
        ++state_->stats.refused;
        co_return co_await reply(plain(401, R"({"message":"Invalid username or password."})"));
    }
    if (path == "/v2/events") {
        co_return co_await serveEvents(request);
    }
    if (faults.delay.count() > 0) {
        timer_.expires_after(faults.delay);
        co_await timer_.async_wait(kToTuple);
    }
    co_return co_await reply(answerRest(*state_, path));
}

template <typename Stream>
asio::awaitable<bool> Session<Stream>::serveEvents(const Request& request) {
    const auto& faults = state_->faults;
    state_->stats.lastAccept = textOf(request[http::field::accept]);
    if (request.count(http::field::accept) != 1 ||
        state_->stats.lastAccept != "text/event-stream") {
        co_return co_await reply(plain(405));
    }
    if (faults.noLeader) {
        co_return co_await reply(plain(502));
    }
    if (master_ != faults.leader && faults.standbyRedirects) {
        auto redirect = plain(302, "");
        redirect.location = (state_->tls ? "https://" : "http://") +
                            state_->serverOf(faults.leader) + textOf(request.target());
        co_return co_await reply(std::move(redirect));
    }
    ++state_->stats.streams;
    const bool open = co_await write(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;charset=UTF-8\r\nCache-Control: "
        "no-cache\r\nConnection: close\r\n\r\n");
    if (open && !faults.closeStreamsAtOnce) {
        state_->streams.insert(&timer_);
        co_await streamEvents();
        state_->streams.erase(&timer_);
    }
    co_return false;
}

template <typename Stream>
asio::awaitable<void> Session<Stream>::streamEvents() {
    const auto epoch = state_->streamEpoch;
    auto sent = state_->lastSerial;
    auto nextBeat = Clock::now() + state_->faults.heartbeat;
    // A client says nothing here: when its socket becomes readable, it has gone.
    socket().async_wait(tcp::socket::wait_read, [state = state_, this](ErrorCode error) {
        if (!error && state->streams.erase(&timer_) != 0) {
            timer_.cancel();
        }
    });
    while (socket().is_open() && state_->streams.count(&timer_) != 0 &&
           state_->streamEpoch == epoch && !state_->faults.noLeader) {
        std::string text;
        for (const auto& event : state_->events) {
            if (event.serial > sent) {
                text += event.text;
            }
        }
        sent = state_->lastSerial;
        const bool silent = state_->faults.silentStreams;
        if (!text.empty() && !silent && !co_await write(std::move(text))) {
            break;
        }
        if (Clock::now() >= nextBeat) {
            nextBeat = Clock::now() + state_->faults.heartbeat;
            if (!silent && !co_await beat()) {
                break;
            }
        }
        if (sent == state_->lastSerial) {
            timer_.expires_at(nextBeat);
            co_await timer_.async_wait(kToTuple);
        }
    }
    ErrorCode ignored;
    socket().cancel(ignored);
}

template <typename Stream>
asio::awaitable<bool> Session<Stream>::beat() {
    if (!state_->faults.splitHeartbeats) {
        co_return co_await write("\r\n");
    }
    co_return co_await write("\r") && co_await write("\n");
}

template <typename Stream>
asio::awaitable<bool> Session<Stream>::reply(FakeMarathonReply reply) {
    const auto reason = http::obsolete_reason(static_cast<http::status>(reply.status));
    std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " " + textOf(reason) +
                       "\r\nContent-Type: application/json\r\nContent-Length: " +
                       std::to_string(reply.body.size()) + "\r\n";
    if (!reply.location.empty()) {
        text += "Location: " + reply.location + "\r\n";
    }
    text += "\r\n";
    if (reply.cutAfter != 0 && reply.cutAfter < reply.body.size()) {
        co_await write(text + reply.body.substr(0, reply.cutAfter));
        co_return false;
    }
    co_return co_await write(text + reply.body);
}

template <typename Stream>
asio::awaitable<bool> Session<Stream>::write(std::string bytes) {
    const auto [error, count] = co_await asio::async_write(stream_, asio::buffer(bytes), kToTuple);
    co_return !error;
}

template <typename Stream>
asio::awaitable<void> runSession(std::shared_ptr<Session<Stream>> session) {
    co_await session->run();
}

template <typename Stream>
void launch(const std::shared_ptr<FakeMarathonState>& state, std::size_t master, Stream stream) {
    auto session = std::make_shared<Session<Stream>>(state, master, std::move(stream));
    asio::co_spawn(state->context, runSession(std::move(session)), asio::detached);
}

}  // namespace

void serveFakeMarathon(const std::shared_ptr<FakeMarathonState>& state, std::size_t master,
                       tcp::socket socket) {
    ErrorCode ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (state->tls) {
        launch(state, master, TlsStream(std::move(socket), *state->tls));
    } else {
        launch(state, master, std::move(socket));
    }
}

}  // namespace evergate::test
