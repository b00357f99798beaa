// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/content_coding.hpp"

#include <algorithm>

#include "dataplane/http/character_classes.hpp"
#include "dataplane/http/head_reader.hpp"

namespace evergate::http {

namespace {

constexpr std::array<std::string_view, kContentCodings> kNames{"identity", "gzip", "br", "zstd"};
constexpr int kBadWeight = -1;

// qvalue: "0" and "1" with up to three digits behind a dot, in thousandths; kBadWeight otherwise.
int readWeight(std::string_view text) noexcept {
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) {
        return kBadWeight;
    }
    int weight = (text[0] - '0') * 1'000;
    if (text.size() > 1 && text[1] != '.') {
        return kBadWeight;
    }
    int scale = 100;
    for (std::size_t i = 2; i < text.size(); ++i) {
        if (!is(text[i], kDigit)) {
            return kBadWeight;
        }
        weight += (text[i] - '0') * scale;
        scale /= 10;
    }
    return weight <= 1'000 ? weight : kBadWeight;
}

// What stands behind a coding: nothing, or ";q=" and a weight.
int readParameters(std::string_view text) noexcept {
    text = trimOws(text);
    if (text.empty()) {
        return 1'000;
    }
    text = trimOws(text.substr(1));  // the semicolon
    if (text.size() < 2 || (text[0] | 0x20) != 'q' || text[1] != '=') {
        return kBadWeight;
    }
    return readWeight(text.substr(2));
}

bool matchesType(std::string_view type, std::string_view pattern) noexcept {
    if (pattern == "*/*") {
        return true;
    }
    if (!pattern.ends_with("/*")) {
        return equalsIgnoreCase(type, pattern);
    }
    const std::string_view prefix = pattern.substr(0, pattern.size() - 1);  // with its slash
    return type.size() > prefix.size() && equalsIgnoreCase(type.substr(0, prefix.size()), prefix);
}

}  // namespace

std::string_view name(ContentCoding coding) noexcept {
    return kNames[static_cast<std::size_t>(coding)];
}

NamedCoding contentCodingOf(std::string_view name) noexcept {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if (equalsIgnoreCase(name, kNames[i])) {
            return {static_cast<ContentCoding>(i), true};
        }
    }
    const bool old = equalsIgnoreCase(name, "x-gzip");
    return {old ? ContentCoding::gzip : ContentCoding::identity, old};
}

void AcceptedCodings::add(std::string_view value) noexcept {
    forEachElement(value, [this](std::string_view element) {
        const std::size_t end = std::min(element.find(';'), element.size());
        const std::string_view coding = trimOws(element.substr(0, end));
        const int weight = readParameters(element.substr(end));
        if (weight != kBadWeight) {
            take(coding, weight);
        }
    });
}

void AcceptedCodings::take(std::string_view coding, int weight) noexcept {
    int* known = &others_;
    if (coding != "*") {
        const NamedCoding named = contentCodingOf(coding);
        if (!named.found) {
            return;
        }
        known = &weights_[static_cast<std::size_t>(named.coding)];
    }
    if (*known == kUnsaid) {
        *known = weight;
    }
}

int AcceptedCodings::weightOf(ContentCoding coding) const noexcept {
    const int said = weights_[static_cast<std::size_t>(coding)];
    return said != kUnsaid ? said : others_;
}

ContentCoding AcceptedCodings::best(const std::vector<std::string>& offered) const noexcept {
    // What is not said of identity itself says nothing: it is always there, and a last resort.
    int most = std::max(0, weights_[static_cast<std::size_t>(ContentCoding::identity)] - 1);
    ContentCoding best = ContentCoding::identity;
    for (const std::string& each : offered) {
        const NamedCoding named = contentCodingOf(each);
        if (named.found && weightOf(named.coding) > most) {
            most = weightOf(named.coding);
            best = named.coding;
        }
    }
    return best;
}

AcceptedCodings acceptedCodings(const RequestHead& head) noexcept {
    AcceptedCodings accepted;
    for (const HeaderField& field : head.fields) {
        if (equalsIgnoreCase(field.name, "accept-encoding")) {
            accepted.add(field.value);
        }
    }
    return accepted;
}

bool isAmongTypes(std::string_view contentType, const std::vector<std::string>& types) noexcept {
    const std::string_view type =
        trimOws(contentType.substr(0, std::min(contentType.find(';'), contentType.size())));
    return !type.empty() && std::any_of(types.begin(), types.end(), [type](const auto& pattern) {
        return matchesType(type, pattern);
    });
}

}  // namespace evergate::http
