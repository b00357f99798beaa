// SPDX-License-Identifier: Apache-2.0
// The settings of a program: one table gives the flags, the environment variables, the checks and
// --help.
//
// A row binds "admin-listen" to a member of the program's settings struct; the flag is
// --admin-listen=VALUE (or the value as the next argument; a bool needs none), the variable
// EVERGATE_ADMIN_LISTEN. A flag beats its variable, the last of two equal flags wins, an empty
// variable counts as unset. Variables without a row are ignored: Kubernetes itself sets
// EVERGATE_PORT and the like for a Service named "evergate" (so name no setting *-port,
// *-service-host or *-service-port). Used on the main thread before anything starts.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/process/setting_value.hpp"

namespace evergate::process {

// Gives the value of a variable, or null: std::getenv in a program, a map in a test.
using Environment = std::function<const char*(const char* name)>;

class SettingRow {
public:
    // Empty text when the value is good, else what it must be. Called after the value was stored.
    using Check = std::function<std::string(std::string_view text)>;

    SettingRow& check(Check check) {
        check_ = std::move(check);
        return *this;
    }

    SettingRow& required() {
        required_ = true;
        return *this;
    }

    // As a bool's: "--flag" alone is "--flag=true".
    SettingRow& bareMeansTrue() {
        isSwitch_ = true;
        return *this;
    }

private:
    friend class SettingsTable;
    std::string name_;
    std::string placeholder_;
    std::string description_;
    std::string default_;
    bool isSwitch_ = false;
    bool required_ = false;
    Check assign_;
    Check check_;
};

class SettingsTable {
public:
    SettingsTable(std::string program, std::string version, std::string summary);

    // What `target` holds now is the default. `target` outlives the table.
    template <typename T>
    SettingRow& add(std::string_view name, std::string_view placeholder,
                    std::string_view description, T& target) {
        SettingRow& row = addRow(name, placeholder, description, formatSetting(target));
        row.isSwitch_ = std::is_same_v<T, bool>;
        row.assign_ = [&target](std::string_view text) { return parseSetting(text, target); };
        return row;
    }

    template <typename T>
    SettingRow& addChoice(std::string_view name, std::string_view description, T& target,
                          std::vector<std::pair<std::string_view, T>> choices) {
        std::string names;
        std::string current;
        for (const auto& [text, value] : choices) {
            names.append(names.empty() ? "" : "|").append(text);
            current = value == target ? text : current;
        }
        SettingRow& row = addRow(name, names, description, current);
        row.assign_ = [&target, names, choices = std::move(choices)](std::string_view given) {
            for (const auto& [text, value] : choices) {
                if (text == given) {
                    target = value;
                    return std::string();
                }
            }
            return "must be " + names;
        };
        return row;
    }

    // Fills the bound members. An exit code when the program is to end at once: 0 after --help or
    // --version (written to `out`), 2 after one line to `err` that names the flag and the value.
    std::optional<int> parse(std::span<const char* const> arguments, const Environment& environment,
                             std::ostream& out, std::ostream& err);

    // For what only the program can check (two settings that exclude each other): writes the line,
    // gives 2.
    int reportError(std::ostream& err, std::string_view what) const;

    void printHelp(std::ostream& out) const;

private:
    using Given = std::map<std::string_view, std::string_view>;

    SettingRow& addRow(std::string_view name, std::string_view placeholder,
                       std::string_view description, std::string current);
    const SettingRow* find(std::string_view name) const;
    std::string collect(std::span<const char* const> arguments, Given& given) const;
    std::string assign(const SettingRow& row, const Given& given,
                       const Environment& environment) const;

    std::string program_;
    std::string version_;
    std::string summary_;
    std::deque<SettingRow> rows_;  // add() hands out references
};

// "admin-listen" -> "EVERGATE_ADMIN_LISTEN"
std::string environmentName(std::string_view name);

}  // namespace evergate::process
