// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/annotation_syntax.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "common/model/network.hpp"
#include "common/model/syntax.hpp"
#include "controller/objects/printable.hpp"

namespace evergate::controller {
namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kSeparators = ", \t\r\n";
// What one value of the model can hold.
constexpr std::size_t kMaxNetworks = 1'024;
constexpr std::size_t kQuoted = 60;

// Digits only, without a leading zero, from the front of `text`, which keeps the rest.
std::optional<std::uint64_t> takeNumber(std::string_view& text) {
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto digits = static_cast<std::size_t>(stop - text.data());
    if (error != std::errc() || digits == 0 || (digits > 1 && text.front() == '0')) {
        return std::nullopt;
    }
    text.remove_prefix(digits);
    return number;
}

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// Nothing when the unit is unknown or the product does not fit.
template <std::size_t N>
std::optional<std::uint64_t> scaled(std::uint64_t number, std::string_view unit,
                                    const std::array<Unit, N>& units, std::uint64_t most) {
    const auto it = std::find_if(units.begin(), units.end(),
                                 [&](const Unit& each) { return each.name == unit; });
    if (it == units.end() || number > most / it->factor) {
        return std::nullopt;
    }
    return number * it->factor;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

template <typename Visit>
void forEachWord(std::string_view text, const Visit& visit) {
    while (true) {
        const std::size_t first = text.find_first_not_of(kSeparators);
        if (first == std::string_view::npos) {
            return;
        }
        text.remove_prefix(first);
        const std::size_t end = std::min(text.find_first_of(kSeparators), text.size());
        visit(text.substr(0, end));
        text.remove_prefix(end);
    }
}

std::string quoted(std::string_view text) {
    return '\'' + printable(text, kQuoted) + '\'';
}

Complaint headerNameComplaint(std::string_view lower) {
    if (!model::isLowerCaseToken(lower)) {
        return quoted(lower) + " is not a header name";
    }
    if (!model::isEditableHeader(lower)) {
        return std::string(lower) + " is a header that only the proxy itself may write";
    }
    return {};
}

Complaint readHeaderLine(std::string_view line, std::vector<model::HeaderField>& fields) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
        return quoted(line) + " must be 'Name: value'";
    }
    model::HeaderField field{model::lowerCase(line.substr(0, colon)),
                             std::string(trimmed(line.substr(colon + 1)))};
    if (Complaint complaint = headerNameComplaint(field.name); !complaint.empty()) {
        return complaint;
    }
    if (field.value.empty()) {
        return field.name + " has no value; a -remove annotation takes a header away";
    }
    if (!model::isHeaderValue(field.value)) {
        return "the value of " + field.name +
               " must be visible ASCII, spaces and tabs, at most 4096 bytes";
    }
    const bool twice = std::any_of(fields.begin(), fields.end(),
                                   [&](const auto& each) { return each.name == field.name; });
    if (twice) {
        return field.name + " is set twice";
    }
    fields.push_back(std::move(field));
    return {};
}

}  // namespace

Complaint readDuration(std::string_view text, std::chrono::milliseconds& out) {
    static constexpr std::array kUnits{Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000},
                                       Unit{"h", 3'600'000}};
    constexpr std::uint64_t kMost = 1'000'000'000'000;
    if (const auto number = takeNumber(text)) {
        if (const auto value = scaled(*number, text, kUnits, kMost)) {
            out = std::chrono::milliseconds(*value);
            return {};
        }
    }
    return "must be a whole number with its unit: 250ms, 30s, 2m or 1h";
}

Complaint readCount(std::string_view text, std::uint32_t& out) {
    const auto number = takeNumber(text);
    if (!number || !text.empty() || *number > std::numeric_limits<std::uint32_t>::max()) {
        return "must be a whole number";
    }
    out = static_cast<std::uint32_t>(*number);
    return {};
}

Complaint readPercent(std::string_view text, std::uint32_t& out) {
    if (text.ends_with('%')) {
        text.remove_suffix(1);
    }
    return readCount(text, out).empty() ? Complaint()
                                        : "must be a whole number of percent: 50 or 50%";
}

Complaint readFlag(std::string_view text, bool& out) {
    if (text != "true" && text != "false") {
        return "must be true or false";
    }
    out = text == "true";
    return {};
}

Complaint readSize(std::string_view text, std::uint64_t& out) {
    static constexpr std::array kUnits{
        Unit{"", 1},           Unit{"k", 1ULL << 10}, Unit{"K", 1ULL << 10}, Unit{"m", 1ULL << 20},
        Unit{"M", 1ULL << 20}, Unit{"g", 1ULL << 30}, Unit{"G", 1ULL << 30}};
    constexpr std::uint64_t kMost = 1ULL << 53;  // what every reader of JSON takes exactly
    if (const auto number = takeNumber(text)) {
        if (const auto value = scaled(*number, text, kUnits, kMost)) {
            out = *value;
            return {};
        }
    }
    return "must be a number of bytes, with k, m or g for powers of 1024: 500k, 8m; 0 is no limit";
}

Complaint readStatusRange(std::string_view text, std::uint16_t& low, std::uint16_t& high) {
    const auto first = takeNumber(text);
    auto last = first;
    if (text.starts_with('-')) {
        text.remove_prefix(1);
        last = takeNumber(text);
    }
    if (!first || !last || !text.empty() || *first < 100 || *last > 599 || *first > *last) {
        return "must be a status or a range of them from 100 to 599: 200-399, or 204";
    }
    low = static_cast<std::uint16_t>(*first);
    high = static_cast<std::uint16_t>(*last);
    return {};
}

Complaint readServerErrors(std::string_view text, std::vector<std::uint16_t>& out) {
    std::vector<std::uint16_t> statuses;
    bool good = true;
    forEachWord(text, [&](std::string_view word) {
        const auto status = takeNumber(word);
        if (!status || !word.empty() || *status < 500 || *status > 599) {
            good = false;
        } else {
            statuses.push_back(static_cast<std::uint16_t>(*status));
        }
    });
    if (!good || statuses.empty()) {
        return "must be statuses from 500 to 599, separated by commas: 502,503,504";
    }
    std::sort(statuses.begin(), statuses.end());
    statuses.erase(std::unique(statuses.begin(), statuses.end()), statuses.end());
    out = std::move(statuses);
    return {};
}

Complaint readNetworks(std::string_view text, std::vector<std::string>& out) {
    Complaint complaint;
    out.clear();
    forEachWord(text, [&](std::string_view word) {
        if (!model::parseNetwork(word)) {
            if (complaint.empty()) {
                complaint = quoted(word) + " is not an IP address or a network like 10.0.0.0/8";
            }
        } else if (out.size() == kMaxNetworks) {
            complaint = "has more than " + std::to_string(kMaxNetworks) + " networks";
        } else {
            out.emplace_back(word);
        }
    });
    if (out.empty() && complaint.empty()) {
        complaint = "must list IP addresses or networks: 10.0.0.0/8, 2001:db8::/32";
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return complaint;
}

Complaint readHeaderFields(std::string_view text, std::vector<model::HeaderField>& out) {
    std::vector<model::HeaderField> fields;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty()) {
            continue;
        }
        if (Complaint complaint = readHeaderLine(line, fields); !complaint.empty()) {
            return complaint;
        }
    }
    if (fields.empty()) {
        return "must have one 'Name: value' per line";
    }
    out = std::move(fields);
    return {};
}

Complaint readHeaderNames(std::string_view text, std::vector<std::string>& out) {
    std::vector<std::string> names;
    Complaint complaint;
    forEachWord(text, [&](std::string_view word) {
        names.push_back(model::lowerCase(word));
        if (complaint.empty()) {
            complaint = headerNameComplaint(names.back());
        }
    });
    if (complaint.empty() && names.empty()) {
        complaint = "must list header names";
    }
    if (!complaint.empty()) {
        return complaint;
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    out = std::move(names);
    return {};
}

Complaint readWords(std::string_view text, std::vector<std::string>& out) {
    std::vector<std::string> words;
    forEachWord(text, [&](std::string_view word) { words.push_back(model::lowerCase(word)); });
    if (words.empty()) {
        return "must be a list";
    }
    out = std::move(words);
    return {};
}

}  // namespace evergate::controller
