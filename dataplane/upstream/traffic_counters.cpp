// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/traffic_counters.hpp"

#include <algorithm>
#include <numeric>

namespace evergate::upstream {
namespace {

// Behind "none": the classes, for codes that have no place of their own; then those that have one.
constexpr std::array<std::string_view, 6> kClasses{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
constexpr std::array<std::uint16_t, StatusCounts::kLabels - kClasses.size()> kCodes{
    101, 200, 201, 202, 203, 204, 205, 206, 207, 300, 301, 302, 303, 304, 307, 308, 400,
    401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417,
    418, 421, 422, 423, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505};

constexpr std::size_t kStatuses = 600;

constexpr std::array<std::uint8_t, kStatuses> makeIndexes() {
    std::array<std::uint8_t, kStatuses> indexes{};
    for (std::size_t status = 100; status < kStatuses; ++status)
        indexes[status] = static_cast<std::uint8_t>(status / 100);
    for (std::size_t i = 0; i < kCodes.size(); ++i)
        indexes[kCodes[i]] = static_cast<std::uint8_t>(kClasses.size() + i);
    return indexes;
}

constexpr std::array<std::uint8_t, kStatuses> kIndexes = makeIndexes();

struct CodeText {
    char text[3];
};

constexpr std::array<CodeText, kCodes.size()> makeTexts() {
    std::array<CodeText, kCodes.size()> texts{};
    for (std::size_t i = 0; i < kCodes.size(); ++i) {
        texts[i].text[0] = static_cast<char>('0' + kCodes[i] / 100);
        texts[i].text[1] = static_cast<char>('0' + kCodes[i] / 10 % 10);
        texts[i].text[2] = static_cast<char>('0' + kCodes[i] % 10);
    }
    return texts;
}

constexpr std::array<CodeText, kCodes.size()> kTexts = makeTexts();

template <typename Array>
void addEach(Array& into, const Array& from) noexcept {
    for (std::size_t i = 0; i < into.size(); ++i)
        into[i] += from[i];
}

}  // namespace

std::size_t StatusCounts::indexOf(std::uint16_t status) noexcept {
    return status < kStatuses ? kIndexes[status] : kClasses.size() - 1;
}

std::string_view StatusCounts::label(std::size_t index) noexcept {
    if (index < kClasses.size())
        return kClasses[index];
    return {kTexts[index - kClasses.size()].text, 3};
}

std::uint64_t StatusCounts::sum() const noexcept {
    return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

void StatusCounts::merge(const StatusCounts& other) noexcept {
    addEach(counts_, other.counts_);
}

void DurationHistogram::merge(const DurationHistogram& other) noexcept {
    addEach(buckets, other.buckets);
    sumMicros += other.sumMicros;
}

void TrafficCounters::merge(const TrafficCounters& other) noexcept {
    statuses.merge(other.statuses);
    durations.merge(other.durations);
    firstBytes.merge(other.firstBytes);
    addEach(reasons, other.reasons);
    retries += other.retries;
    retriesDenied += other.retriesDenied;
    bytesFromClients += other.bytesFromClients;
    bytesToClients += other.bytesToClients;
}

}  // namespace evergate::upstream
