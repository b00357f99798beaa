// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/folder.hpp"

#include <boost/system/errc.hpp>
#include <system_error>
#include <utility>

#include "common/process/atomic_file.hpp"

namespace evergate::controller::directory {
namespace {

// What is no file is refused before it is opened: a FIFO would read as an empty one.
bool isSomethingElse(const std::filesystem::path& path) {
    std::error_code error;
    const auto type = std::filesystem::status(path, error).type();
    return !error && type != std::filesystem::file_type::regular &&
           type != std::filesystem::file_type::not_found;
}

bool isMissing(const boost::system::error_code& error) {
    return error == boost::system::errc::no_such_file_or_directory ||
           error == boost::system::errc::not_a_directory;
}

std::string complaint(const boost::system::error_code& error) {
    return error == boost::system::errc::file_too_large ? "is larger than 16 MiB"
                                                        : "cannot be read: " + error.message();
}

}  // namespace

boost::system::result<std::set<std::string>> listManifests(const std::filesystem::path& folder) {
    std::error_code error;
    std::set<std::string> names;
    auto it = std::filesystem::directory_iterator(folder, error);
    for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
        std::string name = it->path().filename().string();
        if (formatOf(name)) {
            names.insert(std::move(name));
        }
    }
    if (error) {
        return boost::system::error_code(error.value(), boost::system::system_category());
    }
    return names;
}

FileOutcome loadFile(const std::filesystem::path& folder, const std::string& name,
                     ManifestStore& store) {
    const auto format = formatOf(name);
    if (!format) {
        return {};
    }
    if (isSomethingElse(folder / name)) {
        store.setBroken(name, {0, "is not a regular file"});
        return {};
    }
    const auto text = process::readFile(folder / name, kMaxFileBytes);
    if (!text && isMissing(text.error())) {
        return {{}, true};
    }
    if (!text) {
        store.setBroken(name, {0, complaint(text.error())});
        return {};
    }
    auto parsed = readManifest(*format, *text);
    if (auto* problem = std::get_if<SyntaxProblem>(&parsed)) {
        store.setBroken(name, std::move(*problem));
        return {};
    }
    return {store.setFile(name, std::get<Manifest>(std::move(parsed))), false};
}

boost::system::result<Change> loadFolder(const std::filesystem::path& folder,
                                         ManifestStore& store) {
    const auto names = listManifests(folder);
    if (!names) {
        return names.error();
    }
    Change change;
    for (const std::string& name : *names) {
        FileOutcome outcome = loadFile(folder, name, store);
        change.merge(outcome.missing ? store.removeFile(name) : std::move(outcome.change));
    }
    for (const std::string& name : store.fileNames()) {
        if (!names->contains(name)) {
            change.merge(store.removeFile(name));
        }
    }
    return change;
}

}  // namespace evergate::controller::directory
