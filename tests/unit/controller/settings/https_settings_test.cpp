// SPDX-License-Identifier: Apache-2.0
#include "controller/settings/https_settings.hpp"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <vector>

namespace evergate::controller {
namespace {

struct Parsed {
    HttpsSettings settings;
    std::optional<int> code;
    std::string err;
};

Parsed parse(const std::vector<const char*>& arguments,
             const std::map<std::string, std::string>& environment = {}) {
    Parsed parsed;
    process::SettingsTable table("program", "1", "does things");
    addHttpsRows(table, parsed.settings);
    std::ostringstream out;
    std::ostringstream err;
    parsed.code = table.parse(
        arguments,
        [&](const char* name) -> const char* {
            const auto at = environment.find(name);
            return at == environment.end() ? nullptr : at->second.c_str();
        },
        out, err);
    parsed.err = err.str();
    return parsed;
}

const process::ListenAddress kHttp{"0.0.0.0", 80};

TEST(HttpsSettings, ListenOn443ByDefault) {
    const auto options = httpsOptions(parse({}).settings);
    ASSERT_TRUE(options);
    EXPECT_EQ(*options, (HttpsOptions{"0.0.0.0", 443, 443, std::nullopt}));
    EXPECT_EQ(checkHttps(parse({}).settings, kHttp, ""), "");
}

TEST(HttpsSettings, CanBeOff) {
    for (const auto& parsed : {parse({"--https-listen=off"}), parse({"--https-listen="}),
                               parse({}, {{"EVERGATE_HTTPS_LISTEN", "off"}})}) {
        EXPECT_FALSE(parsed.code) << parsed.err;
        EXPECT_FALSE(httpsOptions(parsed.settings));
        EXPECT_EQ(checkHttps(parsed.settings, {"0.0.0.0", 443}, ""), "");
    }
}

TEST(HttpsSettings, ReadFlags) {
    const auto parsed = parse({"--https-listen=[::1]:8443", "--https-redirect-to=444",
                               "--default-certificate=edge/wildcard.example"});
    ASSERT_FALSE(parsed.code) << parsed.err;
    EXPECT_EQ(*httpsOptions(parsed.settings),
              (HttpsOptions{"::1", 8443, 444, ObjectName{"edge", "wildcard.example"}}));
}

TEST(HttpsSettings, RefuseWhatIsNotAValue) {
    for (const char* flag :
         {"--https-listen=443", "--https-listen=0.0.0.0:0", "--https-listen=host:443",
          "--https-redirect-to=0", "--https-redirect-to=65536", "--default-certificate=name",
          "--default-certificate=/name", "--default-certificate=ns/", "--default-certificate=a/b/c",
          "--default-certificate=ns/UPPER"}) {
        EXPECT_EQ(parse({flag}).code, 2) << flag;
    }
}

TEST(HttpsSettings, RefuseWhatDoesNotGoTogether) {
    const auto wrong = [](const std::vector<const char*>& arguments,
                          const process::ListenAddress& http, const std::string& nameSpace) {
        return !checkHttps(parse(arguments).settings, http, nameSpace).empty();
    };
    EXPECT_TRUE(wrong({}, {"0.0.0.0", 443}, ""));
    EXPECT_TRUE(wrong({}, {"127.0.0.1", 443}, ""));
    EXPECT_TRUE(wrong({"--https-listen=127.0.0.1:80"}, kHttp, ""));
    EXPECT_FALSE(wrong({"--https-listen=127.0.0.1:80"}, {"127.0.0.2", 80}, ""));
    EXPECT_TRUE(wrong({"--https-listen=off", "--default-certificate=a/b"}, kHttp, ""));
    EXPECT_TRUE(wrong({"--default-certificate=a/b"}, kHttp, "c"));
    EXPECT_FALSE(wrong({"--default-certificate=a/b"}, kHttp, "a"));
}

TEST(HttpsSettings, ReadWhatClientsAreAskedFor) {
    const std::vector<const char*> flags{
        "--https-client-certificates=optional", "--https-client-ca=edge/partners",
        "--https-client-verify-depth=0", "--default-certificate=edge/wildcard"};
    const auto parsed = parse(flags);
    ASSERT_FALSE(parsed.code) << parsed.err;
    EXPECT_EQ(checkHttps(parsed.settings, kHttp, ""), "");
    EXPECT_EQ(
        httpsOptions(parsed.settings)->clients,
        (ClientDefaults{model::ClientCertificates::optional, ObjectName{"edge", "partners"}, 0}));
    EXPECT_EQ(httpsOptions(parse({}).settings)->clients, ClientDefaults{});
    EXPECT_NE(checkHttps(parsed.settings, kHttp, "other"), "");
    // Each of the others is needed.
    for (std::size_t left : {0U, 1U, 3U}) {
        auto some = flags;
        some.erase(some.begin() + static_cast<std::ptrdiff_t>(left));
        EXPECT_NE(checkHttps(parse(some).settings, kHttp, ""), "") << flags[left];
    }
    auto plain = flags;
    plain.push_back("--https-listen=off");
    plain.erase(plain.begin() + 3);
    EXPECT_NE(checkHttps(parse(plain).settings, kHttp, ""), "");
    for (const char* flag : {"--https-client-certificates=yes", "--https-client-ca=partners",
                             "--https-client-verify-depth=11", "--https-client-verify-depth=x"}) {
        EXPECT_EQ(parse({flag}).code, 2) << flag;
    }
}

}  // namespace
}  // namespace evergate::controller
