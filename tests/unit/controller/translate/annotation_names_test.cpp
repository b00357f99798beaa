// SPDX-License-Identifier: Apache-2.0
// The pages for people name no annotation that does not exist.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "controller/translate/annotation_table.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {
namespace {

using testing::IsEmpty;

std::vector<std::filesystem::path> pages() {
    const std::filesystem::path root = EVERGATE_SOURCE_DIR;
    std::vector<std::filesystem::path> found{root / "README.md", root / "CHANGELOG.md"};
    for (const auto& entry : std::filesystem::directory_iterator(root / "docs")) {
        if (entry.path().extension() == ".md") {
            found.push_back(entry.path());
        }
    }
    return found;
}

bool exists(const std::string& name, char behind) {
    if (name == kControllerName || findAnnotation(name) != nullptr) {
        return true;
    }
    // "evergate.io/...", "evergate.io/<name>", "evergate.io/outlier-*": all that begin so.
    bool begins = false;
    for (const auto rows : annotationGroups()) {
        for (const AnnotationRow& row : rows) {
            begins = begins || row.name.starts_with(name);
        }
    }
    return begins && (name == annotation::kPrefix || behind == '*' || behind == '.');
}

std::vector<std::string> unknownNames(const std::string& text) {
    constexpr std::string_view kNameBytes = "abcdefghijklmnopqrstuvwxyz0123456789-";
    std::vector<std::string> unknown;
    for (std::size_t at = 0; (at = text.find(annotation::kPrefix, at)) != std::string::npos;) {
        std::size_t end = text.find_first_not_of(kNameBytes, at + annotation::kPrefix.size());
        end = std::min(end, text.size());
        std::string name = text.substr(at, end - at);
        if (!exists(name, end < text.size() ? text[end] : '\0')) {
            unknown.push_back(std::move(name));
        }
        at = end;
    }
    return unknown;
}

TEST(AnnotationNames, OfThePagesExist) {
    for (const auto& page : pages()) {
        std::ostringstream text;
        text << std::ifstream(page).rdbuf();
        EXPECT_FALSE(text.str().empty()) << page;
        EXPECT_THAT(unknownNames(text.str()), IsEmpty()) << page;
    }
}

TEST(AnnotationNames, ThatDoNotExistAreFound) {
    EXPECT_THAT(unknownNames("`evergate.io/queue-timeout`, evergate.io/retries, `evergate.io/*`, "
                             "evergate.io/health-check*, evergate.io/outlier-"),
                testing::ElementsAre("evergate.io/queue-timeout", "evergate.io/outlier-"));
}

}  // namespace
}  // namespace evergate::controller
