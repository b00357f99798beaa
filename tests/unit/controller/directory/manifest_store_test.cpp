// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/manifest_store.hpp"

#include <gmock/gmock.h>

namespace evergate::controller::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Manifest manifest(std::string_view yaml) {
    return std::get<Manifest>(readManifest(ManifestFormat::yaml, yaml));
}

std::string service(const std::string& name, const std::string& port) {
    return "apiVersion: v1\nkind: Service\nmetadata: {name: " + name +
           "}\nspec: {ports: [{port: " + port + "}]}\n---\n";
}

int portOf(const ManifestStore& store, const std::string& name) {
    const Service* found = store.objects().service({"default", name});
    return found == nullptr ? -1 : found->ports.at(0).port;
}

std::vector<std::string> problemsOf(const ManifestStore& store) {
    std::vector<std::string> lines;
    for (const ObjectProblem& problem : store.problems()) {
        lines.push_back(problem.object + '|' + problem.where + '|' + problem.what);
    }
    return lines;
}

TEST(ManifestStore, AddsReplacesAndRemovesFiles) {
    ManifestStore store;
    EXPECT_TRUE(store.setFile("a.yaml", manifest(service("x", "1") + service("y", "2"))).config);
    EXPECT_TRUE(store.setFile("a.yaml", manifest(service("x", "1") + service("y", "2"))).none());
    EXPECT_TRUE(store.setFile("a.yaml", manifest(service("x", "3"))).config);
    EXPECT_EQ(portOf(store, "x"), 3);
    EXPECT_EQ(portOf(store, "y"), -1);
    EXPECT_TRUE(store.removeFile("a.yaml").config);
    EXPECT_EQ(store.objects().size(), 0u);
    EXPECT_TRUE(store.removeFile("a.yaml").none());
}

TEST(ManifestStore, LetsTheFirstFileByNameWin) {
    ManifestStore store;
    store.setFile("b.yaml", manifest(service("x", "2")));
    EXPECT_EQ(portOf(store, "x"), 2);
    store.setFile("a.yaml", manifest(service("x", "1")));
    EXPECT_EQ(portOf(store, "x"), 1);
    EXPECT_THAT(problemsOf(store),
                ElementsAre("Service default/x||is already defined in a.yaml; ignored (b.yaml:1)"));
    store.removeFile("a.yaml");
    EXPECT_EQ(portOf(store, "x"), 2);
    EXPECT_THAT(problemsOf(store), IsEmpty());
}

TEST(ManifestStore, LetsTheFirstOfOneFileWin) {
    ManifestStore store;
    store.setFile("a.yaml", manifest(service("x", "1") + service("x", "2")));
    EXPECT_EQ(portOf(store, "x"), 1);
    EXPECT_THAT(problemsOf(store),
                ElementsAre("Service default/x||is already defined on line 1 of this "
                            "file; ignored (a.yaml:6)"));
}

TEST(ManifestStore, KeepsTheLastGoodObjectsOfABrokenFile) {
    ManifestStore store;
    store.setFile("a.yaml", manifest(service("x", "1")));
    store.setBroken("a.yaml", {7, "is not right"});
    EXPECT_EQ(portOf(store, "x"), 1);
    EXPECT_THAT(problemsOf(store),
                ElementsAre("File a.yaml|line 7|is not right; its last good objects stay"));
    store.setFile("a.yaml", manifest(service("x", "1")));
    EXPECT_THAT(problemsOf(store), IsEmpty());
}

TEST(ManifestStore, KeepsTheLastGoodStateOfABrokenObject) {
    ManifestStore store;
    store.setFile("a.yaml", manifest(service("x", "1") + service("y", "1")));
    EXPECT_TRUE(store.setFile("a.yaml", manifest(service("x", "'1'") + service("y", "2"))).config);
    EXPECT_EQ(portOf(store, "x"), 1);
    EXPECT_EQ(portOf(store, "y"), 2);
    EXPECT_THAT(problemsOf(store),
                ElementsAre("Service default/x|spec.ports[0].port|must be an integer, "
                            "not string (a.yaml:1)"));
}

TEST(ManifestStore, LocatesProblemsOfTranslation) {
    ManifestStore store;
    store.setFile("a.yaml", manifest(service("y", "1") + service("x", "1")));
    std::vector<ObjectProblem> problems{{"Service default/x", "spec", "is odd"},
                                        {"Service default/z", "spec", "is odd"}};
    store.locate(problems);
    EXPECT_EQ(problems[0].what, "is odd (a.yaml:6)");
    EXPECT_EQ(problems[1].what, "is odd");
}

}  // namespace
}  // namespace evergate::controller::directory
