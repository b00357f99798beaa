// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/manifest.hpp"

#include <gmock/gmock.h>

#include "tests/unit/controller/objects/samples.hpp"

namespace evergate::controller::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Manifest read(ManifestFormat format, std::string_view text) {
    auto parsed = readManifest(format, text);
    if (const auto* problem = std::get_if<SyntaxProblem>(&parsed)) {
        ADD_FAILURE() << problem->line << ": " << problem->what;
        return {};
    }
    return std::get<Manifest>(std::move(parsed));
}

std::vector<std::string> names(const Manifest& manifest) {
    std::vector<std::string> all;
    for (const ManifestObject& object : manifest.objects) {
        all.push_back(toText(*keyOf(object.object)) + '@' + std::to_string(object.line));
    }
    return all;
}

TEST(Manifest, KnowsManifestsByTheirNames) {
    EXPECT_EQ(formatOf("a.yaml"), ManifestFormat::yaml);
    EXPECT_EQ(formatOf("a.yml"), ManifestFormat::yaml);
    EXPECT_EQ(formatOf("a.json"), ManifestFormat::json);
    for (const char* name : {"", ".a.yaml", "..data", "a.yaml~", "a.yaml.tmp", "a.yaml.swp",
                             "a.txt", "yaml", "a.yaml.example"}) {
        EXPECT_FALSE(formatOf(name)) << name;
    }
}

TEST(Manifest, ReadsSeveralDocuments) {
    const Manifest manifest =
        read(ManifestFormat::yaml,
             "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n---\n"
             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n---\n"
             "apiVersion: v1\nkind: Service\nmetadata: {name: c, namespace: d}\n");
    EXPECT_THAT(names(manifest), ElementsAre("Service default/a@1", "Service d/c@10"));
    EXPECT_EQ(manifest.skipped, 1u);
    EXPECT_THAT(manifest.problems, IsEmpty());
}

TEST(Manifest, ReadsWhatKubectlPrints) {
    for (const char* file :
         {"list-services.json", "list-ingresses.json", "list-endpointslices.json"}) {
        const std::string text = samples::readFile(samples::dataFolder() / "kubernetes" / file);
        EXPECT_GT(read(ManifestFormat::json, text).objects.size(), 1u) << file;
        EXPECT_EQ(names(read(ManifestFormat::json, text)).size(),
                  names(read(ManifestFormat::yaml, text)).size());
    }
    const Manifest list = read(ManifestFormat::yaml,
                               "apiVersion: v1\nkind: List\nitems:\n"
                               "- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n"
                               "- apiVersion: v1\n  kind: Service\n  metadata: {name: b}\n"
                               "- apiVersion: v1\n  kind: List\n  items: null\n");
    EXPECT_THAT(names(list), ElementsAre("Service default/a@4", "Service default/b@7"));
}

TEST(Manifest, CostsOnlyTheObjectThatIsWrong) {
    const Manifest manifest = read(ManifestFormat::yaml,
                                   "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
                                   "spec: {ports: [{port: \"80\"}]}\n---\nhello\n---\n"
                                   "apiVersion: v1\nkind: Service\nmetadata: {name: b}\n");
    EXPECT_THAT(names(manifest), ElementsAre("Service default/b@8"));
    ASSERT_EQ(manifest.problems.size(), 2u);
    EXPECT_EQ(manifest.problems[0].problem.problem.where, "spec.ports[0].port");
    EXPECT_EQ(manifest.problems[0].line, 1);
    EXPECT_EQ(manifest.problems[1].line, 6);
}

TEST(Manifest, RefusesABrokenFileWithItsLine) {
    const auto line = [](ManifestFormat format, std::string_view text) {
        const auto parsed = readManifest(format, text);
        const auto* problem = std::get_if<SyntaxProblem>(&parsed);
        return problem == nullptr ? -1 : problem->line;
    };
    EXPECT_EQ(line(ManifestFormat::json, "{\n\"a\": 1,\n}"), 3);
    EXPECT_EQ(line(ManifestFormat::json, ""), 1);
    EXPECT_EQ(line(ManifestFormat::yaml, "a: b: c\n"), 1);
    EXPECT_EQ(line(ManifestFormat::yaml, std::string(kMaxFileBytes + 1, ' ')), 1);
}

TEST(Manifest, BoundsNestedLists) {
    std::string text = "null";
    for (int i = 0; i < 20'000; ++i) {
        text = R"({"apiVersion":"v1","kind":"List","items":[)" + text + "]}";
        if (i == 10) {
            EXPECT_EQ(read(ManifestFormat::json, text).problems.size(), 1u);
            break;
        }
    }
}

}  // namespace
}  // namespace evergate::controller::directory
