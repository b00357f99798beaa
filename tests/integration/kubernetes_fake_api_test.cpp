// SPDX-License-Identifier: Apache-2.0
// The fake API server against answers recorded from a real one, and its semantics one by one.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/integration/kubernetes_scenario.hpp"
#include "tests/support/fake_kube_api.hpp"

namespace evergate::test {
namespace {

// tests/data/kubernetes, looked for upwards from the program and from this file.
std::string recorded(const std::string& name) {
    namespace fs = std::filesystem;
    for (const fs::path& start :
         {fs::path(__FILE__), fs::read_symlink("/proc/self/exe"), fs::current_path()}) {
        for (auto folder = fs::absolute(start); folder != folder.parent_path();
             folder = folder.parent_path()) {
            std::ifstream file(folder / "tests/data/kubernetes" / name);
            if (file) {
                std::stringstream text;
                text << file.rdbuf();
                return text.str();
            }
        }
    }
    ADD_FAILURE() << "tests/data/kubernetes/" << name << " not found";
    return "{}";
}

std::set<std::string> keysOf(const json& object) {
    std::set<std::string> keys;
    for (const auto& [key, value] : object.items()) {
        keys.insert(key);
    }
    return keys;
}

// `fake` has every field that `real` has, but for those a server only adds to real objects.
void expectSameShape(const json& real, const json& fake, const std::string& where) {
    ASSERT_EQ(real.type_name(), std::string(fake.type_name())) << where;
    if (!real.is_object()) {
        return;
    }
    for (const auto& [key, value] : real.items()) {
        if (key == "managedFields" || key == "annotations" || key == "labels") {
            continue;
        }
        ASSERT_TRUE(fake.contains(key)) << where << "." << key;
        expectSameShape(value, fake[key], where + "." + key);
    }
    EXPECT_LE(fake.size(), real.size() + 1) << where << fake.dump();
}

class FakeKubeApiTest : public ::testing::Test {
protected:
    json call(const std::string& method, const std::string& target, const json& body = nullptr) {
        const auto answer = api.request(method, target, body.is_null() ? "" : body.dump());
        status = answer.status;
        return json::parse(answer.body);
    }

    // Puts the objects of a recorded list into the fake, without what a server sets.
    void load(const json& list, std::size_t limit = SIZE_MAX) {
        const auto kind = list["kind"].get<std::string>();
        for (auto object : list["items"]) {
            if (limit-- == 0) {
                break;
            }
            object["kind"] = kind.substr(0, kind.size() - 4);
            object["apiVersion"] = list["apiVersion"];
            for (const auto* set : {"uid", "resourceVersion", "generation", "creationTimestamp"}) {
                object["metadata"].erase(set);
            }
            api.upsert(object);
        }
    }

    boost::asio::io_context io;
    FakeKubeApi api{io};
    unsigned status = 0;
};

TEST_F(FakeKubeApiTest, AnswersListsInTheShapeOfARealServer) {
    const std::pair<const char*, const char*> lists[] = {
        {"list-ingresses.json", "/apis/networking.k8s.io/v1/ingresses"},
        {"list-ingressclasses.json", "/apis/networking.k8s.io/v1/ingressclasses"},
        {"list-services.json", "/api/v1/services"},
        {"list-endpointslices.json", "/apis/discovery.k8s.io/v1/endpointslices"},
    };
    for (const auto& [file, path] : lists) {
        const auto real = json::parse(recorded(file));
        load(real);
        const auto fake = call("GET", path);
        EXPECT_EQ(keysOf(real), keysOf(fake));
        EXPECT_EQ(real["kind"], fake["kind"]);
        EXPECT_EQ(keysOf(real["metadata"]), keysOf(fake["metadata"]));
        ASSERT_EQ(real["items"].size(), fake["items"].size());
        for (std::size_t i = 0; i < real["items"].size(); ++i) {
            expectSameShape(real["items"][i], fake["items"][i], path);
        }
    }
}

TEST_F(FakeKubeApiTest, AnswersPagesInTheShapeOfARealServer) {
    const auto real = json::parse(recorded("list-page-1-of-n.json"));
    load(json::parse(recorded("list-endpointslices.json")));
    const std::string path = "/apis/discovery.k8s.io/v1/endpointslices?limit=1";
    const auto fake = call("GET", path);
    EXPECT_EQ(keysOf(real["metadata"]), keysOf(fake["metadata"]));
    const auto token = fake["metadata"]["continue"].get<std::string>();
    // Later pages show the moment of the first.
    api.upsert(slice("zzz", "cart", "10.0.0.1"));
    auto next = call("GET", path + "&continue=" + token);
    EXPECT_EQ(next["metadata"]["resourceVersion"], fake["metadata"]["resourceVersion"]);
    std::size_t items = 2;
    while (next["metadata"].contains("continue")) {
        next = call("GET", path + "&continue=" + next["metadata"]["continue"].get<std::string>());
        ++items;
    }
    EXPECT_EQ(items, json::parse(recorded("list-endpointslices.json"))["items"].size());
    api.compact();
    const auto expired = call("GET", path + "&continue=" + token);
    EXPECT_EQ(status, 410U);
    EXPECT_EQ(keysOf(expired), keysOf(json::parse(recorded("error-410-list-continue.json"))));
    EXPECT_EQ(expired["reason"], "Expired");
}

TEST_F(FakeKubeApiTest, WritesEventsInTheShapeOfARealServer) {
    std::istringstream lines(recorded("watch-endpointslices.ndjson"));
    std::vector<json> real;
    for (std::string line; std::getline(lines, line);) {
        real.push_back(json::parse(line));
    }
    ASSERT_EQ(real.size(), 3U);
    auto object = real[0]["object"];
    object["metadata"].erase("resourceVersion");
    const auto before = api.store().version();
    api.upsert(object);
    const auto& slices = *findFakeKind("EndpointSlice");
    const auto events = api.store().eventsAfter({&slices, "", "", false}, before);
    ASSERT_EQ(events.size(), 1U);
    const auto event = json::parse(events[0]->line);
    EXPECT_EQ(event["type"], "ADDED");
    expectSameShape(real[0]["object"], event["object"], "event");
    const auto bookmark = json::parse(api.store().bookmarkLine(slices));
    EXPECT_EQ(keysOf(real[2]), keysOf(bookmark));
    EXPECT_EQ(keysOf(real[2]["object"]), keysOf(bookmark["object"]));
}

TEST_F(FakeKubeApiTest, GivesVersionsAsARealServer) {
    const auto object = ingress("cart", "cart.test", "cart");
    auto created = call("POST", kIngresses, object);
    EXPECT_EQ(status, 201U);
    EXPECT_EQ(created["metadata"]["generation"], 1);
    call("POST", kIngresses, object);
    EXPECT_EQ(status, 409U);
    // An update that changes nothing is no event.
    const auto version = api.store().version();
    const auto path = kIngresses + "/cart";
    call("PUT", path, created);
    EXPECT_EQ(status, 200U);
    EXPECT_EQ(api.store().version(), version);
    // A status changes the version, not the generation, and only by its own path.
    auto withStatus = created;
    withStatus["status"]["loadBalancer"] = json::object();
    EXPECT_FALSE(call("PUT", path, withStatus).contains("status"));
    const auto updated = call("PUT", path + "/status", withStatus);
    EXPECT_TRUE(updated.contains("status"));
    EXPECT_EQ(updated["metadata"]["generation"], 1);
    EXPECT_EQ(api.store().version(), version + 1);
    // An old version is refused.
    created["spec"]["ingressClassName"] = "other";
    call("PUT", path, created);
    EXPECT_EQ(status, 409U);
    json patch;
    patch["spec"]["ingressClassName"] = "other";
    EXPECT_EQ(call("PATCH", path, patch)["metadata"]["generation"], 2);
    EXPECT_EQ(call("DELETE", path)["status"], "Success");
    EXPECT_EQ(api.store().version(), version + 3);
    EXPECT_EQ(call("GET", path)["reason"], "NotFound");
}

TEST_F(FakeKubeApiTest, RefusesInTheShapeOfARealServer) {
    EXPECT_EQ(keysOf(json::parse(fakeRefusal(401, "Unauthorized", "Unauthorized").body)),
              keysOf(json::parse(recorded("error-401-bad-token.json"))));
    call("GET", "/apis/unknown/v1/things");
    EXPECT_EQ(status, 404U);
    call("PATCH", kServices + "/none", json::object());
    EXPECT_EQ(status, 404U);
    EXPECT_EQ(api.request("POST", kServices, "not JSON").status, 400U);
    EXPECT_EQ(api.request("POST", kServices, "[]").status, 400U);
}

}  // namespace
}  // namespace evergate::test
