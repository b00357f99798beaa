// SPDX-License-Identifier: Apache-2.0
// The state of the fake API server: objects, one growing resourceVersion, a window of past events.
//
// Sans-I/O; one thread. Semantics are those of a real server, as recorded in tests/data/kubernetes:
// updates that change nothing get no version, pages of a list show the moment of the first page, a
// watch from before the window is "too old". Each object is serialised once per change.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace evergate::test {

struct FakeResource {
    std::string_view apiVersion;  // "discovery.k8s.io/v1"
    std::string_view kind;        // "EndpointSlice"
    std::string_view plural;      // "endpointslices"
    bool namespaced = true;
    bool generation = true;  // has metadata.generation
};

// Null when there is no such resource.
const FakeResource* findFakeResource(std::string_view apiVersion, std::string_view plural);
const FakeResource* findFakeKind(std::string_view kind);

struct FakeAnswer {
    unsigned status = 200;
    std::string body;
    std::optional<unsigned> retryAfter;
};

// A Status object of kind Failure.
FakeAnswer fakeRefusal(unsigned code, std::string_view reason, const std::string& message);

struct FakeEvent {
    std::uint64_t version = 0;
    std::string nameSpace;
    std::string type;  // of a Secret
    std::string line;  // the whole event with its newline
};

struct FakeObjectRef {
    const FakeResource* resource = nullptr;
    std::string nameSpace;
    std::string name;
    bool status = false;  // the status subresource
    std::string type{};   // of a collection: only objects of this type; empty: all
};

class FakeKubeStore {
public:
    FakeAnswer create(const FakeObjectRef& collection, nlohmann::json object);
    FakeAnswer read(const FakeObjectRef& ref) const;
    FakeAnswer replace(const FakeObjectRef& ref, nlohmann::json object);
    FakeAnswer mergePatch(const FakeObjectRef& ref, const nlohmann::json& patch);
    FakeAnswer erase(const FakeObjectRef& ref);
    // Creates or replaces, whatever version `object` names.
    FakeAnswer upsert(nlohmann::json object);
    FakeAnswer list(const FakeObjectRef& collection, std::size_t limit, const std::string& token);

    std::uint64_t version() const noexcept { return version_; }

    std::size_t count(const FakeResource& resource) const;

    // Whether the events after `version` are all still known.
    bool remembers(std::uint64_t version) const noexcept { return version >= forgotten_; }

    // Events of a collection after `version`.
    std::vector<std::shared_ptr<const FakeEvent>> eventsAfter(const FakeObjectRef& collection,
                                                              std::uint64_t version) const;
    // What a watch without a version begins with.
    std::vector<std::string> addedLines(const FakeObjectRef& collection) const;
    std::string bookmarkLine(const FakeResource& resource) const;

    // Forgets every event and every list in progress.
    void compact();

    void setWindow(std::size_t events) { window_ = events; }

private:
    struct Stored {
        nlohmann::json tree;
        std::shared_ptr<const std::string> text;  // as a list item: without kind and apiVersion
    };

    using Key = std::pair<std::string, std::string>;  // namespace, name
    using Objects = std::map<Key, Stored>;

    struct Snapshot {
        std::uint64_t version = 0;
        std::vector<std::shared_ptr<const std::string>> items;
    };

    Stored* find(const FakeObjectRef& ref);
    FakeAnswer update(const FakeObjectRef& ref, Stored& stored, nlohmann::json next);
    void put(const FakeResource& resource, const Key& key, nlohmann::json tree,
             std::string_view type);
    void remember(const FakeResource& resource, const std::string& nameSpace,
                  const nlohmann::json& tree, std::string line);
    std::vector<std::shared_ptr<const std::string>> select(const FakeObjectRef& collection) const;

    std::uint64_t version_ = 100;
    std::uint64_t forgotten_ = 100;  // events up to this version are gone
    std::uint64_t created_ = 0;
    std::size_t window_ = 100'000;
    std::map<std::string_view, Objects> objects_;  // by plural
    std::map<std::string_view, std::deque<std::shared_ptr<const FakeEvent>>> events_;
    std::map<std::string, Snapshot> snapshots_;  // lists in progress, by collection and version
};

}  // namespace evergate::test
