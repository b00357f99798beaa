// SPDX-License-Identifier: Apache-2.0
// Keeps OCSP answers for the certificates that clients are shown, ready before anybody asks.
//
// Runs on the control thread, once per process: no handshake ever waits for a responder. At most
// Options::concurrent responders are asked at a time. An answer is verified before it is handed
// out, and kept while it holds however the next question ends; a certificate found revoked has
// none. What goes wrong is told once per change. Destroy it when its executor runs no more
// handlers.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/process/name_resolver.hpp"
#include "dataplane/ocsp/fetch.hpp"
#include "dataplane/ocsp/pace.hpp"
#include "dataplane/tls/ocsp.hpp"
#include "dataplane/tls/staples.hpp"

namespace evergate::ocsp {

struct StaplerFacts {
    std::array<std::uint64_t, static_cast<std::size_t>(tls::OcspOutcome::count_)> fetches{};
    std::size_t stapled = 0;  // certificates that name a responder and have an answer that holds
    std::size_t missing = 0;  // those that have none
};

// One change, for the log.
struct StaplerNews {
    std::string certificate;  // its name in the configuration; one of them
    std::string fingerprint;  // SHA-256, hex
    std::string responder;    // as we asked it; empty: its address is not one
    tls::OcspOutcome outcome = tls::OcspOutcome::good;
    std::string detail;
};

class Stapler {
public:
    struct Options {
        Scope scope = Scope::publicOnly;
        Pace pace{};
        std::size_t concurrent = 4;
        std::uint64_t seed = 1;  // of the jitter
    };

    using OnStaples = std::function<void(std::shared_ptr<const tls::Staples>)>;
    using OnNews = std::function<void(const StaplerNews&)>;

    Stapler(boost::asio::any_io_executor executor, Options options, OnStaples onStaples,
            OnNews onNews);
    ~Stapler();
    Stapler(const Stapler&) = delete;
    Stapler& operator=(const Stapler&) = delete;

    // All that clients are shown from now on. What is known of the same certificates stays.
    void setCertificates(std::vector<tls::NamedCertificate> certificates);
    void stop();

    StaplerFacts facts() const;

private:
    struct Entry;
    using EntryPtr = std::shared_ptr<Entry>;

    struct Row {
        std::shared_ptr<const tls::Certificate> certificate;
        EntryPtr entry;
    };

    void schedule(const EntryPtr& entry, std::chrono::milliseconds wait);
    void due(const EntryPtr& entry);
    void ask(const EntryPtr& entry);
    void answered(const EntryPtr& entry, const Fetched& fetched);
    void note(const EntryPtr& entry, tls::OcspOutcome outcome, const std::string& detail);
    void publishSoon();
    void publish();

    boost::asio::any_io_executor executor_;
    Options options_;
    OnStaples onStaples_;
    OnNews onNews_;
    std::vector<tls::NamedCertificate> certificates_;
    std::vector<Row> rows_;
    std::map<std::string, EntryPtr> entries_;                   // by fingerprint
    std::vector<std::unique_ptr<process::NameResolver>> idle_;  // one per question under way
    std::deque<EntryPtr> waiting_;
    boost::asio::steady_timer publication_;
    bool publicationPending_ = false;
    StaplerFacts counts_;
    std::mt19937_64 random_;
    // Handlers under way hold a weak reference: they do nothing once the stapler is gone.
    std::shared_ptr<Stapler*> self_;
};

}  // namespace evergate::ocsp
