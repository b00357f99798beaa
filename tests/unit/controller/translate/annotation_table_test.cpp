// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/annotation_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "common/model/validation.hpp"

namespace evergate::controller {
namespace {

using model::Backend;
using model::BalanceAlgorithm;
using model::HashOn;
using testing::IsEmpty;
using testing::Not;

std::vector<const AnnotationRow*> allRows() {
    std::vector<const AnnotationRow*> rows;
    for (const auto part : annotationGroups()) {
        for (const AnnotationRow& row : part) {
            rows.push_back(&row);
        }
    }
    return rows;
}

Backend backendWith(std::string_view name, std::string_view value) {
    const AnnotationRow* row = findAnnotation(name);
    Backend backend;
    EXPECT_THAT(check(*row, value), IsEmpty()) << name << ": " << value;
    EXPECT_THAT(row->backend(value, backend), IsEmpty());
    return backend;
}

RouteClaim claimWith(std::string_view name, std::string_view value) {
    const AnnotationRow* row = findAnnotation(name);
    RouteClaim claim;
    EXPECT_THAT(check(*row, value), IsEmpty()) << name << ": " << value;
    EXPECT_THAT(row->route(value, claim), IsEmpty());
    return claim;
}

TEST(AnnotationTable, DescribesEveryRow) {
    std::set<std::string_view> seen;
    for (const AnnotationRow* row : allRows()) {
        EXPECT_TRUE(seen.insert(row->name).second) << row->name;
        EXPECT_TRUE(row->name.starts_with(annotation::kPrefix)) << row->name;
        EXPECT_FALSE(row->syntax.empty() || row->effect.empty() || row->example.empty())
            << row->name;
        EXPECT_FALSE(row->backend != nullptr && row->route != nullptr) << row->name;
        EXPECT_EQ(findAnnotation(row->name), row);
        for (const std::string_view text : {row->syntax, row->effect, row->example, row->nginx}) {
            EXPECT_EQ(text.find_first_of("|\n"), std::string_view::npos) << text;
        }
    }
    EXPECT_EQ(findAnnotation("evergate.io/retry"), nullptr);
    EXPECT_EQ(findAnnotation("evergate.io/"), nullptr);
}

TEST(AnnotationTable, TakesItsOwnExamplesAndRefusesNothingness) {
    for (const AnnotationRow* row : allRows()) {
        EXPECT_THAT(check(*row, row->example), IsEmpty()) << row->name;
        if (row->backend != nullptr || row->route != nullptr) {
            for (const std::string_view text :
                 {std::string_view(), std::string_view(" "), std::string_view("\n"),
                  std::string_view("\0", 1), std::string_view("\xff\r\n\x1b")}) {
                EXPECT_THAT(check(*row, text), Not(IsEmpty())) << row->name;
            }
        }
    }
}

TEST(AnnotationTable, NamesTheDefaultsOfTheModel) {
    for (const AnnotationRow* row : allRows()) {
        if (row->otherwise.empty()) {
            continue;
        }
        if (row->backend != nullptr) {
            Backend backend;
            EXPECT_THAT(row->backend(row->otherwise, backend), IsEmpty()) << row->name;
            EXPECT_EQ(backend, Backend{}) << row->name;
        } else {
            RouteClaim claim;
            EXPECT_THAT(row->route(row->otherwise, claim), IsEmpty()) << row->name;
            EXPECT_EQ(claim.route, model::Route{}) << row->name;
        }
    }
}

TEST(AnnotationTable, HasAnExampleThatChangesSomething) {
    for (const auto rows : {backendAnnotations(), healthAnnotations()}) {
        for (const AnnotationRow& row : rows) {
            EXPECT_FALSE(backendWith(row.name, row.example) == Backend{}) << row.name;
        }
    }
    for (const AnnotationRow& row : routeAnnotations()) {
        const RouteClaim claim = claimWith(row.name, row.example);
        EXPECT_TRUE(!(claim.route == model::Route{}) || claim.sslRedirect || claim.passthrough)
            << row.name;
    }
}

TEST(AnnotationTable, HasAnExampleThatAsksClients) {
    for (const AnnotationRow& row : clientAnnotations()) {
        const RouteClaim claim = claimWith(row.name, row.example);
        const ClientWish& wish = claim.clients;
        EXPECT_TRUE(wish.mode || wish.authorities || wish.depth ||
                    claim.route.clientCertificateHeaders)
            << row.name;
        EXPECT_THAT(row.closed, Not(IsEmpty())) << row.name << " never opens by mistake";
    }
}

TEST(AnnotationTable, ReadsEveryWayToBalance) {
    const auto read = [](std::string_view text) {
        const Backend backend = backendWith("evergate.io/load-balance", text);
        return std::tuple(backend.balance, backend.hashOn, backend.hashHeader);
    };
    using All = std::tuple<BalanceAlgorithm, HashOn, std::string>;
    EXPECT_EQ(read("round-robin"), All(BalanceAlgorithm::roundRobin, HashOn::clientAddress, ""));
    EXPECT_EQ(read("least-request"),
              All(BalanceAlgorithm::leastRequest, HashOn::clientAddress, ""));
    EXPECT_EQ(read("ewma"), All(BalanceAlgorithm::ewma, HashOn::clientAddress, ""));
    EXPECT_EQ(read("hash"), All(BalanceAlgorithm::consistentHash, HashOn::clientAddress, ""));
    EXPECT_EQ(read("hash:path"), All(BalanceAlgorithm::consistentHash, HashOn::path, ""));
    EXPECT_EQ(read("hash:header:X-User"),
              All(BalanceAlgorithm::consistentHash, HashOn::header, "x-user"));
}

TEST(AnnotationTable, ReadsGrpcWeb) {
    EXPECT_TRUE(claimWith("evergate.io/grpc-web", "true").route.grpcWeb);
    EXPECT_FALSE(claimWith("evergate.io/grpc-web", "false").route.grpcWeb);
    EXPECT_THAT(check(*findAnnotation("evergate.io/grpc-web"), "text"), Not(IsEmpty()));
}

TEST(AnnotationTable, ReadsCompression) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(claimWith("evergate.io/compress", "GZIP").route.compress, Words{"gzip"});
    EXPECT_EQ(claimWith("evergate.io/compress", "br, zstd\ngzip").route.compress,
              (Words{"br", "zstd", "gzip"}));
    EXPECT_EQ(claimWith("evergate.io/compress-types", "Text/*,image/bmp").route.compressTypes,
              (Words{"text/*", "image/bmp"}));
    EXPECT_EQ(claimWith("evergate.io/compress-min-size", "2k").route.compressMinBytes, 2'048u);
    for (const std::string_view wrong :
         {"true", "gzip,gzip", "deflate", "gzip;q=1", ",", "br,lzma"})
        EXPECT_THAT(check(*findAnnotation("evergate.io/compress"), wrong), Not(IsEmpty())) << wrong;
    for (const std::string_view wrong : {"html", "text/html;charset=utf-8", "text/a/b", "/"})
        EXPECT_THAT(check(*findAnnotation("evergate.io/compress-types"), wrong), Not(IsEmpty()))
            << wrong;
}

TEST(AnnotationTable, ReadsAffinity) {
    EXPECT_EQ(backendWith("evergate.io/affinity", "none").affinityCookie, "");
    EXPECT_EQ(backendWith("evergate.io/affinity", "cookie").affinityCookie, "evergate-affinity");
    EXPECT_EQ(backendWith("evergate.io/affinity", "cookie:JSESSIONID").affinityCookie,
              "JSESSIONID");
}

TEST(AnnotationTable, ReadsWhatEndpointsSpeak) {
    using enum model::BackendProtocol;
    EXPECT_EQ(backendWith("evergate.io/protocol", "https").protocol, https);
    EXPECT_EQ(backendWith("evergate.io/protocol", "h2c").protocol, h2c);
    EXPECT_EQ(backendWith("evergate.io/protocol", "h2").protocol, h2);
    EXPECT_EQ(backendWith("evergate.io/protocol", "grpc").protocol, h2c);
    EXPECT_EQ(backendWith("evergate.io/protocol", "grpcs").protocol, h2);
    EXPECT_TRUE(backendWith("evergate.io/backend-tls-verify", "true").tlsVerify);
    EXPECT_EQ(backendWith("evergate.io/backend-tls-server-name", "Web.Example.com").tlsServerName,
              "web.example.com");
}

TEST(AnnotationTable, ReadsLimitsAndChecks) {
    using std::chrono::milliseconds;
    EXPECT_EQ(backendWith("evergate.io/timeout-connect", "250ms").connectTimeout,
              milliseconds(250));
    EXPECT_EQ(backendWith("evergate.io/timeout-request", "24h").responseTimeout,
              milliseconds(86'400'000));
    EXPECT_EQ(backendWith("evergate.io/timeout-idle", "10m").inactivityTimeout,
              milliseconds(600'000));
    EXPECT_EQ(backendWith("evergate.io/timeout-queue", "1ms").queueTimeout, milliseconds(1));
    EXPECT_EQ(backendWith("evergate.io/retries", "0").retries, 0u);
    EXPECT_EQ(backendWith("evergate.io/max-connections", "9").maxConnections, 9u);
    EXPECT_EQ(backendWith("evergate.io/max-pending", "0").maxPending, 0u);
    EXPECT_EQ(backendWith("evergate.io/health-check", "tcp").healthCheck.type,
              model::HealthCheckType::tcp);
    EXPECT_EQ(backendWith("evergate.io/health-check-path", "/a?b=c").healthCheck.path, "/a?b=c");
    EXPECT_EQ(backendWith("evergate.io/health-check-host", "a.b:81").healthCheck.host, "a.b:81");
    EXPECT_EQ(backendWith("evergate.io/health-check-port", "81").healthCheck.port, 81);
    EXPECT_EQ(backendWith("evergate.io/health-check-status", "204").healthCheck.statusHigh, 204);
    EXPECT_EQ(backendWith("evergate.io/health-check-interval", "100ms").healthCheck.interval,
              milliseconds(100));
}

TEST(AnnotationTable, ReadsWhenToTryAgain) {
    using std::chrono::milliseconds;
    EXPECT_EQ(backendWith("evergate.io/retry-on", "503, 502\n502").retryStatuses,
              (std::vector<std::uint16_t>{502, 503}));
    EXPECT_EQ(backendWith("evergate.io/timeout-try", "2s").perTryTimeout, milliseconds(2'000));
    EXPECT_EQ(backendWith("evergate.io/retry-budget", "0").retryBudgetPercent, 0u);
    EXPECT_EQ(backendWith("evergate.io/hedge-connect", "100ms").hedgeConnect, milliseconds(100));
    EXPECT_FALSE(backendWith("evergate.io/abort-on-client-close", "false").abortOnClientClose);
    EXPECT_EQ(backendWith("evergate.io/hash-load-bound", "125%").hashLoadPercent, 125u);
    EXPECT_EQ(backendWith("evergate.io/proxy-protocol", "v1").proxyProtocol,
              model::ProxyProtocol::v1);
    EXPECT_EQ(backendWith("evergate.io/proxy-protocol", "v2").proxyProtocol,
              model::ProxyProtocol::v2);
}

TEST(AnnotationTable, ReadsPassiveChecks) {
    using std::chrono::milliseconds;
    const auto outlier = [](const char* name, const char* value) {
        return backendWith(std::string("evergate.io/outlier-") + name, value).outlier;
    };
    EXPECT_EQ(outlier("consecutive-failures", "5").consecutiveFailures, 5u);
    EXPECT_EQ(outlier("failure-percent", "100%").failurePercent, 100u);
    EXPECT_EQ(outlier("latency-percent", "300").latencyPercent, 300u);
    EXPECT_EQ(outlier("minimum-requests", "1").minimumRequests, 1u);
    EXPECT_EQ(outlier("interval", "1s").interval, milliseconds(1'000));
    EXPECT_EQ(outlier("ejection-time", "5s").ejectionTime, milliseconds(5'000));
    EXPECT_EQ(outlier("max-ejected-percent", "0").maxEjectedPercent, 0u);
    EXPECT_EQ(backendWith("evergate.io/panic-threshold", "30").panicPercent, 30u);
    EXPECT_EQ(backendWith("evergate.io/slow-start", "1m").slowStart, milliseconds(60'000));
}

TEST(AnnotationTable, ReadsEveryKindOfCheck) {
    using model::HealthCheckType;
    for (const auto& [text, type] : std::initializer_list<std::pair<const char*, HealthCheckType>>{
             {"none", HealthCheckType::none},
             {"tcp", HealthCheckType::tcp},
             {"tls", HealthCheckType::tls},
             {"http", HealthCheckType::http},
             {"grpc", HealthCheckType::grpc}}) {
        EXPECT_EQ(backendWith("evergate.io/health-check", text).healthCheck.type, type) << text;
    }
    EXPECT_EQ(backendWith("evergate.io/health-check-grpc-service", "a.B").healthCheck.grpcService,
              "a.B");
}

TEST(AnnotationTable, TakesAWrongAuthorityForAWishToVerify) {
    const AnnotationRow& row = *findAnnotation(annotation::kBackendTlsCa);
    Backend backend;
    EXPECT_THAT(row.backend("Not A Name", backend), Not(IsEmpty()));
    EXPECT_TRUE(backend.tlsVerify);
    EXPECT_FALSE(row.closed.empty());
    EXPECT_FALSE(sameMeaning(row, "a", "b"));
    EXPECT_TRUE(sameMeaning(row, "a", "a"));
}

TEST(AnnotationTable, ReadsPolicyOfRoutes) {
    EXPECT_EQ(claimWith("evergate.io/rewrite-prefix", "/v2/").route.rewritePrefix, "/v2/");
    EXPECT_EQ(claimWith("evergate.io/body-size", "8m").route.maxBodyBytes, 8u << 20);
    EXPECT_EQ(claimWith("evergate.io/ssl-redirect", "false").sslRedirect, false);
    const auto claim = claimWith("evergate.io/allow-source-ranges", "10.0.0.0/8");
    EXPECT_TRUE(claim.route.restrictSources);
    EXPECT_EQ(claim.route.allowSources, std::vector<std::string>{"10.0.0.0/8"});
}

struct WrongValue {
    const char* name;
    std::string value;
};

TEST(AnnotationTable, RefusesWhatTheDataPlaneWouldRefuse) {
    const WrongValue cases[] = {{"load-balance", "random"},
                                {"load-balance", "Round-Robin"},
                                {"load-balance", "hash:"},
                                {"load-balance", "hash:cookie:a"},
                                {"load-balance", "hash:header:a b"},
                                {"load-balance", "hash:header:a\r\nb"},
                                {"load-balance", "hash:header:" + std::string(300, 'a')},
                                {"affinity", "Cookie"},
                                {"affinity", "cookie:"},
                                {"affinity", "cookie:a b"},
                                {"affinity", "cookie:a;b"},
                                {"affinity", "cookie:a\r\nSet-Cookie"},
                                {"affinity", "cookie:" + std::string(200, 'a')},
                                {"timeout-connect", "0s"},
                                {"timeout-request", "25h"},
                                {"timeout-idle", "60"},
                                {"timeout-queue", "0ms"},
                                {"retries", "11"},
                                {"max-pending", "1000001"},
                                {"protocol", "HTTPS"},
                                {"protocol", "h3"},
                                {"backend-tls-server-name", "a_b"},
                                {"backend-tls-server-name", "*.a"},
                                {"backend-tls-server-name", "10.0.0.1:443"},
                                {"hash-load-bound", "100"},
                                {"hash-load-bound", "10001"},
                                {"hash-load-bound", "125 %"},
                                {"retry-on", "5xx"},
                                {"retry-on", "404"},
                                {"retry-on", "502,600"},
                                {"retry-on",
                                 "500,501,502,503,504,505,506,507,508,509,510,511,512,"
                                 "513,514,515,516"},
                                {"timeout-try", "25h"},
                                {"timeout-try", "2"},
                                {"retry-budget", "101"},
                                {"hedge-connect", "-1s"},
                                {"abort-on-client-close", "never"},
                                {"proxy-protocol", "V2"},
                                {"proxy-protocol", "true"},
                                {"backend-tls-ca", "shop/internal-ca"},
                                {"backend-tls-ca", "Internal_CA"},
                                {"outlier-consecutive-failures", "-1"},
                                {"outlier-failure-percent", "101"},
                                {"outlier-latency-percent", "100"},
                                {"outlier-minimum-requests", "0"},
                                {"outlier-interval", "99ms"},
                                {"outlier-ejection-time", "0s"},
                                {"outlier-max-ejected-percent", "101"},
                                {"panic-threshold", "101"},
                                {"slow-start", "25h"},
                                {"health-check", "gRPC"},
                                {"health-check-grpc-service", "a b"},
                                {"health-check-grpc-service", std::string(257, 'a')},
                                {"health-check-path", "healthz"},
                                {"health-check-path", "/a b"},
                                {"health-check-path", "/a\r\nX: y"},
                                {"health-check-host", "a b"},
                                {"health-check-host", "a\r\nX: y"},
                                {"health-check-port", "0"},
                                {"health-check-status", "399-200"},
                                {"health-check-interval", "99ms"},
                                {"health-check-interval", "25h"},
                                {"health-check-timeout", "9ms"},
                                {"health-check-timeout", "11m"},
                                {"health-check-healthy-threshold", "0"},
                                {"health-check-unhealthy-threshold", "101"},
                                {"rewrite-prefix", "v2"},
                                {"rewrite-prefix", "/a?b"},
                                {"rewrite-prefix", "/a/../b"},
                                {"rewrite-prefix",
                                 "/$1"
                                 "\n"},
                                {"request-headers-set", "Host: a"},
                                {"response-headers-remove", "Content-Length"},
                                {"ssl-redirect", "308"},
                                {"ssl-passthrough", "yes"},
                                {"allow-source-ranges", "10.0.0.0/8, all"},
                                {"body-size", "1e6"}};
    for (const WrongValue& each : cases) {
        const AnnotationRow* row = findAnnotation(std::string("evergate.io/") + each.name);
        ASSERT_NE(row, nullptr) << each.name;
        EXPECT_THAT(check(*row, each.value), Not(IsEmpty())) << each.name << ": " << each.value;
    }
}

TEST(AnnotationTable, BoundsTheHeadersOfOneDirection) {
    const AnnotationRow* row = findAnnotation("evergate.io/response-headers-set");
    std::string many;
    for (int i = 0; i < 65; ++i) {
        many += "x-" + std::to_string(i) + ": 1\n";
    }
    EXPECT_THAT(check(*row, many), Not(IsEmpty()));
    many.erase(0, many.find('\n') + 1);
    EXPECT_THAT(check(*row, many), IsEmpty());
    EXPECT_THAT(check(*row, "a: " + std::string(4000, 'a') + "\nb: " + std::string(4000, 'b') +
                                "\nc: " + std::string(200, 'c')),
                Not(IsEmpty()));
}

TEST(AnnotationTable, ComparesWhatValuesMean) {
    const AnnotationRow& timeout = *findAnnotation("evergate.io/timeout-connect");
    EXPECT_TRUE(sameMeaning(timeout, "5s", "5000ms"));
    EXPECT_FALSE(sameMeaning(timeout, "5s", "6s"));
    EXPECT_TRUE(
        sameMeaning(*findAnnotation("evergate.io/load-balance"), "hash:header:A", "hash:header:a"));
}

TEST(AnnotationTable, DocumentIsCurrent) {
    std::ifstream file(EVERGATE_SOURCE_DIR "/docs/annotations.md");
    std::ostringstream written;
    written << file.rdbuf();
    EXPECT_EQ(written.str(), annotationsDocument())
        << "run: evergatectl annotations > docs/annotations.md";
}

}  // namespace
}  // namespace evergate::controller
