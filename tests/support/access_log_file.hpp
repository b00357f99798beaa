// SPDX-License-Identifier: Apache-2.0
// An access log as JSON in a file of its own, which goes with the test.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dataplane/worker/worker_pool.hpp"

namespace evergate::test {

class AccessLogFile {
public:
    // `name` tells the tests that run at the same time apart.
    explicit AccessLogFile(const std::string& name)
        : path_(std::filesystem::path(testing::TempDir()) /
                (name + "_" + std::to_string(::getpid()) + ".log")) {
        std::filesystem::remove(path_);
    }

    AccessLogFile(const AccessLogFile&) = delete;
    AccessLogFile& operator=(const AccessLogFile&) = delete;

    ~AccessLogFile() { std::filesystem::remove(path_); }

    worker::WorkerPoolOptions options() const {
        worker::WorkerPoolOptions options;
        options.accessLog = http::AccessLogFormat::json;
        options.accessLogPath = path_.string();
        return options;
    }

    // Those that are there whole: the next may be half written.
    std::vector<nlohmann::json> lines() const {
        std::ifstream file(path_);
        std::vector<nlohmann::json> all;
        for (std::string line; std::getline(file, line) && !file.eof();)
            all.push_back(nlohmann::json::parse(line));
        return all;
    }

private:
    std::filesystem::path path_;
};

}  // namespace evergate::test
