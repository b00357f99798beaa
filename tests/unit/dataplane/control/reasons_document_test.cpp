// SPDX-License-Identifier: Apache-2.0
// docs/operating.md against what the access log says.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "dataplane/http/access_log.hpp"

namespace evergate::http {
namespace {

using Names = std::set<std::string>;

std::vector<std::string> inCode(const std::string& cell) {
    std::vector<std::string> words;
    for (std::size_t at = 0; (at = cell.find('`', at)) != std::string::npos;) {
        const std::size_t end = cell.find('`', at + 1);
        words.push_back(cell.substr(at + 1, end - at - 1));
        at = end == std::string::npos ? end : end + 1;
    }
    return words;
}

// First column (names) => second column, of the table under this heading.
std::map<std::string, std::string> table(const std::string& heading) {
    std::ifstream file(EVERGATE_SOURCE_DIR "/docs/operating.md");
    std::map<std::string, std::string> rows;
    std::string line;
    while (std::getline(file, line) && !line.starts_with(heading)) {
    }
    std::getline(file, line);  // |---|
    while (std::getline(file, line) && line.starts_with("| ")) {
        const std::size_t second = line.find(" | ");
        const std::size_t third = line.find(" | ", second + 3);
        for (const std::string& name : inCode(line.substr(0, second)))
            rows[name] = line.substr(second + 3, third - second - 3);
    }
    return rows;
}

TEST(ReasonsDocument, NamesEveryReasonAndNoOther) {
    Names documented, known;
    for (const auto& [reason, status] : table("| reason |"))
        documented.insert(reason);
    for (std::size_t i = 1; i < static_cast<std::size_t>(ProxyError::count_); ++i)
        known.insert(std::string(info(static_cast<ProxyError>(i)).reason));
    EXPECT_EQ(documented, known);
}

TEST(ReasonsDocument, NamesTheirStatuses) {
    auto rows = table("| reason |");
    // No request, no answer.
    for (const ProxyError silent : {ProxyError::clientTls, ProxyError::badProxyHeader}) {
        EXPECT_EQ(rows[std::string(info(silent).reason)], "0");
        rows.erase(std::string(info(silent).reason));
    }
    for (std::size_t i = 1; i < static_cast<std::size_t>(ProxyError::count_); ++i) {
        const ProxyErrorInfo& each = info(static_cast<ProxyError>(i));
        const auto row = rows.find(std::string(each.reason));
        if (row == rows.end() || row->second == "the one sent")
            continue;
        EXPECT_NE(row->second.find(std::to_string(each.status)), std::string::npos)
            << each.reason << ": " << row->second;
    }
}

TEST(FieldsDocument, NamesEveryFieldAndNoOther) {
    AccessRecord record;
    record.tls = {"TLSv1.3", "cipher", "name", "failure", "untrusted"};
    record.proxyProblem = "odd";
    std::string line;
    formatAccessLine(AccessLogFormat::json, record, line);
    Names documented, written;
    for (const auto& [field, meaning] : table("| field |"))
        documented.insert(field);
    const auto object = nlohmann::json::parse(line);
    for (const auto& [key, value] : object.items())
        written.insert(key);
    EXPECT_EQ(documented, written);
}

}  // namespace
}  // namespace evergate::http
