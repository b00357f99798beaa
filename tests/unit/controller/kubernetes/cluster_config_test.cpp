// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/cluster_config.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace evergate::controller::kubernetes {
namespace {

constexpr const char* kKubeconfig = R"(
apiVersion: v1
kind: Config
current-context: there
clusters:
- name: other
  cluster: {server: "https://other"}
- name: c
  cluster:
    server: https://10.0.0.1:6443
    certificate-authority-data: Q0E=
    tls-server-name: kubernetes
users:
- name: u
  user:
    tokenFile: token
    client-certificate: /abs/cert.pem
    client-key-data: S0VZ
contexts:
- name: there
  context: {cluster: c, user: u, namespace: shop}
)";

TEST(Kubeconfig, ReadsTheCurrentContext) {
    const auto parsed = parseKubeconfig(kKubeconfig, "/home/me/.kube");
    ASSERT_TRUE(std::holds_alternative<ClusterConfig>(parsed))
        << std::get<ConfigProblem>(parsed).what;
    const auto& config = std::get<ClusterConfig>(parsed);
    EXPECT_EQ(config.server.text(), "https://10.0.0.1:6443");
    EXPECT_EQ(config.authority.text, "CA");
    EXPECT_EQ(config.tlsServerName, "kubernetes");
    EXPECT_EQ(config.token.file, "/home/me/.kube/token");
    EXPECT_EQ(config.clientCertificate.file, "/abs/cert.pem");
    EXPECT_EQ(config.clientKey.text, "KEY");
    EXPECT_EQ(config.nameSpace, "shop");
    EXPECT_FALSE(config.skipTlsVerify);
}

std::string problemWith(std::string yaml, const std::string& from, const std::string& to) {
    const auto at = yaml.find(from);
    EXPECT_NE(at, std::string::npos);
    yaml.replace(at, from.size(), to);
    const auto parsed = parseKubeconfig(yaml, ".");
    const auto* problem = std::get_if<ConfigProblem>(&parsed);
    return problem == nullptr ? "" : problem->what;
}

TEST(Kubeconfig, SaysWhatItCannotUse) {
    EXPECT_EQ(problemWith(kKubeconfig, "current-context: there", ""), "current-context is not set");
    EXPECT_EQ(problemWith(kKubeconfig, "cluster: c,", "cluster: none,"),
              "clusters has no entry named 'none'");
    EXPECT_NE(problemWith(kKubeconfig, "tokenFile: token", "exec: {command: aws}").find("'exec'"),
              std::string::npos);
    EXPECT_NE(
        problemWith(kKubeconfig, "tokenFile: token", "auth-provider: {}").find("'auth-provider'"),
        std::string::npos);
    EXPECT_NE(problemWith(kKubeconfig, "tokenFile: token", "username: x").find("password"),
              std::string::npos);
    EXPECT_EQ(problemWith(kKubeconfig, "client-key-data: S0VZ", ""),
              "client-certificate and client-key belong together");
    EXPECT_EQ(problemWith(kKubeconfig, "S0VZ", "'*'"), "client-key-data is not base64");
    EXPECT_EQ(problemWith(kKubeconfig, "tls-server-name: kubernetes", "proxy-url: http://x"),
              "proxy-url is not supported");
    EXPECT_EQ(problemWith(kKubeconfig, "tokenFile: token", "token: [1]"), "token must be a string");
    EXPECT_EQ(
        problemWith(kKubeconfig, "tls-server-name: kubernetes", "insecure-skip-tls-verify: maybe"),
        "insecure-skip-tls-verify must be true or false");
}

TEST(Kubeconfig, DoesNotQuoteAFileThatIsNoYaml) {
    const auto parsed = parseKubeconfig("token: \"secret", ".");
    ASSERT_TRUE(std::holds_alternative<ConfigProblem>(parsed));
    EXPECT_EQ(std::get<ConfigProblem>(parsed).what.find("secret"), std::string::npos);
    for (const auto* text : {"", "[]", "x", "clusters: 1\ncurrent-context: x"}) {
        EXPECT_TRUE(std::holds_alternative<ConfigProblem>(parseKubeconfig(text, "."))) << text;
    }
}

class InClusterTest : public ::testing::Test {
protected:
    InClusterTest() {
        std::filesystem::create_directories(directory_);
        for (const auto* name : {"token", "ca.crt", "namespace"}) {
            std::ofstream(directory_ / name) << name;
        }
    }

    ~InClusterTest() override { std::filesystem::remove_all(directory_); }

    OrProblem<ClusterConfig> load() {
        return inClusterConfig(
            [this](const char* name) {
                const auto it = variables_.find(name);
                return it == variables_.end() ? std::nullopt : std::optional(it->second);
            },
            directory_.string());
    }

    std::filesystem::path directory_ =
        std::filesystem::path(::testing::TempDir()) / ("in_cluster_" + std::to_string(::getpid()));
    std::map<std::string, std::string> variables_{{"KUBERNETES_SERVICE_HOST", "10.96.0.1"},
                                                  {"KUBERNETES_SERVICE_PORT", "443"}};
};

TEST_F(InClusterTest, UsesTheServiceAccount) {
    const auto loaded = load();
    ASSERT_TRUE(std::holds_alternative<ClusterConfig>(loaded));
    const auto& config = std::get<ClusterConfig>(loaded);
    EXPECT_EQ(config.server.text(), "https://10.96.0.1:443");
    EXPECT_EQ(config.token.file, (directory_ / "token").string());
    EXPECT_EQ(config.authority.file, (directory_ / "ca.crt").string());
    EXPECT_EQ(config.nameSpace, "namespace");
}

TEST_F(InClusterTest, TakesIpv6Hosts) {
    variables_["KUBERNETES_SERVICE_HOST"] = "fd00::1";
    EXPECT_EQ(std::get<ClusterConfig>(load()).server.hostHeader(), "[fd00::1]:443");
}

TEST_F(InClusterTest, SaysWhatIsMissing) {
    std::filesystem::remove(directory_ / "token");
    EXPECT_NE(std::get<ConfigProblem>(load()).what.find("/token"), std::string::npos);
    variables_.clear();
    EXPECT_NE(std::get<ConfigProblem>(load()).what.find("--kubeconfig"), std::string::npos);
}

}  // namespace
}  // namespace evergate::controller::kubernetes
