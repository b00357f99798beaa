// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/annotation_syntax.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace evergate::controller {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

TEST(AnnotationSyntax, ReadsDurations) {
    const std::pair<const char*, milliseconds> cases[] = {{"250ms", milliseconds(250)},
                                                          {"0s", milliseconds(0)},
                                                          {"30s", milliseconds(30'000)},
                                                          {"2m", milliseconds(120'000)},
                                                          {"1h", milliseconds(3'600'000)}};
    for (const auto& [text, expected] : cases) {
        milliseconds value{-1};
        EXPECT_THAT(readDuration(text, value), IsEmpty()) << text;
        EXPECT_EQ(value, expected) << text;
    }
}

TEST(AnnotationSyntax, RefusesOtherDurations) {
    for (const char* text :
         {"", "5", "s", "-5s", "+5s", "05s", "5 s", " 5s", "5s ", "5s\n", "1.5s", "5S", "5sec",
          "1m30s", "1d", "18446744073709551615h", "99999999999999999999s", "1000000000h"}) {
        milliseconds value{7};
        EXPECT_THAT(readDuration(text, value), Not(IsEmpty())) << text;
        EXPECT_EQ(value, milliseconds(7)) << text;
    }
}

TEST(AnnotationSyntax, ReadsCounts) {
    std::uint32_t value = 7;
    EXPECT_THAT(readCount("4294967295", value), IsEmpty());
    EXPECT_EQ(value, 4'294'967'295u);
    for (const char* text : {"", "-1", "+1", "01", "1 ", "1.0", "0x1", "4294967296", "one"}) {
        EXPECT_THAT(readCount(text, value), Not(IsEmpty())) << text;
    }
    EXPECT_EQ(value, 4'294'967'295u);
}

TEST(AnnotationSyntax, ReadsPercentages) {
    std::uint32_t value = 7;
    EXPECT_THAT(readPercent("50", value), IsEmpty());
    EXPECT_EQ(value, 50u);
    EXPECT_THAT(readPercent("125%", value), IsEmpty());
    EXPECT_EQ(value, 125u);
    for (const char* text : {"", "%", "5%%", "5 %", "0.5", "-5%", "05%"}) {
        EXPECT_THAT(readPercent(text, value), Not(IsEmpty())) << text;
    }
    EXPECT_EQ(value, 125u);
}

TEST(AnnotationSyntax, ReadsServerErrors) {
    std::vector<std::uint16_t> value;
    EXPECT_THAT(readServerErrors("504,502 503\n502", value), IsEmpty());
    EXPECT_THAT(value, ElementsAre(502, 503, 504));
    for (const char* text : {"", ",", "499", "600", "5xx", "502;503", "0502", "502a"}) {
        EXPECT_THAT(readServerErrors(text, value), Not(IsEmpty())) << text;
    }
    EXPECT_THAT(value, ElementsAre(502, 503, 504));
}

TEST(AnnotationSyntax, ReadsFlags) {
    bool value = false;
    EXPECT_THAT(readFlag("true", value), IsEmpty());
    EXPECT_TRUE(value);
    for (const char* text : {"", "True", "yes", "1", "true ", "on"}) {
        EXPECT_THAT(readFlag(text, value), Not(IsEmpty())) << text;
    }
    EXPECT_TRUE(value);
    EXPECT_THAT(readFlag("false", value), IsEmpty());
    EXPECT_FALSE(value);
}

TEST(AnnotationSyntax, ReadsSizes) {
    const std::pair<const char*, std::uint64_t> cases[] = {{"0", 0},
                                                           {"100", 100},
                                                           {"8k", 8192},
                                                           {"8K", 8192},
                                                           {"1m", 1 << 20},
                                                           {"2G", 2ULL << 30},
                                                           {"9007199254740992", 1ULL << 53}};
    for (const auto& [text, expected] : cases) {
        std::uint64_t value = 1;
        EXPECT_THAT(readSize(text, value), IsEmpty()) << text;
        EXPECT_EQ(value, expected) << text;
    }
    for (const char* text : {"", "k", "-1", "1kb", "1 m", "1.5m", "08", "9007199254740993",
                             "9007199254740992k", "1t"}) {
        std::uint64_t value = 1;
        EXPECT_THAT(readSize(text, value), Not(IsEmpty())) << text;
        EXPECT_EQ(value, 1u) << text;
    }
}

TEST(AnnotationSyntax, ReadsStatusRanges) {
    std::uint16_t low = 1;
    std::uint16_t high = 2;
    EXPECT_THAT(readStatusRange("200-399", low, high), IsEmpty());
    EXPECT_EQ(low, 200);
    EXPECT_EQ(high, 399);
    EXPECT_THAT(readStatusRange("204", low, high), IsEmpty());
    EXPECT_EQ(low, 204);
    EXPECT_EQ(high, 204);
    for (const char* text : {"", "99", "600", "200-", "-200", "300-200", "200-600", "200-299,301",
                             "200 - 299", "2xx", "200-299-300"}) {
        EXPECT_THAT(readStatusRange(text, low, high), Not(IsEmpty())) << text;
    }
    EXPECT_EQ(low, 204);
}

TEST(AnnotationSyntax, ReadsNetworksOfEverySeparator) {
    std::vector<std::string> value{"before"};
    EXPECT_THAT(readNetworks(" 10.0.0.0/8,2001:db8::/32\r\n 192.168.1.7 , 10.0.0.0/8", value),
                IsEmpty());
    EXPECT_THAT(value, ElementsAre("10.0.0.0/8", "192.168.1.7", "2001:db8::/32"));
}

TEST(AnnotationSyntax, KeepsTheGoodNetworksOfAWrongList) {
    for (const char* wrong : {"10.0.0.0/33", "example.com", "10.0.0", "10.0.0.0/-1", "10.0.0.0/08",
                              "fe80::1%eth0", "0.0.0.0.0/0", "10.0.0.0/8;"}) {
        std::vector<std::string> value;
        const Complaint complaint = readNetworks(std::string("192.0.2.0/24,") + wrong, value);
        EXPECT_NE(complaint.find(wrong), std::string::npos) << complaint;
        EXPECT_THAT(value, ElementsAre("192.0.2.0/24")) << wrong;
    }
}

TEST(AnnotationSyntax, HasNoNetworksInAnEmptyOrAllWrongList) {
    for (const char* text : {"", " ", ",\n", "all", "\x01\xff"}) {
        std::vector<std::string> value{"before"};
        EXPECT_THAT(readNetworks(text, value), Not(IsEmpty())) << text;
        EXPECT_THAT(value, IsEmpty()) << text;
    }
}

TEST(AnnotationSyntax, BoundsListsOfNetworks) {
    std::string text;
    for (int i = 0; i < 1025; ++i) {
        text += "10.0." + std::to_string(i / 256) + '.' + std::to_string(i % 256) + '\n';
    }
    std::vector<std::string> value;
    EXPECT_THAT(readNetworks(text, value), Not(IsEmpty()));
    EXPECT_EQ(value.size(), 1024u);
}

TEST(AnnotationSyntax, ReadsHeaderLines) {
    std::vector<model::HeaderField> value;
    EXPECT_THAT(readHeaderFields("X-One: 1\r\n\n  x-two :  a: b\tc  \nCookie:x=y", value),
                Not(IsEmpty()));  // a space before the colon
    EXPECT_THAT(readHeaderFields("X-One: 1\r\n\n  x-two:  a: b\tc  \nCookie:x=y\n", value),
                IsEmpty());
    EXPECT_EQ(value, (std::vector<model::HeaderField>{
                         {"x-one", "1"}, {"x-two", "a: b\tc"}, {"cookie", "x=y"}}));
}

TEST(AnnotationSyntax, RefusesHeadersThatAreNone) {
    const std::string cases[] = {"",
                                 "\n\n",
                                 "X-One",
                                 ": 1",
                                 "X-One:",
                                 "X-One: ",
                                 "X One: 1",
                                 "X-One: 1\nX-Two",
                                 "X-One: 1\nx-one: 2",
                                 "X-One: a\rInjected: b",
                                 "X-One: \xc3\xa9",
                                 std::string("X-One: a\0b", 10),
                                 "X-One: " + std::string(4097, 'a'),
                                 "Host: other",
                                 "Content-Length: 0",
                                 "Transfer-Encoding: chunked",
                                 "Connection: close",
                                 "TE: trailers",
                                 "Upgrade: websocket"};
    for (const std::string& text : cases) {
        std::vector<model::HeaderField> value{{"before", "1"}};
        EXPECT_THAT(readHeaderFields(text, value), Not(IsEmpty())) << text;
        EXPECT_EQ(value.size(), 1u) << text;
    }
}

TEST(AnnotationSyntax, ReadsHeaderNames) {
    std::vector<std::string> value;
    EXPECT_THAT(readHeaderNames("Server, X-Powered-By\nserver", value), IsEmpty());
    EXPECT_THAT(value, ElementsAre("server", "x-powered-by"));
    for (const char* text : {"", " , ", "a b:c", "Server;X", "Content-Length", "a\x01"}) {
        EXPECT_THAT(readHeaderNames(text, value), Not(IsEmpty())) << text;
    }
    EXPECT_EQ(value.size(), 2u);
}

}  // namespace
}  // namespace evergate::controller
