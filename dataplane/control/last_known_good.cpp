// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/last_known_good.hpp"

#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "common/model/hex.hpp"
#include "common/model/json.hpp"
#include "common/model/sha256.hpp"
#include "common/model/validation.hpp"
#include "common/process/atomic_file.hpp"
#include "common/process/directory.hpp"

namespace evergate::dataplane {

namespace {

constexpr std::string_view kMagic = "evergate-last-known-good 1 ";

std::string checksum(std::string_view text) {
    return model::hexOf(model::sha256({text}));
}

// The text up to the next newline, taken off `rest`; none when there is no newline.
std::optional<std::string_view> takeLine(std::string_view& rest) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return line;
}

bool readFacts(std::string_view line, SavedConfig& saved, std::uint64_t& keys) {
    const auto facts = nlohmann::json::parse(line, nullptr, false);
    const auto number = [&](const char* name, std::uint64_t& out) {
        const auto at = facts.find(name);
        if (at == facts.end() || !at->is_number_unsigned()) {
            return false;
        }
        out = at->get<std::uint64_t>();
        return true;
    };
    if (!facts.is_object() || !facts.contains("epoch") || !facts["epoch"].is_string()) {
        return false;
    }
    saved.epoch = facts["epoch"].get<std::string>();
    return number("config", saved.versions[0]) && number("endpoints", saved.versions[1]) &&
           number("keys", keys);
}

bool readEntry(std::string_view line, model::Config& config) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos) {
        return false;
    }
    auto key = model::decodeKey(line.substr(0, space));
    if (!std::holds_alternative<model::Key>(key)) {
        return false;
    }
    const model::Key& name = std::get<model::Key>(key);
    auto value = model::decode(name.kind, line.substr(space + 1));
    if (!std::holds_alternative<model::Value>(value) ||
        !model::validate(name, std::get<model::Value>(value)).empty()) {
        return false;
    }
    config.put(name, std::move(std::get<model::Value>(value)));
    return true;
}

boost::system::error_code renameFile(const std::string& from, const std::string& to) {
    if (std::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
        return {errno, boost::system::generic_category()};
    }
    return {};
}

}  // namespace

std::string encodeSaved(const SavedConfig& saved) {
    const nlohmann::json facts = {{"epoch", saved.epoch},
                                  {"config", saved.versions[0]},
                                  {"endpoints", saved.versions[1]},
                                  {"keys", saved.config.entries().size()}};
    std::string body = facts.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    for (const auto& [key, entry] : saved.config.entries()) {
        body += model::encodeKey(key);
        body += ' ';
        body += model::encode(*entry.value);
        body += '\n';
    }
    std::string text(kMagic);
    text += checksum(body);
    text += '\n';
    return text + body;
}

std::optional<SavedConfig> decodeSaved(std::string_view text) {
    const auto header = takeLine(text);
    if (!header || !header->starts_with(kMagic) ||
        header->substr(kMagic.size()) != checksum(text)) {
        return std::nullopt;
    }
    SavedConfig saved;
    std::uint64_t keys = 0;
    const auto facts = takeLine(text);
    if (!facts || !readFacts(*facts, saved, keys)) {
        return std::nullopt;
    }
    while (const auto line = takeLine(text)) {
        if (!readEntry(*line, saved.config)) {
            return std::nullopt;
        }
    }
    if (!text.empty() || saved.config.entries().size() != keys) {
        return std::nullopt;
    }
    return saved;
}

LastKnownGood::LastKnownGood(std::string directory)
    : directory_(directory),
      current_(directory + "/last-known-good"),
      previous_(directory + "/last-known-good.previous"),
      next_(std::move(directory) + "/last-known-good.next") {}

LastKnownGood::Loaded LastKnownGood::load() const {
    Loaded loaded;
    for (const std::string& path : {current_, previous_}) {
        const auto text = process::readFile(path, kMaxBytes);
        if (!text) {
            if (text.error() != boost::system::errc::no_such_file_or_directory) {
                loaded.complaints.push_back(path + ": " + text.error().message());
            }
            continue;
        }
        loaded.saved = decodeSaved(*text);
        if (loaded.saved) {
            break;
        }
        loaded.complaints.push_back(path + ": damaged");
    }
    return loaded;
}

boost::system::error_code LastKnownGood::store(const SavedConfig& saved) const {
    // The new text is complete on disk before either generation moves.
    auto error = process::ensureDirectory(directory_);
    if (!error) {
        error = process::writeFileAtomically(next_, encodeSaved(saved));
    }
    if (!error) {
        error = renameFile(current_, previous_);
    }
    if (!error) {
        error = renameFile(next_, current_);
    }
    return error;
}

}  // namespace evergate::dataplane
