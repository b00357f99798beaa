// SPDX-License-Identifier: Apache-2.0
// Decides what a reflector does next: list, continue a list, watch, and after which pause.
//
// Sans-I/O: told what happened, it answers with the next step; no clock, no socket. Promises:
// - a watch that ends resumes from the last version seen; only "410 Gone" (or a server that keeps
//   refusing that version) makes it list again;
// - nothing repeats without a growing pause unless something was gained in between;
// - what a list in progress has staged is used whole, when its last page is in, or not at all.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "controller/kubernetes/api_status.hpp"

namespace evergate::controller::kubernetes {

struct RetryTuning {
    std::chrono::milliseconds first{10};  // the first retry waits first..5*first
    std::chrono::milliseconds base{100};  // the second base..2*base, then doubling
    std::chrono::milliseconds cap{30'000};
};

enum class NextRequest { firstPage, nextPage, watch };

struct NextStep {
    NextRequest request = NextRequest::firstPage;
    std::chrono::milliseconds delay{0};
    bool commit = false;       // the list is complete: put what is staged in the place of the store
    bool discard = false;      // forget what is staged
    bool reloadToken = false;  // read the token again before the request
    bool trouble = false;      // something failed that should not have
    std::string state;         // for people
};

// A request that did not do what it should.
struct RequestFailure {
    unsigned status = 0;  // HTTP status, or the code of an ERROR event; 0: no answer
    std::optional<std::chrono::seconds> retryAfter;
    std::string text;
};

class ReflectorLogic {
public:
    explicit ReflectorLogic(std::uint32_t seed, RetryTuning tuning = {});

    NextStep start() const;

    // One page arrived whole.
    NextStep onPage(std::string resourceVersion, std::string continueToken);
    // The running request failed; also a watch that broke off instead of ending.
    NextStep onFailure(const RequestFailure& failure);
    // An ERROR event ended the watch.
    NextStep onErrorEvent(const ApiStatus& status);
    // A watch brought something that is no event.
    NextStep onBrokenWatch(const std::string& why);
    // A watch said nothing, not even the bookmarks promised.
    NextStep onSilentWatch();
    // A watch spoke of a version older than one seen before.
    NextStep onHistoryReset();
    // The watch ended as it should, after `lived`.
    NextStep onWatchEnd(std::chrono::milliseconds lived);
    // The running watch was cut short, or not begun, because of requestRelist().
    NextStep onInterrupted();

    // The watch is open and has lasted a while, or brought something: the server is well.
    void onProgress();
    // An event or bookmark; `resourceVersion` may be empty when the object had none. False when it
    // is older than what came before: the server is not the one it was, say restored from a backup.
    bool onEvent(std::string resourceVersion);

    void requestRelist() noexcept { relistWanted_ = true; }

    bool relistWanted() const noexcept { return relistWanted_; }

    bool hasListed() const noexcept { return !version_.empty(); }

    const std::string& resourceVersion() const noexcept { return version_; }

    const std::string& continueToken() const noexcept { return continue_; }

private:
    NextStep list(std::chrono::milliseconds delay, std::string state);
    NextStep retry(const RequestFailure& failure);
    NextStep gone(const std::string& text);
    std::chrono::milliseconds nextDelay(const RequestFailure& failure);
    std::chrono::milliseconds backoff(unsigned failures);
    std::chrono::milliseconds between(std::chrono::milliseconds low,
                                      std::chrono::milliseconds high);

    RetryTuning tuning_;
    std::minstd_rand random_;
    bool watching_ = false;
    bool relistWanted_ = false;
    std::string version_;
    std::string continue_;
    unsigned failures_ = 0;  // in a row, without progress
    unsigned gone_ = 0;      // 410 in a row, without progress
    unsigned refused_ = 0;   // watches from version_ ended by the server's complaint, in a row
    unsigned silent_ = 0;    // watches from version_ that said nothing, in a row
};

// Long enough that a watch which ends after it says nothing bad about the server.
inline constexpr std::chrono::milliseconds kHealthyWatch{500};

// "1.2s", "250ms"
std::string toText(std::chrono::milliseconds duration);

}  // namespace evergate::controller::kubernetes
