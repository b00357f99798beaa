// SPDX-License-Identifier: Apache-2.0
// The objects of all files of a directory: who defines what, and what was last good.
//
// Of an object in two files, the first file by name wins. A file that breaks keeps its last good
// objects, and so does an object that breaks. Not thread-safe; does no I/O.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/directory/manifest.hpp"
#include "controller/objects/object_store.hpp"

namespace evergate::controller::directory {

class ManifestStore {
public:
    Change setFile(const std::string& name, Manifest manifest);
    void setBroken(const std::string& name, SyntaxProblem problem);
    Change removeFile(const std::string& name);

    bool hasFile(const std::string& name) const { return files_.contains(name); }

    std::vector<std::string> fileNames() const;

    const ObjectStore& objects() const noexcept { return store_; }

    std::size_t skipped() const;

    // What is wrong with files and objects in them.
    std::vector<ObjectProblem> problems() const;
    // Adds to problems of translation the file and line that define the object: " (shop.yaml:12)".
    void locate(std::vector<ObjectProblem>& problems) const;

private:
    struct File {
        std::map<ObjectKey, ManifestObject> objects;
        std::vector<ManifestProblem> problems;
        std::optional<SyntaxProblem> broken;
        std::size_t skipped = 0;
    };

    static File indexed(Manifest manifest, const File* before);
    Change exchange(const std::string& name, std::optional<File> file);
    Change settle(const ObjectKey& key);
    void reportDuplicates(std::vector<ObjectProblem>& problems) const;

    std::map<std::string, File> files_;
    std::map<ObjectKey, std::set<std::string>> definedIn_;
    ObjectStore store_;
};

}  // namespace evergate::controller::directory
