// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/manifest_store.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "controller/objects/printable.hpp"

namespace evergate::controller::directory {
namespace {

std::string placeText(const std::string& file, int line) {
    return printable(file, 255) + (line > 0 ? ':' + std::to_string(line) : std::string());
}

std::string withPlace(const std::string& what, const std::string& file, int line) {
    return what + " (" + placeText(file, line) + ')';
}

}  // namespace

ManifestStore::File ManifestStore::indexed(Manifest manifest, const File* before) {
    File file;
    file.problems = std::move(manifest.problems);
    file.skipped = manifest.skipped;
    for (ManifestObject& object : manifest.objects) {
        const ObjectKey key = *keyOf(object.object);
        const auto it = file.objects.find(key);
        if (it == file.objects.end()) {
            file.objects.emplace(key, std::move(object));
            continue;
        }
        file.problems.push_back({{key,
                                  {toText(key), "",
                                   "is already defined on line " + std::to_string(it->second.line) +
                                       " of this file; ignored"}},
                                 object.line});
    }
    for (const ManifestProblem& problem : file.problems) {
        if (before == nullptr || !problem.problem.key) {
            continue;
        }
        const auto last = before->objects.find(*problem.problem.key);
        if (last != before->objects.end()) {
            file.objects.insert(*last);
        }
    }
    return file;
}

Change ManifestStore::setFile(const std::string& name, Manifest manifest) {
    const auto before = files_.find(name);
    return exchange(
        name, indexed(std::move(manifest), before == files_.end() ? nullptr : &before->second));
}

void ManifestStore::setBroken(const std::string& name, SyntaxProblem problem) {
    files_[name].broken = std::move(problem);
}

Change ManifestStore::removeFile(const std::string& name) {
    return exchange(name, std::nullopt);
}

Change ManifestStore::exchange(const std::string& name, std::optional<File> file) {
    std::set<ObjectKey> touched;
    if (const auto it = files_.find(name); it != files_.end()) {
        for (const auto& [key, object] : it->second.objects) {
            touched.insert(key);
            definedIn_[key].erase(name);
        }
        files_.erase(it);
    }
    if (file) {
        for (const auto& [key, object] : file->objects) {
            touched.insert(key);
            definedIn_[key].insert(name);
        }
        files_.emplace(name, std::move(*file));
    }
    Change change;
    for (const ObjectKey& key : touched) {
        change.merge(settle(key));
    }
    return change;
}

Change ManifestStore::settle(const ObjectKey& key) {
    const auto it = definedIn_.find(key);
    if (it->second.empty()) {
        definedIn_.erase(it);
        return store_.erase(key);
    }
    return store_.upsert(files_.at(*it->second.begin()).objects.at(key).object);
}

std::vector<std::string> ManifestStore::fileNames() const {
    std::vector<std::string> names;
    for (const auto& [name, file] : files_) {
        names.push_back(name);
    }
    return names;
}

std::size_t ManifestStore::skipped() const {
    std::size_t count = 0;
    for (const auto& [name, file] : files_) {
        count += file.skipped;
    }
    return count;
}

std::vector<ObjectProblem> ManifestStore::problems() const {
    std::vector<ObjectProblem> problems;
    for (const auto& [name, file] : files_) {
        if (file.broken) {
            const int line = file.broken->line;
            problems.push_back({"File " + printable(name, 255),
                                line > 0 ? "line " + std::to_string(line) : std::string(),
                                file.broken->what + "; its last good objects stay"});
        }
        for (const ManifestProblem& each : file.problems) {
            const ObjectProblem& problem = each.problem.problem;
            problems.push_back(
                {problem.object, problem.where, withPlace(problem.what, name, each.line)});
        }
    }
    reportDuplicates(problems);
    return problems;
}

void ManifestStore::reportDuplicates(std::vector<ObjectProblem>& problems) const {
    for (const auto& [key, names] : definedIn_) {
        const std::string& winner = *names.begin();
        for (auto it = std::next(names.begin()); it != names.end(); ++it) {
            problems.push_back(
                {toText(key), "",
                 withPlace("is already defined in " + printable(winner, 255) + "; ignored", *it,
                           files_.at(*it).objects.at(key).line)});
        }
    }
}

void ManifestStore::locate(std::vector<ObjectProblem>& problems) const {
    if (problems.empty()) {
        return;
    }
    std::unordered_map<std::string, std::string> places;
    for (const auto& [key, names] : definedIn_) {
        const std::string& name = *names.begin();
        places.emplace(toText(key), placeText(name, files_.at(name).objects.at(key).line));
    }
    for (ObjectProblem& problem : problems) {
        if (const auto it = places.find(problem.object); it != places.end()) {
            problem.what += " (" + it->second + ')';
        }
    }
}

}  // namespace evergate::controller::directory
