// SPDX-License-Identifier: Apache-2.0
// handshake_client: TLS 1.3 connections with one small request each, as many at once as threads.
//
//   handshake_client --port=N --host=NAME --path=/ [--resume=0] [--threads=32] [--seconds=3]
// --resume=1: every connection but a thread's first offers the newest ticket the thread was given.
// Prints one line of JSON; latencies in seconds, from connect to the end of the response.
#include <openssl/ssl.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <thread>

#include "tests/bench/client/arguments.hpp"

namespace evergate::bench {
namespace {

struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }

    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }

    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};

class Client {
public:
    Client(const Arguments& arguments, Clock::time_point end)
        : address_(loopback(arguments.number("port"))),
          host_(arguments.text("host")),
          request_("GET " + arguments.text("path") + " HTTP/1.1\r\nHost: " + host_ +
                   "\r\nConnection: close\r\n\r\n"),
          resume_(arguments.number("resume") != 0),
          end_(end),
          context_(SSL_CTX_new(TLS_client_method())) {
        SSL_CTX_set_min_proto_version(context_.get(), TLS1_3_VERSION);
        SSL_CTX_set_options(context_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
        SSL_CTX_set_session_cache_mode(context_.get(),
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_set_app_data(context_.get(), this);
        SSL_CTX_sess_set_new_cb(context_.get(), &onTicket);
    }

    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void run() {
        while (Clock::now() < end_) {
            const auto start = Clock::now();
            const int fd = connectTo(address_);
            const bool good = fd >= 0 && exchange(fd);
            if (fd >= 0)
                ::close(fd);
            if (good) {
                taken.push_back(Clock::now() - start);
            } else {
                ++failed;
            }
        }
    }

    std::uint64_t resumed = 0;
    std::uint64_t failed = 0;
    std::vector<Nanoseconds> taken;

private:
    static int onTicket(SSL* ssl, SSL_SESSION* session) {
        auto* self = static_cast<Client*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
        self->ticket_.reset(session);
        return 1;  // kept
    }

    bool exchange(int fd) {
        const std::unique_ptr<SSL, Free> ssl(SSL_new(context_.get()));
        SSL_set_fd(ssl.get(), fd);
        SSL_set_tlsext_host_name(ssl.get(), host_.c_str());
        if (resume_ && ticket_)
            SSL_set_session(ssl.get(), ticket_.get());
        if (SSL_connect(ssl.get()) != 1 ||
            SSL_write(ssl.get(), request_.data(), static_cast<int>(request_.size())) <= 0)
            return false;
        resumed += SSL_session_reused(ssl.get()) != 0;
        std::string response;
        char buffer[4096];
        int got = 0;
        while ((got = SSL_read(ssl.get(), buffer, sizeof buffer)) > 0)
            response.append(buffer, static_cast<std::size_t>(got));
        // Otherwise the library takes the session for a broken one and never resumes it.
        SSL_set_shutdown(ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        return response.starts_with("HTTP/1.1 200");
    }

    const sockaddr_in address_;
    const std::string host_;
    const std::string request_;
    const bool resume_;
    const Clock::time_point end_;
    const std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<SSL_SESSION, Free> ticket_;
};

void run(const Arguments& arguments) {
    const auto end = Clock::now() + std::chrono::duration_cast<Nanoseconds>(
                                        std::chrono::duration<double>(arguments.number("seconds")));
    std::vector<std::unique_ptr<Client>> clients;
    std::vector<std::thread> threads;
    const auto count = static_cast<std::size_t>(arguments.number("threads"));
    clients.reserve(count);
    threads.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        clients.push_back(std::make_unique<Client>(arguments, end));
    for (const auto& client : clients)
        threads.emplace_back([&client] { client->run(); });
    for (std::thread& thread : threads)
        thread.join();
    std::vector<Nanoseconds> taken;
    std::uint64_t resumed = 0;
    std::uint64_t failed = 0;
    for (const auto& client : clients) {
        taken.insert(taken.end(), client->taken.begin(), client->taken.end());
        resumed += client->resumed;
        failed += client->failed;
    }
    std::printf("{\"answered\": %zu, \"resumed\": %llu, \"failed\": %llu, %s}\n", taken.size(),
                static_cast<unsigned long long>(resumed), static_cast<unsigned long long>(failed),
                percentiles(taken).c_str());
}

}  // namespace
}  // namespace evergate::bench

int main(int argc, char** argv) {
    const evergate::bench::Arguments arguments(argc, argv,
                                               {{"port", ""},
                                                {"host", ""},
                                                {"path", "/"},
                                                {"resume", "0"},
                                                {"threads", "32"},
                                                {"seconds", "3"}});
    std::signal(SIGPIPE, SIG_IGN);
    evergate::bench::run(arguments);
}
