// SPDX-License-Identifier: Apache-2.0
#include "controller/client/server_access.hpp"

#include <gtest/gtest.h>

namespace evergate::controller::client {
namespace {

std::string urlOrProblem(std::string_view text) {
    const auto url = parseServerUrl(text);
    const auto* problem = std::get_if<ConfigProblem>(&url);
    return problem != nullptr ? "!" : std::get<ServerUrl>(url).text();
}

TEST(ServerUrl, TakesHostsPortsAndPaths) {
    EXPECT_EQ(urlOrProblem("https://10.0.0.1:6443"), "https://10.0.0.1:6443");
    EXPECT_EQ(urlOrProblem("https://api.example.com"), "https://api.example.com:443");
    EXPECT_EQ(urlOrProblem("http://127.0.0.1:8001/"), "http://127.0.0.1:8001");
    EXPECT_EQ(urlOrProblem("https://[fd00::1]:6443"), "https://[fd00::1]:6443");
    EXPECT_EQ(urlOrProblem("https://[::1]"), "https://[::1]:443");
    EXPECT_EQ(urlOrProblem("https://rancher/k8s/clusters/c-1/"),
              "https://rancher:443/k8s/clusters/c-1");
}

TEST(ServerUrl, RefusesTheRest) {
    for (const auto* text :
         {"", "10.0.0.1", "ftp://x", "https://", "https://:1", "https://a:0", "https://a:70000",
          "https://a:1x", "https://a:", "https://[::1", "https://[x]", "https://a b",
          "https://u:p@h", "https://a/\r\nX: y", "https://a/?q", "https://[::1]x"}) {
        EXPECT_EQ(urlOrProblem(text), "!") << text;
    }
}

}  // namespace
}  // namespace evergate::controller::client
