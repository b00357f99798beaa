// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/masters.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace evergate::controller::marathon {
namespace {

class MastersTest : public testing::Test {
protected:
    MastersTest() {
        std::string name = "/tmp/evergate-masters-XXXXXX";
        folder_ = mkdtemp(name.data());
    }

    ~MastersTest() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& text) {
        const auto path = folder_ + "/auth";
        std::ofstream(path) << text;
        return path;
    }

    std::string folder_;
};

TEST_F(MastersTest, EncodeThePassword) {
    const auto read = readAuthorization(file("user:pa:ss\nsecond line\n"));
    EXPECT_EQ(std::get<std::string>(read), "Basic dXNlcjpwYTpzcw==");
}

TEST_F(MastersTest, NeverShowThePasswordInAProblem) {
    for (const auto* text : {"secret", ":secret", "\nuser:secret"}) {
        const auto read = readAuthorization(file(text));
        const auto* problem = std::get_if<client::ConfigProblem>(&read);
        ASSERT_NE(problem, nullptr) << text;
        EXPECT_EQ(problem->what.find("secret"), std::string::npos);
    }
}

TEST_F(MastersTest, NameWhatIsWrong) {
    const auto problem = [](const auto& parsed) {
        const auto* wrong = std::get_if<client::ConfigProblem>(&parsed);
        return wrong == nullptr ? std::string() : wrong->what;
    };
    EXPECT_EQ(problem(parseMasters({"http://a:8080", "https://b"}, "", "")), "");
    EXPECT_NE(problem(parseMasters({}, "", "")).find("--marathon-url"), std::string::npos);
    EXPECT_NE(problem(parseMasters({"a:8080"}, "", "")).find("--marathon-url"), std::string::npos);
    EXPECT_NE(problem(parseMasters({"http://a"}, "", folder_ + "/no")).find("--marathon-auth-file"),
              std::string::npos);
    EXPECT_NE(problem(parseMasters({"http://a"}, folder_ + "/no", "")).find("--marathon-ca"),
              std::string::npos);
}

Masters two() {
    return std::get<Masters>(parseMasters({"https://a:8443/base", "http://b:8080"}, "", ""));
}

std::string follow(std::size_t from, const std::string& location,
                   const std::string& target = "/v2/events?x=1") {
    const auto masters = two();
    const auto there = followRedirect(masters, masters.urls[from], target, location);
    return there ? there->server.text() + there->target + (there->showPassword ? " +" : " -") : "";
}

TEST(Redirect, GoesToTheLeader) {
    EXPECT_EQ(follow(1, "http://c:8080/v2/events?x=1"), "http://c:8080/v2/events?x=1 +");
    EXPECT_EQ(follow(1, "http://b:9090/v2/other"), "http://b:9090/v2/other +");
    EXPECT_EQ(follow(0, "https://c:8443/base/v2/events"), "https://c:8443/base/v2/events +");
}

TEST(Redirect, KeepsThePasswordFromOthers) {
    EXPECT_EQ(follow(1, "http://evil/collect"), "http://evil:80/collect -");
    EXPECT_EQ(follow(0, "http://c:8080/base/v2/events"), "http://c:8080/base/v2/events -");
}

TEST(Redirect, RefusesWhatIsNoPlace) {
    for (const auto* location :
         {"", "/v2/events", "ftp://c/v2/events", "http://c", "http://u:p@c/x",
          "http://c/v2/ev ents", "http://c/\r\nX: y", "//c/v2/events"}) {
        EXPECT_EQ(follow(1, location), "") << location;
    }
}

}  // namespace
}  // namespace evergate::controller::marathon
