// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/decode.hpp"

#include <gmock/gmock.h>

#include "tests/unit/controller/objects/samples.hpp"

namespace evergate::controller {
namespace {

using samples::decodeList;
using samples::object;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

DecodeProblem problemOf(std::string_view json) {
    Decoded decoded = decodeObject(json);
    if (auto* problem = std::get_if<DecodeProblem>(&decoded)) {
        return *problem;
    }
    ADD_FAILURE() << "decoded: " << json;
    return {};
}

TEST(Decode, ReadsIngressesOfARealServer) {
    const auto objects = decodeList(ResourceKind::ingress, "list-ingresses.json");
    ASSERT_THAT(objects, SizeIs(2));
    const auto& web = std::get<Ingress>(objects[0]);
    EXPECT_EQ(toText({ResourceKind::ingress, web.metadata.id}), "Ingress demo/web");
    EXPECT_EQ(web.metadata.resourceVersion, "213");
    EXPECT_EQ(web.metadata.generation, 1);
    EXPECT_EQ(web.metadata.createdAt, 1795229630);
    EXPECT_THAT(web.metadata.annotations, IsEmpty());
    EXPECT_FALSE(web.ingressClassName);
    const auto& shop = std::get<Ingress>(objects[1]);
    EXPECT_THAT(shop.metadata.annotations, ElementsAre(Pair("evergate.io/timeout-request", "15s")));
    EXPECT_EQ(shop.ingressClassName, "evergate");
    ASSERT_TRUE(shop.defaultBackend);
    EXPECT_EQ(*shop.defaultBackend, (IngressBackend{"cart", {"", 80}, false}));
    ASSERT_FALSE(shop.rules.empty());
    EXPECT_EQ(shop.rules[0].host, "shop.example.com");
    EXPECT_THAT(
        shop.rules[0].paths,
        ElementsAre(IngressPath{"/cart", "Prefix", {"cart", {"http", 0}, false}},
                    IngressPath{"/pay/callback", "Exact", {"pay-headless", {"", 8443}, false}}));
}

TEST(Decode, KeepsTheNamesOfForeignAnnotationsAndNotTheirValues) {
    const Decoded decoded = decodeObject(R"({"apiVersion":"v1",
        "kind":"Service","metadata":{"name":"a","annotations":{
        "nginx.ingress.kubernetes.io/auth-secret":"hidden","nginx.ingress.kubernetes.io/b c":"",
        "haproxy.org/check":{"not":"text"},"example.com/team":"blue"}}})");
    const auto* object = std::get_if<Object>(&decoded);
    ASSERT_NE(object, nullptr);
    EXPECT_THAT(std::get<Service>(*object).metadata.annotations,
                ElementsAre(Pair("haproxy.org/check", ""),
                            Pair("nginx.ingress.kubernetes.io/auth-secret", "")));
}

TEST(Decode, ReadsServicesOfARealServer) {
    const auto objects = decodeList(ResourceKind::service, "list-services.json");
    ASSERT_THAT(objects, SizeIs(5));
    const auto& cart = std::get<Service>(objects[2]);
    EXPECT_THAT(cart.ports,
                ElementsAre(ServicePort{"http", 80, true}, ServicePort{"grpc", 9000, true, true}));
    EXPECT_EQ(*cart.metadata.annotation("evergate.io/load-balance"), "least-request");
    EXPECT_TRUE(std::get<Service>(objects[3]).externalName);
}

TEST(Decode, ReadsSlicesOfARealServer) {
    const auto objects = decodeList(ResourceKind::endpointSlice, "list-endpointslices.json");
    ASSERT_THAT(objects, SizeIs(4));
    const auto& cart = std::get<EndpointSlice>(objects[2]);
    EXPECT_EQ(cart.serviceName(), (ObjectName{"shop", "cart"}));
    ASSERT_GE(cart.endpoints.size(), 2u);
    EXPECT_EQ(cart.endpoints[0], (SliceEndpoint{"10.77.1.1", true, false}));
    EXPECT_EQ(cart.endpoints[1], (SliceEndpoint{"10.77.1.2", false, true}));
    const auto& pay = std::get<EndpointSlice>(objects[3]);
    EXPECT_EQ(pay.addressType, AddressType::ipv6);
    EXPECT_EQ(pay.endpoints.at(0), (SliceEndpoint{"fd00:77::1", true, false}));
    EXPECT_THAT(pay.ports, ElementsAre(SlicePort{"web", 8443, true}));
}

TEST(Decode, ReadsTheClassOfARealServer) {
    const auto objects = decodeList(ResourceKind::ingressClass, "list-ingressclasses.json");
    ASSERT_THAT(objects, SizeIs(1));
    const auto& evergate = std::get<IngressClass>(objects[0]);
    EXPECT_EQ(evergate.controller, "evergate.io/ingress-controller");
    EXPECT_EQ(*evergate.metadata.annotation("ingressclass.kubernetes.io/is-default-class"), "true");
}

TEST(Decode, ReadsEveryObjectOfARealWatch) {
    std::istringstream lines(
        samples::readFile(samples::dataFolder() / "kubernetes/watch-endpointslices.ndjson"));
    int slices = 0;
    for (std::string line; std::getline(lines, line);) {
        const auto event = nlohmann::json::parse(line);
        const Decoded decoded = decodeParsed(event.at("object"));
        if (event.at("type") != "BOOKMARK") {
            ASSERT_TRUE(std::holds_alternative<Object>(decoded));
            slices += std::holds_alternative<EndpointSlice>(std::get<Object>(decoded)) ? 1 : 0;
        }
    }
    EXPECT_GT(slices, 1);
}

TEST(Decode, NamesObjectAndFieldOfAWrongType) {
    const auto problem = problemOf(R"({"apiVersion":"networking.k8s.io/v1","kind":"Ingress",
        "metadata":{"name":"cart","namespace":"shop"},"spec":{"rules":[{"host":"a"},
        {"http":{"paths":[{"path":"/"},{"path":7}]}}]}})");
    EXPECT_EQ(problem.problem.object, "Ingress shop/cart");
    EXPECT_EQ(problem.problem.where, "spec.rules[1].http.paths[1].path");
    EXPECT_EQ(problem.problem.what, "must be a string, not number");
    EXPECT_EQ(problem.key, (ObjectKey{ResourceKind::ingress, {"shop", "cart"}}));
}

TEST(Decode, QuotesKeysWithDotsInPaths) {
    const auto problem = problemOf(R"({"apiVersion":"v1","kind":"Service",
        "metadata":{"name":"a","annotations":{"evergate.io/tcp-port":80}}})");
    EXPECT_EQ(problem.problem.where, "metadata.annotations[\"evergate.io/tcp-port\"]");
}

TEST(Decode, RefusesFractionsAndNumbersOutOfRange) {
    const auto port = [](const std::string& number) {
        return problemOf(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},
            "spec":{"ports":[{"port":)" +
                         number + "}]}}")
            .problem.what;
    };
    EXPECT_EQ(port("80.0"), "must be an integer, not a fraction");
    EXPECT_EQ(port("2147483648"), "is out of range");
    EXPECT_EQ(port("18446744073709551615"), "is out of range");
    EXPECT_EQ(port("\"80\""), "must be an integer, not string");
}

TEST(Decode, TakesNullAsAbsent) {
    const Object decoded = object(R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice",
        "metadata":{"name":"a","annotations":null,"labels":null},"addressType":"IPv4",
        "endpoints":null,"ports":[{"name":null,"port":null,"protocol":null}]})");
    const auto& slice = std::get<EndpointSlice>(decoded);
    EXPECT_EQ(slice.service, "");
    EXPECT_THAT(slice.endpoints, IsEmpty());
    EXPECT_THAT(slice.ports, ElementsAre(SlicePort{"", 0, true}));
}

TEST(Decode, TakesEveryAddressOfAnEndpoint) {
    const Object decoded = object(R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice",
        "metadata":{"name":"a"},"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1","10.0.0.2"]}]})");
    EXPECT_THAT(std::get<EndpointSlice>(decoded).endpoints,
                ElementsAre(SliceEndpoint{"10.0.0.1", true, false},
                            SliceEndpoint{"10.0.0.2", true, false}));
}

TEST(Decode, DefaultsNamespaceOfNamespacedKindsOnly) {
    EXPECT_EQ(
        keyOf(object(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"a"}})"))->name,
        (ObjectName{"default", "a"}));
    EXPECT_EQ(keyOf(object(R"({"apiVersion":"networking.k8s.io/v1","kind":"IngressClass",
                  "metadata":{"name":"a","namespace":"ignored"}})"))
                  ->name,
              (ObjectName{"", "a"}));
}

TEST(Decode, RefusesNamesThatAreNotNames) {
    for (const char* name : {"", "A", "a/b", "-a", "a..b", "a\\u0000", "../x"}) {
        const auto problem =
            problemOf(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":")" +
                      std::string(name) + "\"}}");
        EXPECT_EQ(problem.problem.where, "metadata.name") << name;
        EXPECT_EQ(problem.problem.object, "Service without a valid name");
        EXPECT_FALSE(problem.key);
    }
}

TEST(Decode, PassesOverKindsOfOthers) {
    const Object knative = object(
        R"({"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"a"}})");
    EXPECT_EQ(std::get<Unknown>(knative).id.name, "a");
    const Object pod = object(R"({"apiVersion":"v1","kind":"Pod","metadata":7})");
    EXPECT_EQ(std::get<Unknown>(pod).kind, "Pod");
    EXPECT_FALSE(keyOf(pod));
}

TEST(Decode, RefusesOldVersionsOfKnownKinds) {
    const auto problem = problemOf(
        R"({"apiVersion":"extensions/v1beta1","kind":"Ingress","metadata":{"name":"a","namespace":"b"}})");
    EXPECT_EQ(problem.problem.object, "Ingress b/a");
    EXPECT_EQ(problem.problem.what, "must be networking.k8s.io/v1");
}

TEST(Decode, RefusesWhatIsNotAnObject) {
    EXPECT_THAT(problemOf("{\"a\":").problem.what, HasSubstr("is not JSON: error at byte"));
    EXPECT_THAT(problemOf("[]").problem.what, HasSubstr("must be an object"));
    EXPECT_EQ(problemOf("{}").problem.where, "kind");
    EXPECT_THAT(problemOf(R"({"apiVersion":"v1","kind":"Service","metadata":{"generation":1e999}})")
                    .problem.what,
                HasSubstr("is not JSON"));
    EXPECT_THAT(problemOf(std::string(kMaxObjectBytes + 1, ' ')).problem.what, HasSubstr("larger"));
}

TEST(Decode, SurvivesDeepNesting) {
    std::string deep(200'000, '[');
    deep = R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"x":)" + deep +
           std::string(200'000, ']') + "}";
    EXPECT_TRUE(std::holds_alternative<Object>(decodeObject(deep)));
}

TEST(Decode, ReadsTheStatusOfAnIngressWhichMeansNothing) {
    const std::string bare =
        R"({"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"a","namespace":"b"}})";
    const std::string shown =
        bare.substr(0, bare.size() - 1) +
        R"(,"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1","ports":[]},
                                 {"hostname":"lb.example"}]}}})";
    const auto without = std::get<Ingress>(std::get<Object>(decodeObject(bare)));
    const auto with = std::get<Ingress>(std::get<Object>(decodeObject(shown)));
    EXPECT_TRUE(without.published.empty());
    EXPECT_EQ(with.published,
              (std::vector<PublishedAddress>{{"192.0.2.1", ""}, {"", "lb.example"}}));
    EXPECT_TRUE(sameMeaning(without, with));
}

}  // namespace
}  // namespace evergate::controller
