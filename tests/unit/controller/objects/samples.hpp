// SPDX-License-Identifier: Apache-2.0
// Answers of a real API server from tests/data/kubernetes, and small objects to write tests with.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controller/objects/decode.hpp"

namespace evergate::controller::samples {

// tests/data, looked for upwards from this file and from the program (build trees lie in the
// source).
inline std::filesystem::path dataFolder() {
    namespace fs = std::filesystem;
    std::error_code error;
    for (const fs::path& start :
         {fs::absolute(__FILE__), fs::read_symlink("/proc/self/exe", error)}) {
        for (fs::path folder = start.parent_path(); folder.has_relative_path();
             folder = folder.parent_path()) {
            if (fs::exists(folder / "tests/data/kubernetes")) {
                return folder / "tests/data";
            }
        }
    }
    ADD_FAILURE() << "tests/data not found";
    return {};
}

inline std::string readFile(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file) << path;
    return {std::istreambuf_iterator<char>(file), {}};
}

// The items of tests/data/kubernetes/<file>, decoded; a problem fails the test.
inline std::vector<Object> decodeList(ResourceKind kind, std::string_view file) {
    const auto list = nlohmann::json::parse(readFile(dataFolder() / "kubernetes" / file));
    std::vector<Object> objects;
    for (const auto& item : list.at("items")) {
        Decoded decoded = decodeParsedAs(kind, item);
        if (auto* problem = std::get_if<DecodeProblem>(&decoded)) {
            ADD_FAILURE() << problem->problem.object << ' ' << problem->problem.where << ' '
                          << problem->problem.what;
        } else {
            objects.push_back(std::move(std::get<Object>(decoded)));
        }
    }
    return objects;
}

// Decodes an object that must be good.
inline Object object(std::string_view json) {
    Decoded decoded = decodeObject(json);
    if (auto* problem = std::get_if<DecodeProblem>(&decoded)) {
        ADD_FAILURE() << problem->problem.object << ' ' << problem->problem.where << ' '
                      << problem->problem.what << "\n"
                      << json;
        return Unknown{};
    }
    return std::move(std::get<Object>(decoded));
}

}  // namespace evergate::controller::samples
