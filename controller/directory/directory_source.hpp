// SPDX-License-Identifier: Apache-2.0
// The directory source: a folder of Kubernetes manifests, watched, with the semantics of the API
// server.
//
// Runs on the controller's thread. A change is seen through inotify and acted on at once; only a
// file that disappears is given a moment to come back, because that is how many editors save. While
// the folder is missing its last objects stay.
#pragma once

#include <spdlog/logger.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <memory>

#include "controller/source.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

struct DirectoryOptions {
    std::filesystem::path directory;
    TranslateOptions translate;              // loopback endpoints are always allowed here
    std::shared_ptr<spdlog::logger> logger;  // may be null

    // What follows has the right value by default; tests change it.
    std::chrono::milliseconds removalGrace{50};
    std::chrono::milliseconds firstRetry{100};
    std::chrono::milliseconds longestRetry{5'000};
};

std::unique_ptr<Source> makeDirectorySource(boost::asio::io_context& context,
                                            DirectoryOptions options);

}  // namespace evergate::controller
