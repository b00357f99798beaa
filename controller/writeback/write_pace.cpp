// SPDX-License-Identifier: Apache-2.0
#include "controller/writeback/write_pace.hpp"

#include <algorithm>

namespace evergate::controller::writeback {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{500};
constexpr milliseconds kLongestPause{30'000};
constexpr unsigned kMostDoublings = 6;
constexpr std::chrono::minutes kForbiddenPause{1};
constexpr std::chrono::minutes kTellAgain{10};

std::size_t index(WriteKind kind) {
    return static_cast<std::size_t>(kind);
}

const char* permission(WriteKind kind) {
    return kind == WriteKind::status ? "patch on ingresses/status (networking.k8s.io)"
                                     : "create and patch on events";
}

// Nothing can be made in a namespace that is going: no matter of permissions.
bool isTerminating(const kubernetes::ApiAnswer& answer) {
    return answer.refusal && answer.refusal->message.find("being terminated") != std::string::npos;
}

}  // namespace

WritePace::Time WritePace::ready(WriteKind kind) const {
    return std::max(until_, forbidden_[index(kind)].until);
}

Verdict WritePace::judge(WriteKind kind, const kubernetes::ApiAnswer& answer, Time now) {
    if (answer.ok()) {
        failures_ = 0;
        return Verdict::ok;
    }
    switch (answer.status) {
        case 404:
            return Verdict::missing;
        case 409:
            return Verdict::conflict;
        case 403:
            if (isTerminating(answer)) {
                return Verdict::refused;
            }
            forbid(kind, answer, now);
            return Verdict::tryLater;
        case 400:
        case 405:
        case 413:
        case 415:
        case 422:
            logger_->warn("the API server refuses what we write reason=\"{}\"", answer.text());
            return Verdict::refused;
        default:
            pauseAll(answer, now);
            return Verdict::tryLater;
    }
}

void WritePace::pauseAll(const kubernetes::ApiAnswer& answer, Time now) {
    const auto doublings = std::min(failures_++, kMostDoublings);
    const auto ceiling = std::min(kFirstPause * (1 << doublings), kLongestPause);
    milliseconds pause(
        std::uniform_int_distribution<std::int64_t>(ceiling.count() / 2, ceiling.count())(random_));
    if (answer.retryAfter) {
        pause = std::max<milliseconds>(pause, *answer.retryAfter);
    }
    until_ = now + pause;
    logger_->debug("writing pauses for={}ms reason=\"{}\"", pause.count(), answer.text());
}

void WritePace::forbid(WriteKind kind, const kubernetes::ApiAnswer& answer, Time now) {
    auto& forbidden = forbidden_[index(kind)];
    forbidden.until = now + kForbiddenPause;
    if (forbidden.toldAt == Time::min() || now - forbidden.toldAt >= kTellAgain) {
        forbidden.toldAt = now;
        logger_->warn("not allowed to write: needs {} reason=\"{}\"", permission(kind),
                      answer.text());
    }
}

}  // namespace evergate::controller::writeback
