// SPDX-License-Identifier: Apache-2.0
// Reads a folder of manifests: which files, and their text. Blocking, bounded; the only file here
// that opens other files.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <filesystem>
#include <set>
#include <string>

#include "controller/directory/manifest_store.hpp"

namespace evergate::controller::directory {

// Names of the manifests in `folder`, sorted.
boost::system::result<std::set<std::string>> listManifests(const std::filesystem::path& folder);

struct FileOutcome {
    Change change;
    bool missing = false;  // nothing was done: the caller decides when a file is really gone
};

// Reads one file into the store. What cannot be read or parsed is noted there and stays as it was.
FileOutcome loadFile(const std::filesystem::path& folder, const std::string& name,
                     ManifestStore& store);

// Makes the store agree with the folder. On an error the store stays as it was.
boost::system::result<Change> loadFolder(const std::filesystem::path& folder, ManifestStore& store);

}  // namespace evergate::controller::directory
