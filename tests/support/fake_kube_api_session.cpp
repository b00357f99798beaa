// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_kube_api_session.hpp"

#include <algorithm>
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
#include <charconv>
#include <cstdio>
#include <tuple>
#include <utility>

#include "tests/support/fake_kube_api_control.hpp"
#include "tests/support/fake_kube_api_rest.hpp"

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using ErrorCode = boost::system::error_code;
using TlsStream = asio::ssl::stream<tcp::socket>;

constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxBody = 256 * 1024 * 1024;

std::string reasonOf(unsigned status) {
    const auto reason = http::obsolete_reason(static_cast<http::status>(status));
    return {reason.data(), reason.size()};
}

std::string headOf(unsigned status, const std::string& fields) {
    return "HTTP/1.1 " + std::to_string(status) + " " + reasonOf(status) +
           "\r\nContent-Type: application/json\r\nCache-Control: no-cache, private\r\n" + fields +
           "\r\n";
}

std::string chunk(const std::string& text) {
    std::array<char, 20> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", text.size());
    return size.data() + text + "\r\n";
}

template <typename Stream>
class Session {
public:
    Session(std::shared_ptr<FakeKubeState> state, Stream stream)
        : state_(std::move(state)), stream_(std::move(stream)), timer_(state_->context) {
        state_->sockets.insert(&socket());
    }

    ~Session() { state_->sockets.erase(&socket()); }

    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    asio::awaitable<void> run();

private:
    struct Watch;

    tcp::socket& socket() {
        if constexpr (std::is_same_v<Stream, TlsStream>) {
            return stream_.next_layer();
        } else {
            return stream_;
        }
    }

    asio::awaitable<bool> serve(FakeRequest request, std::string authorization);
    std::optional<FakeAnswer> refuse(const FakeRequest& request, const std::string& authorization);
    asio::awaitable<bool> answer(FakeAnswer answer);
    asio::awaitable<bool> watch(FakeObjectRef ref, FakeTarget target);
    asio::awaitable<bool> stream(Watch& watch);
    std::string nextPiece(Watch& watch);
    asio::awaitable<bool> write(std::string bytes);

    std::shared_ptr<FakeKubeState> state_;
    Stream stream_;
    asio::steady_timer timer_;
    boost::beast::flat_buffer buffer_;
};

template <typename Stream>
struct Session<Stream>::Watch {
    FakeObjectRef ref;
    std::uint64_t cursor = 0;  // everything up to this version has been sent
    bool bookmarks = false;
    Clock::time_point end;
    Clock::time_point nextBookmark;
    unsigned halfEvents = 0;
    bool broken = false;  // nothing more, not even the end
    bool ended = false;   // the end, then nothing more
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
        auto message = parser.release();
        const auto method = message.method_string();
        const auto target = message.target();
        FakeRequest request{{method.data(), method.size()},
                            parseFakeTarget({target.data(), target.size()}),
                            std::string(message[http::field::content_type]),
                            std::move(message.body())};
        if (request.target.path.rfind("/fake/", 0) == 0) {
            auto answered = answerFakeControl(state_, request, &socket());
            more = co_await answer(std::move(answered));
            continue;
        }
        ++state_->stats.requests;
        state_->stats.lastTarget = std::string(target);
        state_->stats.lastAuthorization = std::string(message[http::field::authorization]);
        state_->stats.lastUserAgent = std::string(message[http::field::user_agent]);
        auto authorization = state_->stats.lastAuthorization;
        more = co_await serve(std::move(request), std::move(authorization)) && message.keep_alive();
    }
}

template <typename Stream>
asio::awaitable<bool> Session<Stream>::serve(FakeRequest request, std::string authorization) {
    if (auto refused = refuse(request, authorization)) {
        co_return co_await answer(std::move(*refused));
    }
    const auto ref = parseFakePath(request.target.path);
    if (ref && request.method == "GET" && request.target.flag("watch")) {
        ++state_->stats.watches;
        co_return co_await watch(*ref, request.target);
    }
    if (ref && request.method == "GET" && ref->name.empty()) {
        ++state_->stats.lists;
    }
    auto answered = answerFakeRequest(state_->store, request);
    if (request.method != "GET") {
        state_->wakeWatches();
    }
    co_return co_await answer(std::move(answered));
}

template <typename Stream>
std::optional<FakeAnswer> Session<Stream>::refuse(const FakeRequest& request,
                                                  const std::string& authorization) {
    auto& faults = state_->faults;
    if (!faults.token.empty() && authorization != "Bearer " + faults.token) {
        return fakeRefusal(401, "Unauthorized", "Unauthorized");
    }
    auto& plan = faults.refusals;
    const bool matches = request.target.raw.find(plan.match) != std::string::npos ||
                         (plan.match == "list" && !request.target.flag("watch"));
    if (plan.count == 0 || !matches) {
        return std::nullopt;
    }
    --plan.count;
    auto refusal = fakeRefusal(plan.status, reasonOf(plan.status), "refused as the test asked");
    refusal.retryAfter = plan.retryAfter;
    return refusal;
}

template <typename Stream>
asio::awaitable<bool> Session<Stream>::answer(FakeAnswer answer) {
    auto fields = "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
    if (answer.retryAfter) {
        fields += "Retry-After: " + std::to_string(*answer.retryAfter) + "\r\n";
    }
    co_return co_await write(headOf(answer.status, fields) + answer.body);
}

template <typename Stream>
asio::awaitable<bool> Session<Stream>::watch(FakeObjectRef ref, FakeTarget target) {
    if (auto refusal = applyFieldSelector(target, ref)) {
        co_return co_await answer(*std::move(refusal));
    }
    Watch watch{std::move(ref), 0, target.flag("allowWatchBookmarks"), {}, {}, state_->halfEvents};
    const auto from = target.parameter("resourceVersion", "0");
    const auto parsed = std::from_chars(from.data(), from.data() + from.size(), watch.cursor);
    if (parsed.ec != std::errc{} || parsed.ptr != from.data() + from.size()) {
        co_return co_await answer(fakeRefusal(400, "BadRequest", "resourceVersion: Invalid value"));
    }
    if (state_->faults.goneAsStatus && watch.cursor != 0 &&
        !state_->store.remembers(watch.cursor)) {
        co_return co_await answer(fakeRefusal(410, "Expired", "too old resource version"));
    }
    const auto seconds =
        std::strtoul(target.parameter("timeoutSeconds", "1800").c_str(), nullptr, 10);
    watch.end = Clock::now() + std::chrono::seconds(std::max(1UL, seconds));
    watch.nextBookmark = Clock::now() + state_->faults.bookmarkEvery;
    if (!co_await write(headOf(200, "Transfer-Encoding: chunked\r\n"))) {
        co_return false;
    }
    if (watch.cursor == 0) {
        std::string lines;
        for (const auto& line : state_->store.addedLines(watch.ref)) {
            lines += line;
        }
        watch.cursor = state_->store.version();
        if (!lines.empty() && !co_await write(chunk(lines))) {
            co_return false;
        }
    }
    state_->watches.insert(&timer_);
    const bool alive = co_await stream(watch);
    state_->watches.erase(&timer_);
    co_return alive;
}

template <typename Stream>
asio::awaitable<bool> Session<Stream>::stream(Watch& watch) {
    // A client says nothing during a watch: when its socket becomes readable, it has gone.
    socket().async_wait(tcp::socket::wait_read, [state = state_, timer = &timer_](ErrorCode error) {
        if (!error && state->watches.count(timer) != 0) {
            state->watches.erase(timer);
            timer->cancel();
        }
    });
    while (socket().is_open() && state_->watches.count(&timer_) != 0) {
        const auto piece = nextPiece(watch);
        if (!piece.empty()) {
            const bool written = co_await write(chunk(piece));
            if (!written || watch.broken) {
                co_return false;
            }
            continue;
        }
        if (watch.ended) {
            ErrorCode ignored;
            socket().cancel(ignored);
            co_return co_await write("0\r\n\r\n");
        }
        timer_.expires_at(watch.bookmarks && !state_->faults.silentWatches
                              ? std::min(watch.nextBookmark, watch.end)
                              : watch.end);
        co_await timer_.async_wait(kToTuple);
    }
    co_return false;
}

// What the watch has to say now; empty when nothing.
template <typename Stream>
std::string Session<Stream>::nextPiece(Watch& watch) {
    const auto now = Clock::now();
    watch.ended = watch.ended || now >= watch.end;
    if (state_->faults.silentWatches || watch.ended) {
        return {};
    }
    const auto& store = state_->store;
    if (watch.halfEvents != state_->halfEvents) {
        watch.broken = true;
        return R"({"type":"MODIFIED","object":{"kind":"Ingress","metadata":{"name":"ha)";
    }
    if (!store.remembers(watch.cursor)) {
        watch.ended = true;
        const auto status =
            fakeRefusal(410, "Expired",
                        "too old resource version: " + std::to_string(watch.cursor) + " (" +
                            std::to_string(store.version()) + ")");
        return R"({"type":"ERROR","object":)" + status.body.substr(0, status.body.size() - 1) +
               "}\n";
    }
    std::string piece;
    for (const auto& event : store.eventsAfter(watch.ref, watch.cursor)) {
        piece += event->line;
    }
    watch.cursor = store.version();
    if (piece.empty() && watch.bookmarks && now >= watch.nextBookmark) {
        watch.nextBookmark = now + state_->faults.bookmarkEvery;
        piece = store.bookmarkLine(*watch.ref.resource);
    }
    return piece;
}

template <typename Stream>
asio::awaitable<bool> Session<Stream>::write(std::string bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        const auto slow = state_->faults.slowBytes;
        const auto size = slow == 0 ? bytes.size() - at : std::min(slow, bytes.size() - at);
        const auto [error, count] =
            co_await asio::async_write(stream_, asio::buffer(bytes.data() + at, size), kToTuple);
        if (error) {
            co_return false;
        }
        at += size;
        if (slow != 0 && at < bytes.size()) {
            asio::steady_timer pause(state_->context, state_->faults.slowPause);
            co_await pause.async_wait(kToTuple);
        }
    }
    co_return true;
}

template <typename Stream>
asio::awaitable<void> runSession(std::shared_ptr<FakeKubeState> state, Stream stream) {
    Session<Stream> session(std::move(state), std::move(stream));
    co_await session.run();
}

}  // namespace

void serveFakeConnection(const std::shared_ptr<FakeKubeState>& state, tcp::socket socket) {
    const auto executor = socket.get_executor();
    if (state->tls) {
        asio::co_spawn(executor, runSession(state, TlsStream(std::move(socket), *state->tls)),
                       asio::detached);
    } else {
        asio::co_spawn(executor, runSession(state, std::move(socket)), asio::detached);
    }
}

}  // namespace evergate::test
