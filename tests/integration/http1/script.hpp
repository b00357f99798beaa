// SPDX-License-Identifier: Apache-2.0
// Reads the cases of this folder: what a client sends, what the endpoint must get, what it answers
// and what the client must get, byte by byte. README.md has the language.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace evergate::test {

enum class Side : char { none = '-', client = 'C', endpoint = 'E' };

struct Step {
    Side side = Side::none;
    std::string verb;      // "send", "has", ...
    std::string argument;  // escapes are resolved
    int line = 0;
};

struct Setting {
    std::string name;
    std::string value;
};

struct Case {
    std::string name;
    std::string file;
    std::vector<std::string> sources;  // "rfc 9112 6.1", "haproxy 31", "own ..."
    std::vector<Setting> settings;
    std::vector<Step> steps;
};

inline void PrintTo(const Case& tested, std::ostream* out) {
    *out << tested.file << ' ' << tested.name;
}

class ScriptReader {
public:
    explicit ScriptReader(const std::filesystem::path& path) : path_(path) {}

    std::vector<Case> read() {
        std::ifstream file(path_);
        for (std::string line; std::getline(file, line);) {
            ++line_;
            if (!line.empty() && line.front() != '#')
                take(line);
        }
        if (cases_.empty())
            fail("no case");
        return std::move(cases_);
    }

    // "\r\n\t\0\\", "\x1f", and "\{text*3}" for "texttexttext".
    std::string unescape(std::string_view text) const {
        std::string out;
        while (!text.empty()) {
            const char c = text.front();
            text.remove_prefix(1);
            if (c != '\\') {
                out += c;
            } else if (text.empty()) {
                fail("backslash at the end");
            } else {
                unescapeOne(text, out);
            }
        }
        return out;
    }

private:
    [[noreturn]] void fail(const std::string& what) const {
        throw std::runtime_error(path_.string() + ":" + std::to_string(line_) + ": " + what);
    }

    void unescapeOne(std::string_view& text, std::string& out) const {
        static constexpr std::string_view kPlain = "rnt0\\";
        static constexpr std::string_view kMeant("\r\n\t\0\\", 5);
        const char c = text.front();
        if (const auto at = kPlain.find(c); at != std::string_view::npos) {
            out += kMeant[at];
            text.remove_prefix(1);
        } else if (c == 'x' && text.size() >= 3) {
            out += static_cast<char>(std::stoi(std::string(text.substr(1, 2)), nullptr, 16));
            text.remove_prefix(3);
        } else if (c == '{') {
            const std::string_view inner = text.substr(1, closingBrace(text) - 1);
            const auto star = inner.rfind('*');
            if (star == std::string_view::npos)
                fail("repetition without a count");
            const std::string piece = unescape(inner.substr(0, star));
            for (int i = std::stoi(std::string(inner.substr(star + 1))); i > 0; --i)
                out += piece;
            text.remove_prefix(inner.size() + 2);
        } else {
            fail("unknown escape");
        }
    }

    // Of the repetition whose '{' is text[0]; others may be inside.
    std::size_t closingBrace(std::string_view text) const {
        int open = 0;
        for (std::size_t at = 0; at < text.size(); ++at) {
            if (at == 0 || (text[at] == '{' && text[at - 1] == '\\'))
                ++open;
            if (text[at] == '}' && --open == 0)
                return at;
        }
        fail("open repetition");
    }

    // The word up to the next space; `text` keeps what is behind that one space.
    static std::string word(std::string_view& text) {
        const auto end = std::min(text.find(' '), text.size());
        const std::string result(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        return result;
    }

    void take(std::string_view line) {
        std::string_view rest = line;
        const std::string first = word(rest);
        if (first == "case") {
            cases_.push_back({std::string(rest), path_.filename().string(), {}, {}, {}});
            return;
        }
        if (cases_.empty())
            fail("before the first case");
        Case& current = cases_.back();
        if (first == "rfc" || first == "haproxy" || first == "own") {
            current.sources.emplace_back(line);
        } else if (first == "set") {
            const std::string name = word(rest);
            current.settings.push_back({name, unescape(rest)});
        } else if (first == "connects") {
            current.steps.push_back({Side::none, first, std::string(rest), line_});
        } else if (first == "C>" || first == "E>") {
            send(first[0], unescape(rest) + "\r\n");
        } else if (first == "C>>" || first == "E>>") {
            send(first[0], unescape(rest));
        } else if (first == "C" || first == "E") {
            const std::string verb = word(rest);
            current.steps.push_back({static_cast<Side>(first[0]), verb, unescape(rest), line_});
        } else {
            fail("unknown line");
        }
    }

    // Lines in a row leave in one piece.
    void send(char side, std::string bytes) {
        std::vector<Step>& steps = cases_.back().steps;
        const bool more = !steps.empty() && steps.back().verb == "send" &&
                          steps.back().side == static_cast<Side>(side);
        if (more) {
            steps.back().argument += bytes;
        } else {
            steps.push_back({static_cast<Side>(side), "send", std::move(bytes), line_});
        }
    }

    std::filesystem::path path_;
    int line_ = 0;
    std::vector<Case> cases_;
};

// The cases of every *.case file of the folder, in the order of their names.
inline std::vector<Case> readCases(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".case")
            paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<Case> all;
    for (const auto& path : paths) {
        for (Case& one : ScriptReader(path).read())
            all.push_back(std::move(one));
    }
    return all;
}

}  // namespace evergate::test
