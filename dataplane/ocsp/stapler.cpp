// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ocsp/stapler.hpp"

#include <boost/asio/co_spawn.hpp>
#include <optional>
#include <utility>

#include "dataplane/tls/peer_identity.hpp"

namespace evergate::ocsp {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using tls::OcspOutcome;

// Answers that come together leave together: all of them are handed out each time.
constexpr milliseconds kTogether{20};

std::int64_t unixNow() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

// One certificate, however many Secrets or parts of one it came in.
struct Stapler::Entry {
    Entry(const asio::any_io_executor& executor, std::string print, tls::OcspQuestion what)
        : fingerprint(std::move(print)),
          question(std::move(what)),
          responder(parseResponder(question.responder())),
          timer(executor) {}

    bool stapled() const { return staple && staple->nextUpdate > unixNow(); }

    const std::string fingerprint;
    std::string name;            // where it was found last
    tls::OcspQuestion question;  // about the certificate as it was found with its issuer
    const std::optional<Responder> responder;  // none: not an address we would ask
    std::shared_ptr<const tls::Staple> staple;
    OcspOutcome told = OcspOutcome::good;  // what was last said about it
    unsigned failures = 0;                 // in a row
    bool wanted = true;
    asio::steady_timer timer;
};

Stapler::Stapler(asio::any_io_executor executor, Options options, OnStaples onStaples,
                 OnNews onNews)
    : executor_(std::move(executor)),
      options_(options),
      onStaples_(std::move(onStaples)),
      onNews_(std::move(onNews)),
      publication_(executor_),
      random_(options.seed),
      self_(std::make_shared<Stapler*>(this)) {
    for (std::size_t i = 0; i < options_.concurrent; ++i)
        idle_.push_back(std::make_unique<process::NameResolver>(executor_));
}

Stapler::~Stapler() {
    stop();
}

void Stapler::stop() {
    self_.reset();
    publication_.cancel();
    for (const auto& [fingerprint, entry] : entries_) {
        entry->wanted = false;
        entry->timer.cancel();
    }
}

void Stapler::setCertificates(std::vector<tls::NamedCertificate> certificates) {
    if (options_.scope == Scope::off || !self_ || certificates == certificates_)
        return;
    certificates_ = std::move(certificates);
    std::map<std::string, EntryPtr> before = std::exchange(entries_, {});
    const bool had = !rows_.empty();
    rows_.clear();
    for (const auto& [name, certificate] : certificates_) {
        auto question = tls::OcspQuestion::about(certificate);
        if (!question)
            continue;
        std::string print = tls::fingerprintOf(certificate->leaf());
        auto& entry = entries_[print];
        if (!entry) {
            if (auto known = before.extract(print))
                entry = std::move(known.mapped());
        }
        bool asks = false;
        if (!entry) {
            entry = std::make_shared<Entry>(executor_, std::move(print), *std::move(question));
            asks = true;
        } else if (entry->question.request().empty() && !question->request().empty()) {
            entry->question = *std::move(question);  // its issuer is there now
            asks = true;
        }
        entry->name = name;
        if (asks)
            due(entry);
        rows_.push_back({certificate, entry});
    }
    for (const auto& [print, entry] : before) {
        entry->wanted = false;
        entry->timer.cancel();
    }
    if (had || !rows_.empty())
        publish();
}

void Stapler::schedule(const EntryPtr& entry, milliseconds wait) {
    entry->timer.expires_after(Pace::jittered(wait, random_()));
    entry->timer.async_wait(
        [weak = std::weak_ptr(self_), entry](const boost::system::error_code& cancelled) {
            const auto self = weak.lock();
            if (self && !cancelled && entry->wanted)
                (*self)->due(entry);
        });
}

void Stapler::due(const EntryPtr& entry) {
    // Nothing will change that.
    if (!entry->responder)
        return note(entry, OcspOutcome::forbidden, "not a plain http:// address");
    if (entry->question.request().empty())
        return note(entry, OcspOutcome::noIssuer, "its issuer is not in the chain");
    if (idle_.empty()) {
        waiting_.push_back(entry);
    } else {
        ask(entry);
    }
}

void Stapler::ask(const EntryPtr& entry) {
    // The resolver goes with the question: it must outlive it, whatever becomes of us.
    std::shared_ptr<process::NameResolver> names = std::move(idle_.back());
    idle_.pop_back();
    auto& resolver = *names;
    asio::co_spawn(executor_,
                   fetch(*entry->responder, entry->question.request(), options_.scope, resolver),
                   [weak = std::weak_ptr(self_), entry, names](const std::exception_ptr& thrown,
                                                               Fetched fetched) {
                       const auto self = weak.lock();
                       if (!self)
                           return;
                       if (thrown)
                           fetched = {OcspOutcome::unreachable, {}, "could not be asked"};
                       (*self)->answered(entry, fetched);
                   });
}

void Stapler::answered(const EntryPtr& entry, const Fetched& fetched) {
    idle_.push_back(std::make_unique<process::NameResolver>(executor_));
    while (!waiting_.empty() && !idle_.empty()) {
        const EntryPtr next = std::move(waiting_.front());
        waiting_.pop_front();
        if (next->wanted)
            ask(next);
    }
    if (!entry->wanted)
        return;
    const std::int64_t now = unixNow();
    tls::OcspVerdict verdict{fetched.outcome, 0, 0, fetched.detail};
    if (verdict.outcome == OcspOutcome::good)
        verdict = entry->question.judge(fetched.body, now);
    note(entry, verdict.outcome, verdict.detail);
    if (verdict.outcome == OcspOutcome::good) {
        entry->failures = 0;
        entry->staple =
            std::make_shared<const tls::Staple>(tls::Staple{fetched.body, verdict.nextUpdate});
        publishSoon();
        return schedule(entry, options_.pace.refresh(now, verdict.thisUpdate, verdict.nextUpdate));
    }
    if (verdict.outcome == OcspOutcome::revoked && entry->staple) {
        entry->staple.reset();
        publishSoon();
    }
    schedule(entry, options_.pace.retry(++entry->failures));
}

void Stapler::note(const EntryPtr& entry, OcspOutcome outcome, const std::string& detail) {
    ++counts_.fetches[static_cast<std::size_t>(outcome)];
    if (std::exchange(entry->told, outcome) == outcome)
        return;
    const auto& responder = entry->responder;
    onNews_({entry->name, entry->fingerprint,
             responder ? "http://" + responder->authority + responder->target : std::string(),
             outcome, detail});
}

void Stapler::publishSoon() {
    if (std::exchange(publicationPending_, true))
        return;
    publication_.expires_after(kTogether);
    publication_.async_wait(
        [weak = std::weak_ptr(self_)](const boost::system::error_code& cancelled) {
            const auto self = weak.lock();
            if (!self || cancelled)
                return;
            (*self)->publicationPending_ = false;
            (*self)->publish();
        });
}

void Stapler::publish() {
    auto staples = std::make_shared<tls::Staples>();
    for (const Row& row : rows_) {
        if (row.entry->staple)
            staples->add(row.certificate, row.entry->staple);
    }
    onStaples_(std::move(staples));
}

StaplerFacts Stapler::facts() const {
    StaplerFacts facts = counts_;
    for (const auto& [print, entry] : entries_)
        ++(entry->stapled() ? facts.stapled : facts.missing);
    return facts;
}

}  // namespace evergate::ocsp
