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

// Which fields there are on the wire, and that none is forgotten: every one differs from its
// default.
TEST(Json, WritesEveryFieldOfPolicy) {
    Route route;
    route.path.clear();
    route.rewritePrefix = "/v2";
    route.requestHeadersSet = {{"a", "1"}};
    route.requestHeadersRemove = {"b"};
    route.responseHeadersSet = {{"c", ""}};
    route.responseHeadersRemove = {"d"};
    route.redirectToHttps = true;
    route.redirectPort = 8443;
    route.restrictSources = true;
    route.allowSources = {"10.0.0.0/8"};
    route.maxBodyBytes = 1ULL << 53;
    EXPECT_EQ(encode(route),
              R"({"path":"","rewritePrefix":"/v2","requestHeadersSet":[{"name":"a","value":"1"}],)"
              R"("requestHeadersRemove":["b"],"responseHeadersSet":[{"name":"c"}],)"
              R"("responseHeadersRemove":["d"],"redirectToHttps":true,"redirectPort":8443,)"
              R"("restrictSources":true,"allowSources":["10.0.0.0/8"],)"
              R"("maxBodyBytes":9007199254740992})");
    Backend backend;
    backend.queueTimeout = std::chrono::milliseconds(1);
    backend.maxConnections = 2;
    backend.maxPending = 3;
    backend.affinityCookie = "C";
    backend.protocol = BackendProtocol::https;
    backend.tlsVerify = true;
    backend.tlsServerName = "a.b";
    backend.tlsAuthorities = "PEM";
    backend.healthCheck = {
        HealthCheckType::http,        "/h", "h", 4,   std::chrono::milliseconds(5),
        std::chrono::milliseconds(6), 7,    8,   204, 299};
    EXPECT_EQ(encode(backend),
              R"({"queueTimeoutMs":1,"maxConnections":2,"maxPending":3,"affinityCookie":"C",)"
              R"("protocol":"https","tlsVerify":true,"tlsServerName":"a.b","tlsAuthorities":"PEM",)"
              R"("healthCheck":{"type":"http","path":"/h","host":"h","port":4,"intervalMs":5,)"
              R"("timeoutMs":6,"healthyThreshold":7,"unhealthyThreshold":8,"statusLow":204,)"
              R"("statusHigh":299}})");
    EXPECT_EQ(encode(Certificate{{"a.b"}, "C", "K", "Secret s/c"}),
              R"({"hosts":["a.b"],"chain":"C","key":"K","origin":"Secret s/c"})");
    EXPECT_EQ(encode(Listener{"::", 443, ListenerProtocol::https, "", true, {"::/0"}}),
              R"({"address":"::","port":443,"protocol":"https","restrictSources":true,)"
              R"("allowSources":["::/0"]})");
    EXPECT_EQ(encode(Settings{.defaultCertificate = "d"}), R"({"defaultCertificate":"d"})");
}

// Two of three values are what builds wrote that knew only those: same text, same hash.
TEST(Json, WritesTheHttp2OfClientsAsBefore) {
    EXPECT_EQ(encode(Settings{.http2 = ClientHttp2::on}), "{}");
    EXPECT_EQ(encode(Settings{.http2 = ClientHttp2::off}), R"({"http2":false})");
    EXPECT_EQ(encode(Settings{.http2 = ClientHttp2::only}), R"({"http2":"only"})");
    const std::pair<const char*, ClientHttp2> cases[] = {
        {"{}", ClientHttp2::on},
        {R"({"http2":true})", ClientHttp2::on},
        {R"({"http2":false})", ClientHttp2::off},
        {R"({"http2":"only"})", ClientHttp2::only}};
    for (const auto& [text, expected] : cases) {
        const auto result = decode(Kind::settings, text);
        ASSERT_TRUE(std::holds_alternative<Value>(result)) << text;
        EXPECT_TRUE(std::get<Value>(result) == Value(Settings{.http2 = expected})) << text;
    }
    for (const char* text : {R"({"http2":"true"})", R"({"http2":"on"})", R"({"http2":1})",
                             R"({"http2":null})", R"({"http2":""})"}) {
        const Problem problem = problemOf(Kind::settings, text);
        EXPECT_EQ(problem.where, "http2") << text;
        EXPECT_EQ(problem.what, R"(must be true, false or "only")") << text;
    }
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
        BadCase{"NumberForFlag", Kind::route, R"({"redirectToHttps":1})", "redirectToHttps"},
        BadCase{"TextForFlag", Kind::backend, R"({"tlsVerify":"true"})", "tlsVerify"},
        BadCase{"HeaderText", Kind::route, R"({"requestHeadersSet":["a: b"]})",
                "requestHeadersSet[0]"},
        BadCase{"HeaderField", Kind::route, R"({"responseHeadersSet":[{"name":"a"},{"nam":"b"}]})",
                "responseHeadersSet[1].nam"},
        BadCase{"CheckArray", Kind::backend, R"({"healthCheck":[]})", "healthCheck"},
        BadCase{"CheckField", Kind::backend, R"({"healthCheck":{"interval":5}})",
                "healthCheck.interval"},
        BadCase{"CheckEnum", Kind::backend, R"({"healthCheck":{"type":"ping"}})",
                "healthCheck.type"},
        BadCase{"NegativeSize", Kind::route, R"({"maxBodyBytes":-1})", "maxBodyBytes"},
        BadCase{"CertificateHosts", Kind::certificate, R"({"hosts":"a"})", "hosts"},
        BadCase{"CertificateExtra", Kind::certificate, R"({"password":"a"})", "password"},
        BadCase{"TooDeep", Kind::route, R"({"listeners":[[["a"]]]})", ""},
        BadCase{"OfAnotherKind", Kind::settings, R"({"listeners":[]})", "listeners"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Json, BoundsStringsAndArrays) {
    const auto address = [](std::size_t size) {
        return "{\"address\":\"" + std::string(size, 'a') + "\"}";
    };
    EXPECT_TRUE(std::holds_alternative<Value>(decode(Kind::listener, address(kMaxStringBytes))));
    EXPECT_EQ(problemOf(Kind::listener, address(kMaxStringBytes + 1)).what,
              "string longer than " + std::to_string(kMaxStringBytes) + " bytes");
    EXPECT_EQ(
        problemOf(Kind::listener, "{\"" + std::string(kMaxStringBytes + 1, 'a') + "\":1}").what,
        "field name longer than " + std::to_string(kMaxStringBytes) + " bytes");

    Endpoints many;
    many.endpoints.resize(kMaxEndpointsPerBackend);
    EXPECT_TRUE(std::holds_alternative<Value>(decode(Kind::endpoints, encode(many))));
    many.endpoints.resize(kMaxEndpointsPerBackend + 1);
    EXPECT_EQ(problemOf(Kind::endpoints, encode(many)).where, "endpoints");

    Route route;
    route.listeners.resize(1025);
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
    for (const char* text : {"settings/global", "certificate/shop/tls", "route/shop/cart/0/1",
                             "backend/x", "listener/http", "endpoints/shop/cart:http"}) {
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
