// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/head.hpp"

#include <gtest/gtest.h>

#include "tests/unit/dataplane/http/beast_oracle.hpp"
#include "tests/unit/dataplane/http/head_case.hpp"

namespace evergate::http {
namespace {

using testing::bytes;
using testing::parseRequest;

const HeaderField* find(const RequestHead& head, std::string_view name) {
    for (const HeaderField& field : head.fields) {
        if (field.name == name) {
            return &field;
        }
    }
    return nullptr;
}

TEST(RequestHead, IndexesAPlainRequest) {
    const std::string text =
        "GET /a/b?c=d HTTP/1.1\r\nHost: Example.com:8080\r\nAccept:  "
        "text/*\t\r\nX-Empty:\r\n\r\nrest";
    const auto parsed = parseRequest(text);
    ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    const RequestHead& head = parsed.head;
    EXPECT_EQ(head.method, "GET");
    EXPECT_EQ(head.target, "/a/b?c=d");
    EXPECT_EQ(head.path, "/a/b");
    EXPECT_EQ(head.authority, "Example.com:8080");
    EXPECT_EQ(head.host, "Example.com");
    EXPECT_EQ(head.headBytes, text.size() - 4);
    EXPECT_EQ(head.framing, Framing::none);
    EXPECT_TRUE(head.keepAlive);
    EXPECT_TRUE(head.idempotent);
    ASSERT_EQ(head.fields.size(), 3U);
    EXPECT_EQ(head.fields[0].id, HeaderName::host);
    EXPECT_EQ(head.fields[1].name, "Accept");
    EXPECT_EQ(head.fields[1].value, "text/*");
    EXPECT_EQ(head.fields[2].value, "");
}

struct Refused {
    const char* name;
    std::string text;
    ProxyError error = ProxyError::badRequest;
};

void PrintTo(const Refused& c, std::ostream* out) {
    *out << c.name;
}

class RequestHeadRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(RequestHeadRefuses, It) {
    const auto parsed = parseRequest(GetParam().text);
    ASSERT_EQ(parsed.result.status, ParseStatus::error);
    EXPECT_EQ(parsed.result.error, GetParam().error) << parsed.result.detail;
    EXPECT_STRNE(parsed.result.detail, "");
}

// The request line "GET / HTTP/1.1", a Host and these lines.
std::string with(const std::string& lines) {
    return "GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

std::string withHost(const std::string& host) {
    return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

std::string line(const std::string& requestLine) {
    return requestLine + "\r\nHost: a\r\n\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    Lines, RequestHeadRefuses,
    ::testing::Values(
        Refused{"BareLfAfterRequestLine", "GET / HTTP/1.1\nHost: a\r\n\r\n"},
        Refused{"BareLfAfterField", with("X: y\nZ: t\r\n")},
        Refused{"BareLfAsEmptyLine", "GET / HTTP/1.1\r\nHost: a\r\n\n"},
        Refused{"BareLfsOnly", "GET / HTTP/1.1\nHost: a\n\n"},
        Refused{"BareCrInValue", with("X: y\rz\r\n")},
        Refused{"BareCrBeforeCrLf", with("X: y\r\r\n")},
        Refused{"CrCrLfAsEmptyLine", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"},
        Refused{"NulInValue", with(bytes("X: a\0b\r\n"))},
        Refused{"NulInTarget", line(bytes("GET /\0 HTTP/1.1"))},
        Refused{"EscapeInValue", with("X: \x1b[0m\r\n")},
        Refused{"VerticalTabInValue", with("X: a\vb\r\n")},
        Refused{"FormFeedInValue", with("X: a\fb\r\n")},
        Refused{"DelInValue", with("X: a\x7f\r\n")}, Refused{"FoldedLine", with("X: a\r\n b\r\n")},
        Refused{"FoldedLineWithTab", with("X: a\r\n\tb\r\n")},
        Refused{"SpaceBeforeFirstField", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
        Refused{"SpaceBeforeColon", with("X : a\r\n")},
        Refused{"TabBeforeColon", with("X\t: a\r\n")}, Refused{"EmptyName", with(": a\r\n")},
        Refused{"NoColon", with("X\r\n")}, Refused{"SpaceInName", with("X Y: a\r\n")},
        Refused{"SlashInName", with("X/Y: a\r\n")},
        Refused{"NonAsciiInName", with("X\xc3\xa9: a\r\n")},
        Refused{"QuoteInName", with("\"X\": a\r\n")},
        Refused{"TlsClientHello", bytes("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")},
        Refused{"ManyEmptyLinesFirst", "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        Refused{"LfFirst", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"}),
    [](const auto& tested) { return tested.param.name; });

INSTANTIATE_TEST_SUITE_P(
    RequestLine, RequestHeadRefuses,
    ::testing::Values(
        Refused{"Http09", "GET /\r\n\r\n"}, Refused{"Http09WithSpace", "GET / \r\n\r\n"},
        Refused{"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ProxyError::unsupportedVersion},
        Refused{"Http12", line("GET / HTTP/1.2"), ProxyError::unsupportedVersion},
        Refused{"Http30", line("GET / HTTP/3.0"), ProxyError::unsupportedVersion},
        Refused{"LowerCaseHttp", line("GET / http/1.1")},
        Refused{"VersionWithoutMinor", line("GET / HTTP/1")},
        Refused{"VersionWithTwoDigits", line("GET / HTTP/1.10")},
        Refused{"TrailingSpace", line("GET / HTTP/1.1 ")},
        Refused{"TwoSpacesBeforeTarget", line("GET  / HTTP/1.1")},
        Refused{"TwoSpacesBeforeVersion", line("GET /  HTTP/1.1")},
        Refused{"TabAsSeparator", line("GET\t/\tHTTP/1.1")},
        Refused{"LeadingSpace", line(" GET / HTTP/1.1")},
        Refused{"SpaceInTarget", line("GET /a b HTTP/1.1")},
        Refused{"NoMethod", line("/ HTTP/1.1")}, Refused{"BadMethod", line("GE(T / HTTP/1.1")},
        Refused{"Fragment", line("GET /a#b HTTP/1.1")},
        Refused{"NonAsciiTarget", line("GET /caf\xc3\xa9 HTTP/1.1")},
        Refused{"DelInTarget", line("GET /\x7f HTTP/1.1")},
        Refused{"RelativeTarget", line("GET a HTTP/1.1")},
        Refused{"QueryOnlyTarget", line("GET ?a HTTP/1.1")},
        Refused{"AuthorityForm", line("GET a:80 HTTP/1.1")},
        Refused{"AsteriskWithGet", line("GET * HTTP/1.1")},
        Refused{"AsteriskAndMore", line("OPTIONS *a HTTP/1.1")},
        Refused{"Connect", line("CONNECT a:443 HTTP/1.1"), ProxyError::methodNotSupported},
        Refused{"ForeignScheme", line("GET ftp://a/ HTTP/1.1")},
        Refused{"AbsoluteWithoutHost", line("GET http:///a HTTP/1.1")},
        Refused{"AbsoluteWithUser", line("GET http://u:p@a/ HTTP/1.1")},
        Refused{"AbsoluteWithBadPort", line("GET http://a:x/ HTTP/1.1")},
        Refused{"AbsoluteWithOtherHost", line("GET http://b/ HTTP/1.1")},
        Refused{"AbsoluteWithOtherPort", line("GET http://a:81/ HTTP/1.1")},
        Refused{"AbsoluteWithPortOfTheOtherScheme", line("GET https://a:80/ HTTP/1.1")},
        Refused{"AbsoluteWithBadHost", "GET http://a/ HTTP/1.1\r\nHost: b/c\r\n\r\n"},
        Refused{"AbsoluteWithoutHostField", "GET http://a/ HTTP/1.1\r\n\r\n"}),
    [](const auto& tested) { return tested.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Host, RequestHeadRefuses,
    ::testing::Values(Refused{"Missing", "GET / HTTP/1.1\r\n\r\n"},
                      Refused{"Twice", with("Host: b\r\n")},
                      Refused{"TwiceTheSame", with("host: a\r\n")}, Refused{"Empty", withHost("")},
                      Refused{"PortOnly", withHost(":80")}, Refused{"UserInfo", withHost("u@a")},
                      Refused{"UserAndPassword", withHost("u:p@a")},
                      Refused{"Path", withHost("a/b")}, Refused{"Query", withHost("a?b")},
                      Refused{"Fragment", withHost("a#b")}, Refused{"Space", withHost("a b")},
                      Refused{"List", withHost("a, b")}, Refused{"NonAscii", withHost("\xc3\xa9")},
                      Refused{"Backslash", withHost("a\\b")}, Refused{"Quote", withHost("a\"b")},
                      Refused{"BadEscape", withHost("a%4")}, Refused{"BadPort", withHost("a:8x")},
                      Refused{"PortTooLarge", withHost("a:65536")},
                      Refused{"HugePort", withHost("a:99999999999999999999")},
                      Refused{"TwoColons", withHost("a:1:2")}, Refused{"BareIpv6", withHost("::1")},
                      Refused{"OpenBracket", withHost("[::1")}, Refused{"BadIpv6", withHost("[1]")},
                      Refused{"Ipv6AndText", withHost("[::1]a")},
                      Refused{"Ipv6WithZone", withHost("[fe80::1%25eth0]")}),
    [](const auto& tested) { return tested.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Options, RequestHeadRefuses,
    ::testing::Values(
        Refused{"UnknownExpectation", with("Expect: 200-ok\r\n"), ProxyError::expectationFailed},
        Refused{"ExpectationList", with("Expect: 100-continue, x\r\n"),
                ProxyError::expectationFailed},
        Refused{"SecondExpectation", with("Expect: 100-continue\r\nExpect: x\r\n"),
                ProxyError::expectationFailed},
        Refused{"MaxForwardsNoNumber", "TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: x\r\n\r\n"},
        Refused{"MaxForwardsTwice",
                "OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 1\r\n"
                "Max-Forwards: 1\r\n\r\n"},
        Refused{"BadConnectionOption", with("Connection: a b\r\n")},
        Refused{"BadUpgrade", with("Connection: upgrade\r\nUpgrade: web socket\r\n")},
        Refused{"UpgradeWithoutVersion", with("Connection: upgrade\r\nUpgrade: x/\r\n")}),
    [](const auto& tested) { return tested.param.name; });

TEST(RequestHead, AcceptsTabAndObsTextInValues) {
    const auto parsed = parseRequest(with("X: a\tb \xc3\xa9\xff\r\n"));
    ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    EXPECT_EQ(find(parsed.head, "X")->value, "a\tb \xc3\xa9\xff");
}

TEST(RequestHead, SkipsEmptyLinesBeforeTheRequest) {
    const std::string text = "\r\n\r\n" + with("");
    const auto parsed = parseRequest(text);
    ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    EXPECT_EQ(parsed.head.method, "GET");
    EXPECT_EQ(parsed.head.headBytes, text.size());
}

TEST(RequestHead, AcceptsHosts) {
    const std::pair<const char*, const char*> cases[] = {
        {"example.com", "example.com"},
        {"EXAMPLE.com:80", "EXAMPLE.com"},
        {"a:", "a"},
        {"a:65535", "a"},
        {"127.0.0.1:8080", "127.0.0.1"},
        {"[::1]", "[::1]"},
        {"[2001:db8::1]:443", "[2001:db8::1]"},
        {"a_b.example.com.", "a_b.example.com."},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"a%20b", "a%20b"},
    };
    for (const auto& [authority, host] : cases) {
        const auto parsed = parseRequest(withHost(authority));
        ASSERT_EQ(parsed.result.status, ParseStatus::complete)
            << authority << ": " << parsed.result.detail;
        EXPECT_EQ(parsed.head.authority, authority);
        EXPECT_EQ(parsed.head.host, host);
    }
}

TEST(RequestHead, TakesTheAuthorityOfAnAbsoluteTarget) {
    const auto parsed = parseRequest("GET HTTP://b:81/c?d HTTP/1.1\r\nHost: B:081\r\n\r\n");
    ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    EXPECT_EQ(parsed.head.authority, "b:81");
    EXPECT_EQ(parsed.head.host, "b");
    EXPECT_EQ(parsed.head.target, "/c?d");
    EXPECT_EQ(parsed.head.path, "/c");
}

TEST(RequestHead, GivesAnAbsoluteTargetWithoutPathOne) {
    EXPECT_EQ(parseRequest(line("GET https://a HTTP/1.1")).head.target, "/");
    const auto query = parseRequest(line("GET http://a?b=c HTTP/1.1"));
    EXPECT_EQ(query.head.target, "/?b=c");
    EXPECT_EQ(query.head.path, "/");
    const auto options = parseRequest(line("OPTIONS http://a HTTP/1.1"));
    EXPECT_EQ(options.head.target, "*");
    EXPECT_EQ(options.head.host, "a");
}

TEST(RequestHead, SaysWhichSchemeAnAbsoluteTargetHas) {
    EXPECT_TRUE(parseRequest(line("GET https://a/ HTTP/1.1")).head.secureTarget);
    EXPECT_FALSE(parseRequest(line("GET http://a/ HTTP/1.1")).head.secureTarget);
    EXPECT_FALSE(parseRequest(line("GET /https://a/ HTTP/1.1")).head.secureTarget);
}

TEST(RequestHead, TakesDefaultPortsForTheSame) {
    for (const auto& [target, host] :
         {std::pair{"http://a:80/", "a"}, std::pair{"http://A/", "a:"},
          std::pair{"https://a/", "a:443"}, std::pair{"http://a:/", "a:80"},
          std::pair{"http://[::1]:80/", "[::1]"}}) {
        const auto parsed =
            parseRequest(std::string("GET ") + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
        EXPECT_EQ(parsed.result.status, ParseStatus::complete) << target << ' ' << host;
    }
}

TEST(RequestHead, KnowsCredentialsOfAWholeConnection) {
    for (const char* value : {"NTLM TlRM", "negotiate YII=", "Negotiate"}) {
        EXPECT_TRUE(parseRequest(with(std::string("Authorization: ") + value + "\r\n"))
                        .head.authenticatesConnection)
            << value;
    }
    for (const char* value : {"Basic TlRM", "NTLMv3 x", "Bearer NTLM x", ""}) {
        EXPECT_FALSE(parseRequest(with(std::string("Authorization: ") + value + "\r\n"))
                         .head.authenticatesConnection)
            << value;
    }
}

TEST(RequestHead, CountsHopsOfTraceAndOptionsOnly) {
    const auto hops = [](const std::string& method, const std::string& value) {
        return parseRequest(method + " / HTTP/1.1\r\nHost: a\r\nMax-Forwards: " + value +
                            "\r\n\r\n")
            .head.maxForwards;
    };
    EXPECT_EQ(hops("OPTIONS", "0"), 0);
    EXPECT_EQ(hops("TRACE", "7"), 7);
    EXPECT_EQ(hops("TRACE", "99999999999"), 255);
    EXPECT_EQ(hops("GET", "7"), -1);
    EXPECT_EQ(hops("GET", "x"), -1);
    EXPECT_EQ(parseRequest(line("TRACE / HTTP/1.1")).head.maxForwards, -1);
}

TEST(RequestHead, AcceptsAsteriskForOptions) {
    const auto parsed = parseRequest(line("OPTIONS * HTTP/1.1"));
    ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    EXPECT_EQ(parsed.head.target, "*");
    EXPECT_EQ(parsed.head.path, "*");
}

TEST(RequestHead, NeedsNoHostInHttp10) {
    const auto parsed = parseRequest("GET / HTTP/1.0\r\n\r\n");
    ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    EXPECT_EQ(parsed.head.minorVersion, 0);
    EXPECT_EQ(parsed.head.host, "");
    EXPECT_FALSE(parsed.head.keepAlive);
}

TEST(RequestHead, DecidesKeepAlive) {
    const std::tuple<const char*, const char*, bool> cases[] = {
        {"1.1", "", true},
        {"1.1", "Connection: close\r\n", false},
        {"1.1", "Connection: keep-alive\r\n", true},
        {"1.1", "Connection: Foo,CLOSE\r\n", false},
        {"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
        {"1.0", "", false},
        {"1.0", "Connection: Keep-Alive\r\n", true},
        {"1.0", "Connection: keep-alive, close\r\n", false},
        {"1.0", "Proxy-Connection: keep-alive\r\n", false},
    };
    for (const auto& [version, lines, keepAlive] : cases) {
        const auto parsed =
            parseRequest(std::string("GET / HTTP/") + version + "\r\nHost: a\r\n" + lines + "\r\n");
        ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
        EXPECT_EQ(parsed.head.keepAlive, keepAlive) << version << ' ' << lines;
    }
}

TEST(RequestHead, MarksWhatConnectionNamesHopByHop) {
    const auto parsed = parseRequest(with(
        "Connection: close , X-Private,, x-other\r\nX-Private: 1\r\nX-OTHER: 2\r\nX-Kept: 3\r\n"
        "Keep-Alive: 5\r\nTE: gzip\r\nProxy: x\r\nProxy-Authorization: y\r\n"));
    ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
    for (const char* name : {"Connection", "X-Private", "X-OTHER", "Keep-Alive", "TE", "Proxy",
                             "Proxy-Authorization"}) {
        EXPECT_TRUE(find(parsed.head, name)->hopByHop) << name;
    }
    EXPECT_FALSE(find(parsed.head, "X-Kept")->hopByHop);
    EXPECT_FALSE(find(parsed.head, "Host")->hopByHop);
}

TEST(RequestHead, BoundsConnectionOptions) {
    std::string options = "a";
    for (int i = 0; i < 40; ++i) {
        options += ",x" + std::to_string(i);
    }
    EXPECT_EQ(parseRequest(with("Connection: " + options + "\r\n")).result.error,
              ProxyError::badRequest);
}

TEST(RequestHead, TakesAnUpgradeOnlyWithTheConnectionOption) {
    const auto upgrade = [](const std::string& lines, const char* version = "1.1") {
        const auto parsed =
            parseRequest(std::string("GET / HTTP/") + version + "\r\nHost: a\r\n" + lines + "\r\n");
        EXPECT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
        return std::string(parsed.head.upgrade);
    };
    EXPECT_EQ(upgrade("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"), "websocket");
    EXPECT_EQ(upgrade("Connection: upgrade\r\nUpgrade: foo/2, bar\r\n"), "foo/2, bar");
    EXPECT_EQ(upgrade("Upgrade: websocket\r\n"), "");
    EXPECT_EQ(upgrade("Connection: upgrade\r\n"), "");
    EXPECT_EQ(upgrade("Connection: upgrade\r\nUpgrade: ,\r\n"), "");
    EXPECT_EQ(upgrade("Connection: upgrade\r\nUpgrade: websocket\r\n", "1.0"), "");
}

TEST(RequestHead, NeverOffersHttp2OverUpgrade) {
    for (const char* protocol : {"h2c", "H2C", "websocket, h2c", "HTTP/2.0"}) {
        const auto parsed = parseRequest(
            with(std::string("Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAA\r\n"
                             "Upgrade: ") +
                 protocol + "\r\n"));
        ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
        EXPECT_EQ(parsed.head.upgrade, "") << protocol;
        EXPECT_TRUE(find(parsed.head, "HTTP2-Settings")->hopByHop);
    }
}

TEST(RequestHead, ExpectsContinueOnlyBeforeABody) {
    const auto expects = [](const std::string& head) {
        const auto parsed = parseRequest(head);
        EXPECT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
        return parsed.head.expectContinue;
    };
    EXPECT_TRUE(expects(with("Expect: 100-Continue\r\nContent-Length: 1\r\n")));
    EXPECT_TRUE(expects(with("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n")));
    EXPECT_FALSE(expects(with("Expect: 100-continue\r\n")));
    EXPECT_FALSE(expects(with("Expect: 100-continue\r\nContent-Length: 0\r\n")));
    EXPECT_FALSE(expects("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"));
}

TEST(RequestHead, KnowsTheMethods) {
    const std::tuple<const char*, bool, bool> cases[] = {
        {"GET", true, false},     {"HEAD", true, true},
        {"PUT", true, false},     {"DELETE", true, false},
        {"OPTIONS", true, false}, {"TRACE", true, false},
        {"POST", false, false},   {"PATCH", false, false},
        {"get", false, false},    {"X-!#$%&'*+.^_`|~9", false, false},
    };
    for (const auto& [method, idempotent, head] : cases) {
        const auto parsed = parseRequest(line(std::string(method) + " / HTTP/1.1"));
        ASSERT_EQ(parsed.result.status, ParseStatus::complete) << parsed.result.detail;
        EXPECT_EQ(parsed.head.idempotent, idempotent) << method;
        EXPECT_EQ(parsed.head.head, head) << method;
    }
}

TEST(RequestHead, NotesTrailersAccepted) {
    EXPECT_TRUE(parseRequest(with("TE: trailers\r\n")).head.teTrailers);
    EXPECT_TRUE(parseRequest(with("TE: gzip;q=0.5, Trailers\r\n")).head.teTrailers);
    EXPECT_FALSE(parseRequest(with("TE: gzip\r\n")).head.teTrailers);
}

TEST(RequestHead, EnforcesTheHeadLimitExactly) {
    const std::string text = with("X: 0123456789\r\n");
    HeadLimits limits;
    limits.maxHeadBytes = text.size();
    EXPECT_EQ(parseRequest(text + "more", limits).result.status, ParseStatus::complete);
    limits.maxHeadBytes = text.size() - 1;
    EXPECT_EQ(parseRequest(text + "more", limits).result.error, ProxyError::headTooLarge);
    EXPECT_EQ(parseRequest(text.substr(0, text.size() - 1), limits).result.error,
              ProxyError::headTooLarge);
    EXPECT_EQ(parseRequest(text.substr(0, text.size() - 2), limits).result.status,
              ParseStatus::incomplete);
}

TEST(RequestHead, SaysUriTooLongWhenTheRequestLineFillsTheLimit) {
    HeadLimits limits;
    limits.maxHeadBytes = 100;
    EXPECT_EQ(parseRequest("GET /" + std::string(200, 'a'), limits).result.error,
              ProxyError::uriTooLong);
    EXPECT_EQ(parseRequest("GET / HTTP/1.1\r\nX: " + std::string(200, 'a'), limits).result.error,
              ProxyError::headTooLarge);
}

TEST(RequestHead, BoundsTheNumberOfFields) {
    HeadLimits limits;
    limits.maxHeaders = 3;
    EXPECT_EQ(parseRequest(with("A: 1\r\nB: 2\r\n"), limits).result.status, ParseStatus::complete);
    EXPECT_EQ(parseRequest(with("A: 1\r\nB: 2\r\nC: 3\r\n"), limits).result.error,
              ProxyError::headTooLarge);
}

// Feeds the head in two pieces, cut anywhere: the outcome must not depend on the cut.
TEST(RequestHead, GivesTheSameResultForEverySplit) {
    const std::string texts[] = {"\r\n" + with("X: y\r\nContent-Length: 5\r\n") + "hello",
                                 with("X: y\nZ: t\r\n"), with("X: a\r\n b\r\n"),
                                 "GET / HTTP/1.1\r\nHost: a\r\n\n\r\n",
                                 "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"};
    for (const std::string& text : texts) {
        const auto whole = parseRequest(text);
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            RequestHead head;
            std::size_t scanned = 0;
            ParseResult result =
                parseRequestHead(std::string_view(text).substr(0, cut), {}, scanned, head);
            if (result.status == ParseStatus::incomplete) {
                result = parseRequestHead(text, {}, scanned, head);
            }
            EXPECT_EQ(result.status, whole.result.status) << cut;
            EXPECT_EQ(result.error, whole.result.error) << cut;
            EXPECT_STREQ(result.detail, whole.result.detail) << cut;
            EXPECT_EQ(head.headBytes, whole.head.headBytes) << cut;
        }
    }
}

TEST(RequestHead, GivesTheSameResultByteByByte) {
    const std::string text = with("X: y\r\nContent-Length: 5\r\n");
    RequestHead head;
    std::size_t scanned = 0;
    for (std::size_t size = 0; size < text.size(); ++size) {
        const auto result =
            parseRequestHead(std::string_view(text).substr(0, size), {}, scanned, head);
        ASSERT_EQ(result.status, ParseStatus::incomplete) << size;
    }
    EXPECT_EQ(parseRequestHead(text, {}, scanned, head).status, ParseStatus::complete);
    EXPECT_EQ(head.contentLength, 5U);
}

// A bad line is answered when it has come, not when the head is complete or its time is up.
TEST(RequestHead, FailsAtTheFirstBadLineHoweverItCame) {
    for (const std::string& text :
         {std::string("GET / HTTP/1.1\r\nHost: a\r\nX: b\n"),
          std::string("GET / HTTP/1.1\r\nX : b\r\n"), std::string("GET / http/1.1\r\n"),
          std::string("GET / HTTP/1.1\r\nX: b\rc"), bytes("GET / HTTP/1.1\r\nX: b\0")}) {
        RequestHead head;
        std::size_t scanned = 0;
        for (std::size_t size = 1; size < text.size(); ++size) {
            EXPECT_EQ(
                parseRequestHead(std::string_view(text).substr(0, size), {}, scanned, head).status,
                ParseStatus::incomplete)
                << text << size;
        }
        EXPECT_EQ(parseRequestHead(text, {}, scanned, head).error, ProxyError::badRequest) << text;
    }
}

TEST(RequestHead, AgreesWithBeast) {
    for (const std::string& text :
         {with(""), with("A:b\r\nC:  d  \r\nE:\r\n"), "\r\n" + with("Connection: close\r\n"),
          line("OPTIONS * HTTP/1.1"), line("GET http://a/c HTTP/1.1"),
          with("Content-Length: 18446744073709551\r\n"), with("Transfer-Encoding: Chunked\r\n"),
          with("Connection: upgrade\r\nUpgrade: websocket\r\n"),
          std::string("POST /x HTTP/1.0\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n")}) {
        const auto parsed = parseRequest(text);
        ASSERT_EQ(parsed.result.status, ParseStatus::complete) << text << parsed.result.detail;
        EXPECT_EQ(testing::differenceFromBeast(text, parsed.head), "") << text;
    }
}

}  // namespace
}  // namespace evergate::http
