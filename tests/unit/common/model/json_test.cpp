// SPDX-License-Identifier: Apache-2.0
#include "common/model/json.hpp"

#include <gtest/gtest.h>

#include "tests/unit/common/model/random_values.hpp"

namespace evergate::model {
namespace {

Problem problemOf(Kind kind, std::string_view json) {
    const auto result = decode(kind, json);
    const auto* problem = std::get_if<Problem>(&result);
    return problem != nullptr ? *problem : Problem{"no problem", ""};
}

TEST(Json, RoundTripsRandomValues) {
    RandomValues random(7);
    for (int round = 0; round < 3'000; ++round) {
        const Kind kind = random.kind();
        const Value value = random.value(kind);
        const std::string text = encode(value);
        const auto decoded = decode(kind, text);
        ASSERT_TRUE(std::holds_alternative<Value>(decoded))
            << text << ": " << std::get<Problem>(decoded).where << " "
            << std::get<Problem>(decoded).what;
        ASSERT_TRUE(std::get<Value>(decoded) == value) << text;
        ASSERT_EQ(encode(std::get<Value>(decoded)), text);
    }
}

TEST(Json, WritesFieldsInFixedOrderWithoutDefaults) {
    EXPECT_EQ(encode(Settings{}), "{}");
    EXPECT_EQ(encode(Settings{.bodyTimeout = std::chrono::seconds(1), .maxHeaders = 64}),
              R"({"bodyTimeoutMs":1000,"maxHeaders":64})");
    EXPECT_EQ(encode(Listener{"::", 53, ListenerProtocol::tcp, "dns"}),
              R"({"address":"::","port":53,"protocol":"tcp","backend":"dns"})");
    EXPECT_EQ(
        encode(Route{{"http", "alt"}, "a.b", PathType::rawPrefix, "/x", "shop", "Ingress s/c"}),
        R"({"listeners":["http","alt"],"host":"a.b","pathType":"rawPrefix","path":"/x",)"
        R"("backend":"shop","origin":"Ingress s/c"})");
    EXPECT_EQ(encode(Endpoints{{{"10.0.0.1", 80, 1}, {"10.0.0.2", 80, 0}}}),
              R"({"endpoints":[{"address":"10.0.0.1","port":80},)"
              R"({"address":"10.0.0.2","port":80,"weight":0}]})");
    EXPECT_EQ(encode(Backend{.balance = BalanceAlgorithm::consistentHash,
                             .hashOn = HashOn::header,
                             .hashHeader = "x-user",
                             .connectTimeout = std::chrono::milliseconds(250)}),
              R"({"balance":"consistentHash","hashOn":"header","hashHeader":"x-user",)"
              R"("connectTimeoutMs":250})");
}

TEST(Json, EscapesControlCharactersQuotesAndBackslashes) {
    EXPECT_EQ(encode(Listener{.address = std::string("a\"\\\n\x1f\0z", 7)}),
              R"({"address":"a\"\\\u000a\u001f\u0000z"})");
}

TEST(Json, AcceptsAnyOrderSpaceAndWrittenDefaults) {
    const auto result = decode(Kind::listener,
                               " { \"port\" : 80 ,\n\"address\":\"::\","
                               "\"backend\":\"\" } ");
    ASSERT_TRUE(std::holds_alternative<Value>(result));
    EXPECT_TRUE(std::get<Value>(result) == Value(Listener{.address = "::", .port = 80}));
}

struct BadCase {
    const char* name;
    Kind kind;
    const char* json;
    const char* where;
};

class JsonRefuses : public testing::TestWithParam<BadCase> {};

TEST_P(JsonRefuses, NamingTheField) {
    const Problem problem = problemOf(GetParam().kind, GetParam().json);
    EXPECT_EQ(problem.where, GetParam().where);
    EXPECT_FALSE(problem.what.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Json, JsonRefuses,
    testing::Values(
        BadCase{"Nothing", Kind::listener, "", ""},
        BadCase{"NotJson", Kind::listener, "{port:80}", ""},
        BadCase{"Trailing", Kind::listener, "{} {}", ""},
        BadCase{"TrailingComma", Kind::listener, R"({"port":80,})", ""},
        BadCase{"Comment", Kind::listener, "{} // x", ""},
        BadCase{"BadUtf8", Kind::listener, "{\"address\":\"\xc3\x28\"}", ""},
        BadCase{"LoneSurrogate", Kind::listener, R"({"address":"\ud800"})", ""},
        BadCase{"TopLevelArray", Kind::listener, "[]", ""},
        BadCase{"TopLevelNull", Kind::listener, "null", ""},
        BadCase{"UnknownField", Kind::listener, R"({"ports":80})", "ports"},
        BadCase{"OtherCase", Kind::listener, R"({"Port":80})", "Port"},
        BadCase{"RepeatedField", Kind::listener, R"({"port":80,"port":80})", "port"},
        BadCase{"RepeatedByEscape", Kind::listener, R"({"port":80,"\u0070ort":81})", "port"},
        BadCase{"RepeatedInner", Kind::endpoints, R"({"endpoints":[{"port":1,"port":1}]})", "port"},
        BadCase{"StringPort", Kind::listener, R"({"port":"80"})", "port"},
        BadCase{"FractionPort", Kind::listener, R"({"port":80.0})", "port"},
        BadCase{"NegativePort", Kind::listener, R"({"port":-1})", "port"},
        BadCase{"PortOver", Kind::listener, R"({"port":65536})", "port"},
        BadCase{"PortFarOver", Kind::listener, R"({"port":18446744073709551616})", "port"},
        BadCase{"BoolPort", Kind::listener, R"({"port":true})", "port"},
        BadCase{"NullAddress", Kind::listener, R"({"address":null})", "address"},
        BadCase{"BadEnum", Kind::listener, R"({"protocol":"udp"})", "protocol"},
        BadCase{"NumberEnum", Kind::listener, R"({"protocol":1})", "protocol"},
        BadCase{"NegativeTimeout", Kind::backend, R"({"connectTimeoutMs":-5})", "connectTimeoutMs"},
        BadCase{"HugeTimeout", Kind::backend, R"({"connectTimeoutMs":1000000000001})",
                "connectTimeoutMs"},
        BadCase{"TextTimeout", Kind::backend, R"({"connectTimeoutMs":"5s"})", "connectTimeoutMs"},
        BadCase{"WeightOver32Bits", Kind::endpoints, R"({"endpoints":[{"weight":4294967296}]})",
                "endpoints[0].weight"},
        BadCase{"SecondEndpoint", Kind::endpoints, R"({"endpoints":[{"port":1},{"port":"x"}]})",
                "endpoints[1].port"},
        BadCase{"EndpointText", Kind::endpoints, R"({"endpoints":["10.0.0.1:80"]})",
                "endpoints[0]"},
        BadCase{"EndpointsObject", Kind::endpoints, R"({"endpoints":{}})", "endpoints"},
        BadCase{"ListenerNumber", Kind::route, R"({"listeners":["a",2]})", "listeners[1]"},
        BadCase{"TooDeep", Kind::route, R"({"listeners":[[["a"]]]})", ""},
        BadCase{"OfAnotherKind", Kind::settings, R"({"listeners":[]})", "listeners"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Json, BoundsStringsAndArrays) {
    const auto address = [](std::size_t size) {
        return "{\"address\":\"" + std::string(size, 'a') + "\"}";
    };
    EXPECT_TRUE(std::holds_alternative<Value>(decode(Kind::listener, address(kMaxStringBytes))));
    EXPECT_EQ(problemOf(Kind::listener, address(kMaxStringBytes + 1)).what,
              "string longer than 16384 bytes");
    EXPECT_EQ(
        problemOf(Kind::listener, "{\"" + std::string(kMaxStringBytes + 1, 'a') + "\":1}").what,
        "field name longer than 16384 bytes");

    Endpoints many;
    many.endpoints.resize(kMaxEndpointsPerBackend);
    EXPECT_TRUE(std::holds_alternative<Value>(decode(Kind::endpoints, encode(many))));
    many.endpoints.resize(kMaxEndpointsPerBackend + 1);
    EXPECT_EQ(problemOf(Kind::endpoints, encode(many)).where, "endpoints");

    Route route;
    route.listeners.resize(257);
    EXPECT_EQ(problemOf(Kind::route, encode(route)).where, "listeners");
}

TEST(Json, RefusesDeepNestingWithoutRecursion) {
    EXPECT_EQ(problemOf(Kind::route, std::string(1'000'000, '[')).what,
              "nested deeper than 3 levels");
}

TEST(Json, NeverQuotesTheInputInASyntaxProblem) {
    EXPECT_EQ(problemOf(Kind::route, "{\"path\":secret}").what, "not valid JSON at byte 9");
}

TEST(Keys, RoundTrip) {
    for (const char* text : {"settings/global", "route/shop/cart/0/1", "backend/x", "listener/http",
                             "endpoints/shop/cart:http"}) {
        const auto key = decodeKey(text);
        ASSERT_TRUE(std::holds_alternative<Key>(key)) << text;
        EXPECT_EQ(encodeKey(std::get<Key>(key)), text);
    }
}

TEST(Keys, RefuseWhatIsNotKindAndName) {
    for (const std::string& text :
         {std::string(), std::string("route"), std::string("route/"), std::string("/x"),
          std::string("Route/x"), std::string("secret/x"), std::string("route/a b"),
          std::string("route/a\n"), std::string("route/\xc3\xa9"), std::string("route/a\0", 8),
          "route/" + std::string(kMaxKeyBytes, 'a')}) {
        EXPECT_TRUE(std::holds_alternative<Problem>(decodeKey(text))) << text;
    }
    EXPECT_TRUE(
        std::holds_alternative<Key>(decodeKey("route/" + std::string(kMaxKeyBytes - 6, 'a'))));
}

}  // namespace
}  // namespace evergate::model
