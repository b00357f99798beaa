// SPDX-License-Identifier: Apache-2.0
#include "common/process/setting_value.hpp"

#include "common/process/duration.hpp"

namespace evergate::process {

std::string parseSetting(std::string_view text, std::string& out) {
    out = text;
    return {};
}

std::string parseSetting(std::string_view text, bool& out) {
    if (text != "true" && text != "false") {
        return "must be true or false";
    }
    out = text == "true";
    return {};
}

std::string parseSetting(std::string_view text, std::chrono::milliseconds& out) {
    const auto duration = parseDuration(text);
    if (!duration) {
        return "must be a duration such as 30s, 500ms or 1h30m";
    }
    out = *duration;
    return {};
}

std::string parseSetting(std::string_view text, ListenAddress& out) {
    auto address = parseListenAddress(text);
    if (!address) {
        return "must be an IP address and port such as 127.0.0.1:9301 or [::]:80";
    }
    out = std::move(*address);
    return {};
}

std::string parseSetting(std::string_view text, std::vector<std::string>& out) {
    std::vector<std::string> items;
    while (true) {
        const std::size_t comma = text.find(',');
        const std::string_view item = text.substr(0, comma);
        if (item.empty()) {
            return "must be a list with commas between, without empty items";
        }
        items.emplace_back(item);
        if (comma == std::string_view::npos) {
            break;
        }
        text.remove_prefix(comma + 1);
    }
    out = std::move(items);
    return {};
}

std::string formatSetting(const std::string& value) {
    return value;
}

std::string formatSetting(bool value) {
    return value ? "true" : "false";
}

std::string formatSetting(std::chrono::milliseconds value) {
    return formatDuration(value);
}

std::string formatSetting(const ListenAddress& value) {
    return value.address.empty() ? std::string() : formatListenAddress(value);
}

std::string formatSetting(const std::vector<std::string>& value) {
    std::string text;
    for (const std::string& item : value) {
        text.append(text.empty() ? "" : ",").append(item);
    }
    return text;
}

}  // namespace evergate::process
