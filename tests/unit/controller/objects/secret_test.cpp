// SPDX-License-Identifier: Apache-2.0
// Secrets and `tls` of Ingresses: decoded, stored, compared.
#include <gmock/gmock.h>

#include "controller/objects/decode.hpp"
#include "controller/objects/object_store.hpp"
#include "tests/unit/controller/objects/samples.hpp"

namespace evergate::controller {
namespace {

using samples::object;
using ::testing::ElementsAre;

std::string secretJson(const std::string& rest, const std::string& type = "kubernetes.io/tls") {
    return R"({"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"shop","name":"tls"},)"
           R"("type":")" +
           type + "\"" + rest + "}";
}

Secret secret(const std::string& rest) {
    return std::get<Secret>(object(secretJson(rest)));
}

ObjectProblem problemOf(const std::string& json) {
    Decoded decoded = decodeObject(json);
    if (auto* problem = std::get_if<DecodeProblem>(&decoded)) {
        return problem->problem;
    }
    ADD_FAILURE() << "decoded: " << json;
    return {};
}

TEST(Secret, HoldsWhatItsBase64Says) {
    const Secret read = secret(R"(,"data":{"tls.crt":"Y2VydA==","tls.key":"a2V5","ca.crt":"!"})");
    EXPECT_EQ(read.pair->chain, "cert");
    EXPECT_EQ(read.pair->key, "key");
    EXPECT_EQ(read.authorities, "");  // what is wrong with ca.crt keeps nothing else from use
    EXPECT_EQ(toText(*keyOf(read)), "Secret shop/tls");
}

TEST(Secret, HoldsAuthoritiesWhenThereAreAny) {
    EXPECT_EQ(secret(R"(,"data":{"ca.crt":"Y2E="})").authorities, "ca");
    EXPECT_EQ(secret(R"(,"data":{"ca.crt":"Y2E="},"stringData":{"ca.crt":"plain"})").authorities,
              "plain");
    EXPECT_EQ(secret(R"(,"data":{"ca.crt":7})").authorities, "");
    EXPECT_EQ(secret(R"(,"stringData":{"ca.crt":")" + std::string(kMaxSecretText + 1, 'x') + "\"}")
                  .authorities,
              "");
}

// A list that cannot be read is another thing than none: who is on it must not be let in.
TEST(Secret, TellsNoListFromOneThatCannotBeRead) {
    EXPECT_EQ(secret("").revocations, std::nullopt);
    EXPECT_EQ(secret(R"(,"data":{"ca.crl":"Y2E="})").revocations, "ca");
    EXPECT_EQ(secret(R"(,"stringData":{"ca.crl":"plain"})").revocations, "plain");
    for (const char* wrong : {R"("!")", "7", R"("")"}) {
        EXPECT_EQ(secret(std::string(R"(,"data":{"ca.crl":)") + wrong + "}").revocations, "");
    }
    EXPECT_EQ(
        secret(R"(,"stringData":{"ca.crl":")" + std::string(kMaxRevocationText + 1, 'x') + "\"}")
            .revocations,
        "");
}

TEST(Secret, TakesStringDataBeforeData) {
    const Secret read = secret(R"(,"data":{"tls.crt":"!","tls.key":"a2V5"},)"
                               R"("stringData":{"tls.crt":"cert"})");
    EXPECT_EQ(read.pair->chain, "cert");
    EXPECT_EQ(read.pair->key, "key");
}

TEST(Secret, MayLackEverything) {
    EXPECT_EQ(secret("").pair->chain, "");
    EXPECT_EQ(secret(R"(,"data":null)").pair->key, "");
}

TEST(Secret, OfAnotherTypeIsNotRead) {
    for (const char* type : {"Opaque", "kubernetes.io/dockerconfigjson", ""}) {
        EXPECT_TRUE(std::holds_alternative<Unknown>(
            object(secretJson(R"(,"data":{"tls.crt":"!","tls.key":7})", type))))
            << type;
    }
}

TEST(Secret, SaysWhichFieldIsWrongAndNothingOfItsContent) {
    const std::string hidden = "Z2VoZWlt";
    for (const auto& [rest, where] : std::initializer_list<std::pair<std::string, std::string>>{
             {R"(,"data":{"tls.key":")" + hidden + "!\"}", R"(data["tls.key"])"},
             {R"(,"data":{"tls.crt":[")" + hidden + "\"]}", R"(data["tls.crt"])"},
             {R"(,"stringData":{"tls.key":7})", R"(stringData["tls.key"])"},
             {R"(,"data":")" + hidden + "\"", "data"},
             {R"(,"stringData":{"tls.crt":")" + std::string(kMaxSecretText + 1, 'x') + "\"}",
              R"(stringData["tls.crt"])"}}) {
        const ObjectProblem problem = problemOf(secretJson(rest));
        EXPECT_EQ(problem.object, "Secret shop/tls");
        EXPECT_EQ(problem.where, where);
        EXPECT_EQ(problem.what.find(hidden), std::string::npos) << problem.what;
    }
}

TEST(ObjectStore, KeepsThePairOfASecretThatSaysTheSame) {
    ObjectStore store;
    const std::string data = R"(,"data":{"tls.crt":"YQ==","tls.key":"Yg=="})";
    EXPECT_TRUE(store.upsert(secret(data)).config);
    const ObjectName name{"shop", "tls"};
    const auto* pair = store.secret(name)->pair.get();
    Secret again = secret(data);
    again.metadata.resourceVersion = "7";
    EXPECT_TRUE(store.upsert(std::move(again)).none());
    EXPECT_EQ(store.secret(name)->pair.get(), pair);
    EXPECT_EQ(store.secret(name)->metadata.resourceVersion, "7");
    EXPECT_TRUE(store.upsert(secret(R"(,"data":{"tls.crt":"YQ==","tls.key":"Yw=="})")).config);
    EXPECT_EQ(store.secret(name)->pair->key, "c");
    EXPECT_TRUE(
        store.upsert(secret(R"(,"data":{"tls.crt":"YQ==","tls.key":"Yw==","ca.crt":"YQ=="})"))
            .config);
    EXPECT_EQ(store.secret(name)->authorities, "a");
    EXPECT_TRUE(store
                    .upsert(secret(R"(,"data":{"tls.crt":"YQ==","tls.key":"Yw==","ca.crt":"YQ==",)"
                                   R"("ca.crl":"Yg=="})"))
                    .config);
    EXPECT_EQ(store.secret(name)->revocations, "b");
    EXPECT_EQ(store.size(), 1U);
    EXPECT_TRUE(store.replaceAll(ResourceKind::secret, {}).config);
    EXPECT_EQ(store.secret(name), nullptr);
}

TEST(Decode, ReadsTlsOfAnIngress) {
    const auto read = std::get<Ingress>(object(R"({"apiVersion":"networking.k8s.io/v1",
        "kind":"Ingress","metadata":{"name":"a"},"spec":{"tls":[
        {"hosts":["a.test","*.b.test"],"secretName":"s"},{"hosts":["c.test"]},{"secretName":"t"}]}})"));
    EXPECT_THAT(read.tls, ElementsAre(IngressTls{{"a.test", "*.b.test"}, "s"},
                                      IngressTls{{"c.test"}, ""}, IngressTls{{}, "t"}));
    const auto problem = problemOf(R"({"apiVersion":"networking.k8s.io/v1","kind":"Ingress",
        "metadata":{"name":"a"},"spec":{"tls":[{"hosts":["a",7]}]}})");
    EXPECT_EQ(problem.where, "spec.tls[0].hosts[1]");
}

TEST(ObjectStore, TakesAChangeOfTlsForAChange) {
    ObjectStore store;
    Ingress ingress;
    ingress.metadata.id = {"shop", "a"};
    store.upsert(ingress);
    EXPECT_TRUE(store.upsert(ingress).none());
    ingress.tls = {{{"a.test"}, "s"}};
    EXPECT_TRUE(store.upsert(ingress).config);
}

}  // namespace
}  // namespace evergate::controller
