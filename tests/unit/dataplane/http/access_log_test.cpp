// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/access_log.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace evergate::http {
namespace {

AccessRecord sample() {
    AccessRecord record;
    record.unixMicros = 784'111'777'000'042;
    record.clientAddress = "2001:db8::1";
    record.clientPort = 5'123;
    record.method = "GET";
    record.host = "shop.example.com";
    record.target = "/a?b=c";
    record.status = 200;
    record.bytesIn = 1;
    record.bytesOut = 2;
    record.durationMicros = 3;
    record.upstreamMicros = 4;
    record.route = "shop/cart/0";
    record.backend = "shop/cart";
    record.endpoint = "10.1.2.3:8080";
    record.retries = 1;
    return record;
}

std::string format(AccessLogFormat format, const AccessRecord& record) {
    std::string out;
    formatAccessLine(format, record, out);
    return out;
}

TEST(AccessLog, WritesText) {
    EXPECT_EQ(format(AccessLogFormat::text, sample()),
              "1994-11-06T08:49:37.000042Z client=2001:db8::1 client_port=5123 method=GET "
              "host=shop.example.com target=/a?b=c protocol=HTTP/1.1 status=200 bytes_in=1 "
              "bytes_out=2 duration_us=3 upstream_us=4 route=shop/cart/0 backend=shop/cart "
              "endpoint=10.1.2.3:8080 retries=1 error=-\n");
}

TEST(AccessLog, WritesJsonWithStableKeys) {
    AccessRecord record = sample();
    record.error = ProxyError::noRoute;
    EXPECT_EQ(format(AccessLogFormat::json, record),
              R"({"time":"1994-11-06T08:49:37.000042Z","client":"2001:db8::1","client_port":5123,)"
              R"("method":"GET","host":"shop.example.com","target":"/a?b=c","protocol":"HTTP/1.1",)"
              R"("status":200,"bytes_in":1,"bytes_out":2,"duration_us":3,"upstream_us":4,)"
              R"("route":"shop/cart/0","backend":"shop/cart","endpoint":"10.1.2.3:8080",)"
              R"("retries":1,"error":"no_route"})"
              "\n");
}

TEST(AccessLog, TellsTheTlsOfAConnectionThatHasIt) {
    AccessRecord record = sample();
    record.tls = {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "a\"b", {}};
    const auto line = nlohmann::json::parse(format(AccessLogFormat::json, record));
    EXPECT_EQ(line["tls_version"], "TLSv1.3");
    EXPECT_EQ(line["tls_cipher"], "TLS_AES_128_GCM_SHA256");
    EXPECT_EQ(line["tls_server_name"], "a\"b");
    EXPECT_FALSE(line.contains("tls_failure"));
    record.tls = {{}, {}, "c.test", "alert"};
    record.error = ProxyError::clientTls;
    const std::string text = format(AccessLogFormat::text, record);
    EXPECT_NE(text.find(" tls_server_name=c.test tls_failure=alert\n"), std::string::npos) << text;
    record.tls = {{}, {}, "c.test", "verification", "certificate has expired"};
    EXPECT_EQ(nlohmann::json::parse(format(AccessLogFormat::json, record))["tls_untrusted"],
              "certificate has expired");
}

TEST(AccessLog, IsSilentWhenOff) {
    EXPECT_EQ(format(AccessLogFormat::off, sample()), "");
}

TEST(AccessLog, CutsTheTarget) {
    AccessRecord record = sample();
    const std::string target = "/" + std::string(5'000, 'a');
    record.target = target;
    const auto json = nlohmann::json::parse(format(AccessLogFormat::json, record));
    EXPECT_EQ(json["target"].get<std::string>().size(), 1'024U);
}

TEST(AccessLog, QuotesHostileTextOnOneLine) {
    AccessRecord record = sample();
    record.host = "a b\"c\\d\n\xff status=500";
    record.method = "";
    record.route = "-";
    const std::string line = format(AccessLogFormat::text, record);
    EXPECT_NE(line.find(R"( method=- host="a b\"c\\d\x0a\xff status=500" target)"),
              std::string::npos);
    EXPECT_NE(line.find(R"( route="-" )"), std::string::npos);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(AccessLog, EscapesEveryByteAsValidJson) {
    for (int byte = 0; byte < 256; ++byte) {
        AccessRecord record = sample();
        const std::string host = {'a', static_cast<char>(byte), 'b'};
        record.host = host;
        const std::string line = format(AccessLogFormat::json, record);
        EXPECT_EQ(line.find('\n'), line.size() - 1) << byte;
        const auto json = nlohmann::json::parse(line);  // throws on invalid UTF-8
        const auto text = json["host"].get<std::string>();
        EXPECT_EQ(text, byte < 0x80 ? host
                                    : nlohmann::json::parse(std::string("\"a\\u00") +
                                                            "0123456789abcdef"[byte >> 4] +
                                                            "0123456789abcdef"[byte & 15] + "b\"")
                                          .get<std::string>())
            << byte;
    }
}

TEST(AccessLog, KeepsValidUtf8AndEscapesTheRest) {
    const std::pair<std::string, const char*> cases[] = {
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
         "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""},
        {"\xc3", R"("\u00c3")"},
        {"\xc0\xaf", R"("\u00c0\u00af")"},                      // overlong
        {"\xed\xa0\x80", R"("\u00ed\u00a0\u0080")"},            // surrogate
        {"\xf4\x90\x80\x80", R"("\u00f4\u0090\u0080\u0080")"},  // above U+10FFFF
        {"\xe2\x82", R"("\u00e2\u0082")"},                      // cut
        {"\x7f\x01\t", R"("\u007f\u0001\t")"},
    };
    for (const auto& [text, expected] : cases) {
        AccessRecord record = sample();
        record.target = text;
        const std::string line = format(AccessLogFormat::json, record);
        EXPECT_NE(line.find(std::string("\"target\":") + expected + ","), std::string::npos)
            << line;
    }
}

}  // namespace
}  // namespace evergate::http
