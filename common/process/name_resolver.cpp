// SPDX-License-Identifier: Apache-2.0
#include "common/process/name_resolver.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

// GCC 12, where it inlines the making of a coroutine, takes Asio's pair of frame allocators for two
// that do not belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace evergate::process {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);
// An answer that came after its deadline is good for the next one who asks, if that is soon.
constexpr std::chrono::seconds kFresh{10};

error_code errorOf(int code) {
    switch (code) {
        case EAI_AGAIN:
            return asio::error::host_not_found_try_again;
        case EAI_MEMORY:
            return asio::error::no_memory;
        case EAI_SYSTEM:
            return {errno, boost::system::system_category()};
        case EAI_FAIL:
            return asio::error::no_recovery;
        default:
            return asio::error::host_not_found;
    }
}

Resolved systemLookup(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* first = nullptr;
    if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &first); code != 0) {
        return {errorOf(code), {}};
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(first, ::freeaddrinfo);
    Resolved resolved;
    for (const addrinfo* each = first; each != nullptr; each = each->ai_next) {
        asio::ip::tcp::endpoint endpoint;
        if (each->ai_addrlen <= endpoint.capacity()) {
            std::copy_n(reinterpret_cast<const char*>(each->ai_addr), each->ai_addrlen,
                        reinterpret_cast<char*>(endpoint.data()));
            endpoint.resize(each->ai_addrlen);
            resolved.addresses.push_back(endpoint.address());
        }
    }
    return resolved;
}

}  // namespace

// Where the answer of one lookup goes. Shared with its thread, which then says so through one end
// of a pair of sockets. (Asio must be the only owner of the other: it leaves a descriptor that
// somebody else has a copy of in its epoll set.)
class NameResolver::Slot {
public:
    explicit Slot(int bell) : bell_(bell) {}

    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

    ~Slot() { ::close(bell_); }

    void put(Resolved resolved) {
        {
            const std::lock_guard lock(mutex_);
            answer_ = std::move(resolved);
            at_ = std::chrono::steady_clock::now();
        }
        ::send(bell_, "", 1, MSG_NOSIGNAL);  // fails when nobody listens any more
    }

    std::optional<Resolved> take() {
        const std::lock_guard lock(mutex_);
        return std::move(answer_);
    }

    // Whether the answer is there and too old to be used.
    bool stale() const {
        const std::lock_guard lock(mutex_);
        return answer_ && std::chrono::steady_clock::now() - at_ > kFresh;
    }

private:
    const int bell_;
    mutable std::mutex mutex_;
    std::optional<Resolved> answer_;
    std::chrono::steady_clock::time_point at_;
};

NameResolver::NameResolver(asio::any_io_executor executor)
    : NameResolver(std::move(executor), systemLookup) {}

NameResolver::NameResolver(asio::any_io_executor executor, Lookup lookup)
    : executor_(std::move(executor)), lookup_(std::move(lookup)), timer_(executor_) {}

NameResolver::~NameResolver() = default;

void NameResolver::cancel() {
    ++question_;
    timer_.cancel();
}

error_code NameResolver::start(const std::string& host) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
        return {errno, boost::system::system_category()};
    }
    const auto slot = std::make_shared<Slot>(ends[0]);
    asio::posix::stream_descriptor answered(executor_, ends[1]);
    try {
        std::thread asking([slot, lookup = lookup_, host] { slot->put(lookup(host)); });
        asking.detach();  // layering: allow detach: it owns all it uses
    } catch (const std::system_error& failure) {
        return {failure.code().value(), boost::system::system_category()};
    }
    running_.emplace(host, Running{slot, std::move(answered)});
    return {};
}

NameResolver::Running* NameResolver::running(const std::string& host, error_code& error) {
    std::erase_if(running_, [](const auto& each) { return each.second.slot->stale(); });
    if (!running_.contains(host)) {
        error = running_.size() < kMost ? start(host) : error_code(asio::error::try_again);
    }
    const auto it = running_.find(host);
    return it == running_.end() ? nullptr : &it->second;
}

asio::awaitable<Resolved> NameResolver::resolve(std::string host, Timeout timeout) {
    using asio::experimental::awaitable_operators::operator||;
    error_code error;
    if (const auto literal = asio::ip::make_address(host, error); !error) {
        co_return Resolved{{}, {literal}};
    }
    error = {};
    const std::uint64_t question = ++question_;
    Running* lookup = running(host, error);
    if (lookup == nullptr) {
        co_return Resolved{error, {}};
    }
    timer_.expires_after(timeout);
    co_await (lookup->answered.async_wait(asio::posix::stream_descriptor::wait_read, kToTuple) ||
              timer_.async_wait(kToTuple));
    if (question != question_) {
        co_return Resolved{asio::error::operation_aborted, {}};
    }
    auto answer = lookup->slot->take();
    if (!answer) {
        co_return Resolved{asio::error::timed_out, {}};
    }
    running_.erase(host);
    co_return *std::move(answer);
}

}  // namespace evergate::process
