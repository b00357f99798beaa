// SPDX-License-Identifier: Apache-2.0
// What all workers together found out about each endpoint of a backend with passive checks.
//
// Besides slots.hpp the only thing workers share, and only where OutlierDetection is on: "in a row"
// means in a row, whichever worker saw it. Atomics without order between them: statistics. The
// mutex guards changes of the configuration. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "dataplane/upstream/slots.hpp"

namespace evergate::upstream {

// Totals since the tally was made.
struct OutlierReading {
    std::uint64_t requests = 0;  // that ended well or badly; those the client gave up are neither
    std::uint64_t failures = 0;
    std::uint64_t timed = 0;          // answers whose latency is known
    std::uint64_t latencyMicros = 0;  // of all of them together
};

class alignas(64) EndpointTally {
public:
    void noteSuccess() noexcept {
        requests_.fetch_add(1, std::memory_order_relaxed);
        if (inARow_.load(std::memory_order_relaxed) != 0)
            inARow_.store(0, std::memory_order_relaxed);
    }

    // True: that made `limit` failures in a row, or as many once more. 0: no limit.
    bool noteFailure(std::uint32_t limit) noexcept {
        requests_.fetch_add(1, std::memory_order_relaxed);
        failures_.fetch_add(1, std::memory_order_relaxed);
        const std::uint32_t row = inARow_.fetch_add(1, std::memory_order_relaxed) + 1;
        return limit != 0 && row % limit == 0;
    }

    void noteLatency(std::uint64_t micros) noexcept {
        timed_.fetch_add(1, std::memory_order_relaxed);
        latencyMicros_.fetch_add(micros, std::memory_order_relaxed);
    }

    void forgetRow() noexcept { inARow_.store(0, std::memory_order_relaxed); }

    OutlierReading read() const noexcept;

private:
    SharedTicket requests_{0};
    SharedTicket failures_{0};
    SharedTicket timed_{0};
    SharedTicket latencyMicros_{0};
    SharedCount inARow_{0};
};

using EndpointTallyPtr = std::shared_ptr<EndpointTally>;

// Hears of endpoints that fail request after request. Called by any worker.
class OutlierMail {
public:
    virtual void failing(std::uint32_t backend, const EndpointTallyPtr& tally) = 0;

protected:
    ~OutlierMail() = default;
};

// A worker's hold on the tally of one endpoint.
struct OutlierWatch {
    EndpointTallyPtr tally;
    OutlierMail* mail = nullptr;  // null: nobody decides
    std::uint32_t backend = 0;
    std::uint32_t limit = 0;  // OutlierDetection::consecutiveFailures

    void noteFailure() {
        if (tally->noteFailure(limit) && mail != nullptr)
            mail->failing(backend, tally);
    }
};

// Of all endpoints of all backends.
class OutlierBoard {
public:
    // By "address:port"; the same for everybody as long as somebody holds it.
    EndpointTallyPtr tally(std::uint32_t backend, const std::string& text);

    // Before the first worker runs.
    void setMail(OutlierMail* mail) noexcept { mail_ = mail; }

    OutlierMail* mail() const noexcept { return mail_; }

private:
    OutlierMail* mail_ = nullptr;
    SlotMutex mutex_;
    std::map<std::pair<std::uint32_t, std::string>, std::weak_ptr<EndpointTally>> tallies_;
    std::size_t pruneAt_ = 64;
};

}  // namespace evergate::upstream
