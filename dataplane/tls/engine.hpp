// SPDX-License-Identifier: Apache-2.0
// What the TLS streams of one worker share: memory for records on their way out, the keys of
// session tickets and the sessions of clients that take none, what is stapled to certificates, and
// how OpenSSL reads and writes through a Stream.
//
// Outlives every stream of its worker; one thread.
#pragma once

#include <cstddef>
#include <ctime>
#include <memory>
#include <string>

#include "dataplane/tls/openssl_ptr.hpp"
#include "dataplane/tls/session_cache.hpp"
#include "dataplane/tls/staples.hpp"
#include "dataplane/tls/ticket_keys.hpp"

namespace evergate::tls {

class Engine {
public:
    Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // With every new key, sessions that are too old go: none is held longer than a ticket opens.
    void setTicketKeys(std::shared_ptr<const TicketKeys> keys) noexcept {
        ticketKeys_ = std::move(keys);
        sessionCache_.dropExpired(std::time(nullptr));
    }

    const TicketKeys* ticketKeys() const noexcept { return ticketKeys_.get(); }

    SessionCache& sessionCache() noexcept { return sessionCache_; }

    void setStaples(std::shared_ptr<const Staples> staples) noexcept {
        staples_ = std::move(staples);
    }

    // Null: there are none.
    const Staples* staples() const noexcept { return staples_.get(); }

    // Empty between the calls of streams.
    std::string& output() noexcept { return output_; }

    // Records that streams keep because the kernel did not take them: bytes now.
    std::size_t backlogBytes() const noexcept { return backlogBytes_; }

    void noteBacklog(std::size_t before, std::size_t now) noexcept {
        backlogBytes_ += now - before;
    }

    const BIO_METHOD* bio() const noexcept { return bio_.get(); }

private:
    OpensslPtr<BIO_METHOD> bio_;
    std::shared_ptr<const TicketKeys> ticketKeys_;
    SessionCache sessionCache_;
    std::shared_ptr<const Staples> staples_;
    std::string output_;
    std::size_t backlogBytes_ = 0;
};

}  // namespace evergate::tls
