// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_kube_api_store.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

namespace evergate::test {
namespace {

using nlohmann::json;

constexpr std::array kResources = {
    FakeResource{"networking.k8s.io/v1", "Ingress", "ingresses", true},
    FakeResource{"networking.k8s.io/v1", "IngressClass", "ingressclasses", false},
    FakeResource{"v1", "Service", "services", true, false},
    FakeResource{"discovery.k8s.io/v1", "EndpointSlice", "endpointslices", true},
    FakeResource{"v1", "Namespace", "namespaces", false, false},
    FakeResource{"v1", "Event", "events", true, false},
    FakeResource{"v1", "Secret", "secrets", true, false},
    FakeResource{"coordination.k8s.io/v1", "Lease", "leases", true, false},
};

constexpr std::size_t kMaxSnapshots = 64;

std::string itemText(const json& tree) {
    auto item = tree;
    item.erase("kind");
    item.erase("apiVersion");
    return item.dump();
}

std::string typed(const FakeResource& resource, const std::string& item) {
    return R"({"kind":")" + std::string(resource.kind) + R"(","apiVersion":")" +
           std::string(resource.apiVersion) + "\"," + item.substr(1);
}

std::string eventLine(std::string_view type, const std::string& object) {
    return R"({"type":")" + std::string(type) + R"(","object":)" + object + "}\n";
}

FakeAnswer answerWith(unsigned status, const FakeResource& resource, const std::string& item) {
    return {status, typed(resource, item) + "\n", {}};
}

std::string qualified(const FakeResource& resource) {
    const auto slash = resource.apiVersion.find('/');
    return std::string(resource.plural) +
           (slash == std::string_view::npos
                ? ""
                : "." + std::string(resource.apiVersion.substr(0, slash)));
}

// An Event lives where the object does that it is about; "default" when that has no namespace.
std::string namespaceOfSubject(const json& event) {
    const auto subject = event.find("involvedObject");
    return subject == event.end() ? std::string{} : subject->value("namespace", "default");
}

FakeAnswer notFound(const FakeObjectRef& ref) {
    return fakeRefusal(404, "NotFound",
                       qualified(*ref.resource) + " \"" + ref.name + "\" not found");
}

// "<version>.<offset>": opaque to clients, as a real one.
std::string continueToken(std::uint64_t version, std::size_t offset) {
    return std::to_string(version) + "." + std::to_string(offset);
}

std::optional<std::pair<std::uint64_t, std::size_t>> parseToken(const std::string& token) {
    std::uint64_t version = 0;
    std::size_t offset = 0;
    const auto* const end = token.data() + token.size();
    const auto first = std::from_chars(token.data(), end, version);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '.') {
        return std::nullopt;
    }
    const auto second = std::from_chars(first.ptr + 1, end, offset);
    return second.ec == std::errc{} && second.ptr == end ? std::optional(std::pair{version, offset})
                                                         : std::nullopt;
}

std::string snapshotKey(const FakeObjectRef& collection, std::uint64_t version) {
    return std::to_string(version) + "/" + std::string(collection.resource->plural) + "/" +
           collection.nameSpace + "/" + collection.type;
}

// The only field that a selector may name.
std::string typeOf(const json& tree) {
    const auto type = tree.find("type");
    return type != tree.end() && type->is_string() ? type->get<std::string>() : std::string{};
}

}  // namespace

const FakeResource* findFakeResource(std::string_view apiVersion, std::string_view plural) {
    const auto* const found =
        std::find_if(kResources.begin(), kResources.end(), [&](const FakeResource& resource) {
            return resource.apiVersion == apiVersion && resource.plural == plural;
        });
    return found == kResources.end() ? nullptr : found;
}

const FakeResource* findFakeKind(std::string_view kind) {
    const auto* const found =
        std::find_if(kResources.begin(), kResources.end(),
                     [&](const FakeResource& resource) { return resource.kind == kind; });
    return found == kResources.end() ? nullptr : found;
}

FakeAnswer fakeRefusal(unsigned code, std::string_view reason, const std::string& message) {
    const json body = {{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", json::object()},
                       {"status", "Failure"}, {"message", message}, {"reason", std::string(reason)},
                       {"code", code}};
    return {code, body.dump() + "\n", {}};
}

FakeKubeStore::Stored* FakeKubeStore::find(const FakeObjectRef& ref) {
    auto& objects = objects_[ref.resource->plural];
    const auto it = objects.find({ref.nameSpace, ref.name});
    return it == objects.end() ? nullptr : &it->second;
}

FakeAnswer FakeKubeStore::create(const FakeObjectRef& collection, json object) {
    if (!object.is_object() || !object["metadata"].is_object()) {
        return fakeRefusal(400, "BadRequest", "the body is no object with metadata");
    }
    auto& metadata = object["metadata"];
    ++created_;
    auto name = metadata.value("name", std::string{});
    if (name.empty() && metadata.contains("generateName")) {
        name = metadata.value("generateName", std::string{}) + std::to_string(created_);
    }
    if (name.empty()) {
        return fakeRefusal(422, "Invalid", "metadata.name: Required value");
    }
    const FakeObjectRef ref{collection.resource, collection.nameSpace, name, false};
    if (find(ref) != nullptr) {
        return fakeRefusal(409, "AlreadyExists",
                           qualified(*ref.resource) + " \"" + name + "\" already exists");
    }
    if (ref.resource->kind == "Event" && namespaceOfSubject(object) != ref.nameSpace) {
        return fakeRefusal(
            422, "Invalid",
            "involvedObject.namespace: Invalid value: does not match event.namespace");
    }
    std::array<char, 40> uid{};
    std::snprintf(uid.data(), uid.size(), "00000000-0000-4000-8000-%012llx",
                  static_cast<unsigned long long>(created_));
    metadata["name"] = name;
    if (ref.resource->namespaced) {
        metadata["namespace"] = ref.nameSpace;
    }
    metadata["uid"] = uid.data();
    if (ref.resource->generation) {
        metadata["generation"] = 1;
    }
    metadata["creationTimestamp"] = "2026-01-01T00:00:00Z";
    put(*ref.resource, {ref.nameSpace, name}, std::move(object), "ADDED");
    return answerWith(201, *ref.resource, *find(ref)->text);
}

FakeAnswer FakeKubeStore::read(const FakeObjectRef& ref) const {
    const auto kind = objects_.find(ref.resource->plural);
    if (kind == objects_.end() || kind->second.count({ref.nameSpace, ref.name}) == 0) {
        return notFound(ref);
    }
    return answerWith(200, *ref.resource, *kind->second.at({ref.nameSpace, ref.name}).text);
}

FakeAnswer FakeKubeStore::replace(const FakeObjectRef& ref, json object) {
    auto* const stored = find(ref);
    if (stored == nullptr) {
        return notFound(ref);
    }
    if (!object.is_object() || !object["metadata"].is_object()) {
        return fakeRefusal(400, "BadRequest", "the body is no object with metadata");
    }
    return update(ref, *stored, std::move(object));
}

FakeAnswer FakeKubeStore::mergePatch(const FakeObjectRef& ref, const json& patch) {
    auto* const stored = find(ref);
    if (stored == nullptr) {
        return notFound(ref);
    }
    auto next = stored->tree;
    next["metadata"].erase("resourceVersion");  // only a version the patch names is compared
    next.merge_patch(patch);
    if (!next.is_object() || !next["metadata"].is_object()) {
        return fakeRefusal(422, "Invalid", "metadata: Required value");
    }
    return update(ref, *stored, std::move(next));
}

// `next` as far as this path may change it; the status has a path of its own.
FakeAnswer FakeKubeStore::update(const FakeObjectRef& ref, Stored& stored, json next) {
    const auto& current = stored.tree;
    const auto named = next["metadata"].value("resourceVersion", std::string{});
    if (!named.empty() && named != current["metadata"]["resourceVersion"]) {
        return fakeRefusal(409, "Conflict",
                           "Operation cannot be fulfilled on " + qualified(*ref.resource) + " \"" +
                               ref.name + "\": the object has been modified");
    }
    const auto uid = next["metadata"].value("uid", std::string{});
    if (!uid.empty() && uid != current["metadata"]["uid"]) {
        return fakeRefusal(409, "Conflict",
                           "Operation cannot be fulfilled on " + qualified(*ref.resource) + " \"" +
                               ref.name + "\": Precondition failed: UID in precondition: " + uid);
    }
    json merged = ref.status ? current : std::move(next);
    const auto& status = ref.status ? next : current;
    merged.erase("status");
    if (status.contains("status")) {
        merged["status"] = status["status"];
    }
    auto& metadata = merged["metadata"];
    for (const auto* kept :
         {"name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion"}) {
        if (current["metadata"].contains(kept)) {
            metadata[kept] = current["metadata"][kept];
        }
    }
    if (itemText(merged) == *stored.text) {
        return answerWith(200, *ref.resource, *stored.text);
    }
    auto before = current;
    auto after = merged;
    for (auto* tree : {&before, &after}) {
        tree->erase("metadata");
        tree->erase("status");
    }
    if (before != after && ref.resource->generation) {
        metadata["generation"] = current["metadata"].value("generation", 1) + 1;
    }
    put(*ref.resource, {ref.nameSpace, ref.name}, std::move(merged), "MODIFIED");
    return answerWith(200, *ref.resource, *find(ref)->text);
}

FakeAnswer FakeKubeStore::erase(const FakeObjectRef& ref) {
    auto* const stored = find(ref);
    if (stored == nullptr) {
        return notFound(ref);
    }
    auto last = stored->tree;
    last["metadata"]["resourceVersion"] = std::to_string(++version_);
    remember(*ref.resource, ref.nameSpace, last,
             eventLine("DELETED", typed(*ref.resource, itemText(last))));
    objects_[ref.resource->plural].erase({ref.nameSpace, ref.name});
    const json body = {
        {"kind", "Status"},
        {"apiVersion", "v1"},
        {"metadata", json::object()},
        {"status", "Success"},
        {"details", {{"name", ref.name}, {"kind", std::string(ref.resource->plural)}}}};
    return {200, body.dump() + "\n", {}};
}

FakeAnswer FakeKubeStore::upsert(json object) {
    const auto* resource =
        object.is_object() ? findFakeKind(object.value("kind", std::string{})) : nullptr;
    if (resource == nullptr || !object["metadata"].is_object()) {
        return fakeRefusal(400, "BadRequest", "an object without a known kind or metadata");
    }
    auto& metadata = object["metadata"];
    metadata.erase("resourceVersion");
    const FakeObjectRef ref{
        resource, resource->namespaced ? metadata.value("namespace", "default") : std::string{},
        metadata.value("name", std::string{}), false};
    auto* const stored = find(ref);
    return stored == nullptr ? create(ref, std::move(object))
                             : update(ref, *stored, std::move(object));
}

void FakeKubeStore::put(const FakeResource& resource, const Key& key, json tree,
                        std::string_view type) {
    tree.erase("kind");
    tree.erase("apiVersion");
    tree["metadata"]["resourceVersion"] = std::to_string(++version_);
    auto text = std::make_shared<const std::string>(itemText(tree));
    remember(resource, key.first, tree, eventLine(type, typed(resource, *text)));
    objects_[resource.plural][key] = Stored{std::move(tree), std::move(text)};
}

void FakeKubeStore::remember(const FakeResource& resource, const std::string& nameSpace,
                             const json& tree, std::string line) {
    auto& events = events_[resource.plural];
    events.push_back(std::make_shared<const FakeEvent>(
        FakeEvent{version_, nameSpace, typeOf(tree), std::move(line)}));
    while (events.size() > window_) {
        forgotten_ = std::max(forgotten_, events.front()->version);
        events.pop_front();
    }
}

std::size_t FakeKubeStore::count(const FakeResource& resource) const {
    const auto kind = objects_.find(resource.plural);
    return kind == objects_.end() ? 0 : kind->second.size();
}

std::vector<std::shared_ptr<const std::string>> FakeKubeStore::select(
    const FakeObjectRef& collection) const {
    std::vector<std::shared_ptr<const std::string>> items;
    const auto kind = objects_.find(collection.resource->plural);
    if (kind == objects_.end()) {
        return items;
    }
    for (const auto& [key, stored] : kind->second) {
        const bool typed = collection.type.empty() || typeOf(stored.tree) == collection.type;
        if (typed && (collection.nameSpace.empty() || key.first == collection.nameSpace)) {
            items.push_back(stored.text);
        }
    }
    return items;
}

FakeAnswer FakeKubeStore::list(const FakeObjectRef& collection, std::size_t limit,
                               const std::string& token) {
    Snapshot snapshot{version_, {}};
    std::size_t offset = 0;
    if (token.empty()) {
        snapshot.items = select(collection);
    } else {
        const auto parsed = parseToken(token);
        if (!parsed) {
            return fakeRefusal(400, "BadRequest", "continue key is not valid");
        }
        const auto known = snapshots_.find(snapshotKey(collection, parsed->first));
        if (known == snapshots_.end()) {
            return fakeRefusal(
                410, "Expired",
                "The provided continue parameter is too old to display a consistent "
                "list result. You can start a new list without the continue parameter.");
        }
        snapshot = known->second;
        offset = std::min(parsed->second, snapshot.items.size());
    }
    const auto end =
        limit == 0 ? snapshot.items.size() : std::min(snapshot.items.size(), offset + limit);
    std::string metadata = R"("resourceVersion":")" + std::to_string(snapshot.version) + '"';
    if (end < snapshot.items.size()) {
        metadata += R"(,"continue":")" + continueToken(snapshot.version, end) +
                    R"(","remainingItemCount":)" + std::to_string(snapshot.items.size() - end);
    }
    std::string body = R"({"kind":")" + std::string(collection.resource->kind) +
                       R"(List","apiVersion":")" + std::string(collection.resource->apiVersion) +
                       R"(","metadata":{)" + metadata + R"(},"items":[)";
    for (auto i = offset; i < end; ++i) {
        body += (i == offset ? "" : ",") + *snapshot.items[i];
    }
    if (end < snapshot.items.size()) {
        const auto key = snapshotKey(collection, snapshot.version);
        if (snapshots_.size() >= kMaxSnapshots && snapshots_.count(key) == 0) {
            snapshots_.erase(snapshots_.begin());
        }
        snapshots_[key] = std::move(snapshot);
    }
    return {200, body + "]}\n", {}};
}

std::vector<std::shared_ptr<const FakeEvent>> FakeKubeStore::eventsAfter(
    const FakeObjectRef& collection, std::uint64_t version) const {
    std::vector<std::shared_ptr<const FakeEvent>> found;
    const auto events = events_.find(collection.resource->plural);
    if (events == events_.end()) {
        return found;
    }
    auto it =
        std::upper_bound(events->second.begin(), events->second.end(), version,
                         [](std::uint64_t v, const auto& event) { return v < event->version; });
    for (; it != events->second.end(); ++it) {
        const bool typed = collection.type.empty() || (*it)->type == collection.type;
        if (typed && (collection.nameSpace.empty() || (*it)->nameSpace == collection.nameSpace)) {
            found.push_back(*it);
        }
    }
    return found;
}

std::vector<std::string> FakeKubeStore::addedLines(const FakeObjectRef& collection) const {
    std::vector<std::string> lines;
    for (const auto& item : select(collection)) {
        lines.push_back(eventLine("ADDED", typed(*collection.resource, *item)));
    }
    return lines;
}

std::string FakeKubeStore::bookmarkLine(const FakeResource& resource) const {
    // A real server sends the zero value of the type, so that typed fields may be null or empty.
    std::string rest = R"(,"spec":{})";
    if (resource.kind == "EndpointSlice") {
        rest = R"(,"addressType":"","endpoints":null,"ports":null)";
    }
    return eventLine("BOOKMARK",
                     typed(resource, R"({"metadata":{"resourceVersion":")" +
                                         std::to_string(version_) + "\"}" + rest + "}"));
}

void FakeKubeStore::compact() {
    events_.clear();
    snapshots_.clear();
    forgotten_ = version_;
}

}  // namespace evergate::test
