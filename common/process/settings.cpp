// SPDX-License-Identifier: Apache-2.0
#include "common/process/settings.hpp"

#include <algorithm>
#include <cassert>

namespace evergate::process {
namespace {

constexpr std::size_t kHelpWidth = 100;
constexpr std::string_view kHelpIndent = "        ";

// Words of `text` in lines that fit kHelpWidth.
void printWrapped(std::ostream& out, std::string_view text) {
    std::size_t column = 0;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (column != 0 && column + 1 + word.size() > kHelpWidth) {
            out << '\n';
            column = 0;
        }
        out << (column == 0 ? kHelpIndent : std::string_view(" ")) << word;
        column += word.size() + (column == 0 ? kHelpIndent.size() : 1);
    }
    out << '\n';
}

// A value in an error line: outside text must not be able to write lines or terminal codes of its
// own.
std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text.substr(0, 200)) {
        result.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c);
    }
    return result + (text.size() > 200 ? "...\"" : "\"");
}

}  // namespace

std::string environmentName(std::string_view name) {
    std::string result = "EVERGATE_";
    for (const char c : name) {
        const bool isLower = c >= 'a' && c <= 'z';
        result.push_back(c == '-' ? '_' : isLower ? static_cast<char>(c - 'a' + 'A') : c);
    }
    return result;
}

SettingsTable::SettingsTable(std::string program, std::string version, std::string summary)
    : program_(std::move(program)), version_(std::move(version)), summary_(std::move(summary)) {}

SettingRow& SettingsTable::addRow(std::string_view name, std::string_view placeholder,
                                  std::string_view description, std::string current) {
    assert(find(name) == nullptr && name != "help" && name != "version");
    SettingRow& row = rows_.emplace_back();
    row.name_ = name;
    row.placeholder_ = placeholder;
    row.description_ = description;
    row.default_ = std::move(current);
    return row;
}

const SettingRow* SettingsTable::find(std::string_view name) const {
    const auto it = std::find_if(rows_.begin(), rows_.end(),
                                 [&](const SettingRow& row) { return row.name_ == name; });
    return it == rows_.end() ? nullptr : &*it;
}

// Sorts the arguments into `given` by setting name; gives what is wrong, or nothing.
std::string SettingsTable::collect(std::span<const char* const> arguments, Given& given) const {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        if (!argument.starts_with("--")) {
            return "unexpected argument " + quoted(argument);
        }
        const std::size_t equals = argument.find('=');
        const std::string_view flag = argument.substr(0, equals);
        const SettingRow* const row = find(flag.substr(2));
        if (row == nullptr) {
            return "unknown flag " + quoted(flag);
        }
        if (equals != std::string_view::npos) {
            given[row->name_] = argument.substr(equals + 1);
        } else if (row->isSwitch_) {
            given[row->name_] = "true";
        } else if (i + 1 < arguments.size()) {
            given[row->name_] = arguments[++i];
        } else {
            return std::string(flag) + " needs a value";
        }
    }
    return {};
}

std::string SettingsTable::assign(const SettingRow& row, const Given& given,
                                  const Environment& environment) const {
    const std::string variable = environmentName(row.name_);
    std::string_view source = variable;
    std::string_view text;
    const std::string flag = "--" + row.name_;
    if (const auto it = given.find(row.name_); it != given.end()) {
        source = flag;
        text = it->second;
    } else if (const char* const value = environment(variable.c_str());
               value != nullptr && *value != '\0') {
        text = value;
    } else {
        return row.required_ ? flag + " is required (or " + variable + ")" : std::string();
    }
    std::string complaint = row.assign_(text);
    if (complaint.empty() && row.check_) {
        complaint = row.check_(text);
    }
    if (complaint.empty()) {
        return {};
    }
    return std::string(source) + ": " + quoted(text) + ' ' + complaint;
}

std::optional<int> SettingsTable::parse(std::span<const char* const> arguments,
                                        const Environment& environment, std::ostream& out,
                                        std::ostream& err) {
    for (const std::string_view argument : arguments) {
        if (argument == "--help" || argument == "-h") {
            printHelp(out);
            return 0;
        }
        if (argument == "--version") {
            out << program_ << ' ' << version_ << '\n';
            return 0;
        }
    }
    Given given;
    if (const std::string problem = collect(arguments, given); !problem.empty()) {
        return reportError(err, problem);
    }
    for (const SettingRow& row : rows_) {
        if (const std::string problem = assign(row, given, environment); !problem.empty()) {
            return reportError(err, problem);
        }
    }
    return std::nullopt;
}

int SettingsTable::reportError(std::ostream& err, std::string_view what) const {
    err << program_ << ": " << what << " (see --help)\n";
    return 2;
}

void SettingsTable::printHelp(std::ostream& out) const {
    out << program_ << ' ' << version_ << ": " << summary_ << "\n\nusage: " << program_
        << " [--flag=value]...\n\n";
    for (const SettingRow& row : rows_) {
        out << "  --" << row.name_;
        if (!row.isSwitch_ || !row.placeholder_.empty()) {
            out << '=' << row.placeholder_;
        }
        out << '\n';
        std::string text = row.description_ + '.';
        if (row.required_) {
            text += " Required.";
        } else if (!row.default_.empty()) {
            text += " Default: " + row.default_ + '.';
        }
        printWrapped(out, text + " Environment: " + environmentName(row.name_));
    }
    out << "  --help\n"
        << kHelpIndent << "this text\n  --version\n"
        << kHelpIndent << "the version\n";
}

}  // namespace evergate::process
