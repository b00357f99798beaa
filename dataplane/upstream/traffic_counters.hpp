// SPDX-License-Identifier: Apache-2.0
// Counters of requests as one worker keeps them: plain integers with one writer, copied when
// somebody scrapes. The same set for a backend and for a route.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace evergate::upstream {

// Upper bounds in microseconds of every duration histogram; the last bucket is +Inf.
inline constexpr std::array<std::uint32_t, 13> kDurationBounds{
    500,     1'000,   2'500,   5'000,     10'000,    25'000,    50'000,
    100'000, 250'000, 500'000, 1'000'000, 5'000'000, 30'000'000};

struct DurationHistogram {
    std::array<std::uint64_t, kDurationBounds.size() + 1> buckets{};  // not cumulative
    std::uint64_t sumMicros = 0;

    static std::size_t bucketOf(std::uint32_t micros) noexcept {
        std::size_t i = 0;
        while (i < kDurationBounds.size() && micros > kDurationBounds[i])
            ++i;
        return i;
    }

    void add(std::size_t bucket, std::uint32_t micros) noexcept {
        ++buckets[bucket];
        sumMicros += micros;
    }

    void observe(std::uint32_t micros) noexcept { add(bucketOf(micros), micros); }

    void merge(const DurationHistogram& other) noexcept;
};

// Requests by status code with a bounded set of labels: "none" (no response was sent), the codes in
// use on the web by themselves, every other one as its class ("4xx").
class StatusCounts {
public:
    static constexpr std::size_t kLabels = 56;

    static std::size_t indexOf(std::uint16_t status) noexcept;  // 0: none
    static std::string_view label(std::size_t index) noexcept;

    void add(std::size_t index) noexcept { ++counts_[index]; }

    std::uint64_t count(std::size_t index) const noexcept { return counts_[index]; }

    std::uint64_t sum() const noexcept;
    void merge(const StatusCounts& other) noexcept;

private:
    std::array<std::uint64_t, kLabels> counts_{};
};

// How requests failed, by http::ProxyError (which this folder does not know).
using ReasonCounts = std::array<std::uint64_t, 48>;

struct TrafficCounters {
    StatusCounts statuses;
    DurationHistogram durations;   // whole requests, without tunnels
    DurationHistogram firstBytes;  // until the endpoint's response head; backends only
    ReasonCounts reasons{};        // backends only
    std::uint64_t retries = 0;
    std::uint64_t retriesDenied = 0;  // by the budget; backends only
    std::uint64_t bytesFromClients = 0;
    std::uint64_t bytesToClients = 0;

    void merge(const TrafficCounters& other) noexcept;
};

// Counters by a dense index, made when they are first needed: what sees no traffic costs a pointer.
class TrafficTable {
public:
    TrafficCounters& at(std::uint32_t index) {
        if (index >= table_.size())
            table_.resize(index + 1);
        auto& slot = table_[index];
        if (!slot)
            slot = std::make_unique<TrafficCounters>();
        return *slot;
    }

    const TrafficCounters* find(std::uint32_t index) const noexcept {
        return index < table_.size() ? table_[index].get() : nullptr;
    }

    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(table_.size()); }

    // The index is to be used for something else.
    void reset(std::uint32_t index) noexcept {
        if (index < table_.size())
            table_[index].reset();
    }

private:
    std::vector<std::unique_ptr<TrafficCounters>> table_;
};

}  // namespace evergate::upstream
