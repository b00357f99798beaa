// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include <memory>
#include <vector>

#include "controller/kubernetes/cluster_config.hpp"

namespace evergate::controller::kubernetes {
namespace {

// Thrown and caught in this file only: a kubeconfig is read once, at start.
struct Refused {
    std::string what;
};

YAML::Node member(const YAML::Node& map, const char* key) {
    return map && map.IsMap() ? map[key] : YAML::Node(YAML::NodeType::Undefined);
}

std::string textOf(const YAML::Node& map, const char* key) {
    const auto node = member(map, key);
    if (!node || node.IsNull()) {
        return {};
    }
    if (!node.IsScalar()) {
        throw Refused{std::string(key) + " must be a string"};
    }
    return node.Scalar();
}

// The `body` of the entry called `name` in the list `list` ("clusters" of {name, cluster}).
YAML::Node namedEntry(const YAML::Node& root, const char* list, const char* body,
                      const std::string& name) {
    const auto entries = member(root, list);
    if (entries && entries.IsSequence()) {
        for (const auto& entry : entries) {
            if (textOf(entry, "name") == name) {
                return member(entry, body);
            }
        }
    }
    throw Refused{std::string(list) + " has no entry named '" + name + "'"};
}

std::string decodeBase64(const std::string& text, const char* key) {
    const std::unique_ptr<EVP_ENCODE_CTX, decltype(&EVP_ENCODE_CTX_free)> context(
        EVP_ENCODE_CTX_new(), EVP_ENCODE_CTX_free);
    std::vector<unsigned char> out(text.size() + 64);
    int length = 0;
    int last = 0;
    EVP_DecodeInit(context.get());
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    if (EVP_DecodeUpdate(context.get(), out.data(), &length, bytes, static_cast<int>(text.size())) <
            0 ||
        EVP_DecodeFinal(context.get(), out.data() + length, &last) < 0 || length + last == 0) {
        throw Refused{std::string(key) + " is not base64"};
    }
    return {out.begin(), out.begin() + length + last};
}

// `key` names a file, `key`-data holds its content in base64.
TextOrFile dataOrFile(const YAML::Node& map, const std::string& key,
                      const std::string& baseDirectory) {
    const auto dataKey = key + "-data";
    // As kubectl: data in place wins over a file.
    if (const auto data = textOf(map, dataKey.c_str()); !data.empty()) {
        return {decodeBase64(data, dataKey.c_str()), {}};
    }
    auto file = textOf(map, key.c_str());
    if (!file.empty() && file.front() != '/') {
        file = baseDirectory + "/" + file;
    }
    return {{}, file};
}

bool isTrue(const YAML::Node& map, const char* key) {
    const auto text = textOf(map, key);
    if (!text.empty() && text != "true" && text != "false") {
        throw Refused{std::string(key) + " must be true or false"};
    }
    return text == "true";
}

void takeCluster(const YAML::Node& cluster, const std::string& baseDirectory,
                 ClusterConfig& config) {
    auto url = parseServerUrl(textOf(cluster, "server"));
    if (const auto* problem = std::get_if<ConfigProblem>(&url)) {
        throw Refused{problem->what};
    }
    config.server = std::get<ServerUrl>(std::move(url));
    config.authority = dataOrFile(cluster, "certificate-authority", baseDirectory);
    config.skipTlsVerify = isTrue(cluster, "insecure-skip-tls-verify");
    config.tlsServerName = textOf(cluster, "tls-server-name");
    if (!textOf(cluster, "proxy-url").empty()) {
        throw Refused{"proxy-url is not supported"};
    }
}

void takeUser(const YAML::Node& user, const std::string& baseDirectory, ClusterConfig& config) {
    for (const auto* plugin : {"exec", "auth-provider"}) {
        if (member(user, plugin)) {
            throw Refused{std::string("the user needs the credential plugin '") + plugin +
                          "', which is not supported: use a service account token or a client "
                          "certificate"};
        }
    }
    if (!textOf(user, "username").empty()) {
        throw Refused{
            "username and password are not supported: use a token or a client certificate"};
    }
    config.token.text = textOf(user, "token");
    config.token.file = textOf(user, "tokenFile");
    if (!config.token.file.empty() && config.token.file.front() != '/') {
        config.token.file = baseDirectory + "/" + config.token.file;
    }
    config.clientCertificate = dataOrFile(user, "client-certificate", baseDirectory);
    config.clientKey = dataOrFile(user, "client-key", baseDirectory);
    if (config.clientCertificate.empty() != config.clientKey.empty()) {
        throw Refused{"client-certificate and client-key belong together"};
    }
}

ClusterConfig parse(const std::string& yaml, const std::string& baseDirectory) {
    const auto root = YAML::Load(yaml);
    if (!root.IsMap()) {
        throw Refused{"not a kubeconfig"};
    }
    const auto current = textOf(root, "current-context");
    if (current.empty()) {
        throw Refused{"current-context is not set"};
    }
    const auto context = namedEntry(root, "contexts", "context", current);
    ClusterConfig config;
    takeCluster(namedEntry(root, "clusters", "cluster", textOf(context, "cluster")), baseDirectory,
                config);
    if (const auto user = textOf(context, "user"); !user.empty()) {
        takeUser(namedEntry(root, "users", "user", user), baseDirectory, config);
    }
    config.nameSpace = textOf(context, "namespace");
    return config;
}

}  // namespace

OrProblem<ClusterConfig> parseKubeconfig(const std::string& yaml,
                                         const std::string& baseDirectory) {
    try {
        return parse(yaml, baseDirectory);
    } catch (const Refused& refused) {
        return ConfigProblem{refused.what};
    } catch (const YAML::Exception& error) {
        // Its own text may quote the file, which holds secrets: only the place is passed on.
        return ConfigProblem{"not valid YAML at line " + std::to_string(error.mark.line + 1)};
    }
}

OrProblem<ClusterConfig> loadKubeconfig(const std::string& path) {
    const auto yaml = readText({"", path});
    if (const auto* problem = std::get_if<ConfigProblem>(&yaml)) {
        return *problem;
    }
    const auto slash = path.rfind('/');
    const auto directory = slash == std::string::npos ? std::string(".") : path.substr(0, slash);
    auto config = parseKubeconfig(std::get<std::string>(yaml), directory);
    if (const auto* problem = std::get_if<ConfigProblem>(&config)) {
        return ConfigProblem{path + ": " + problem->what};
    }
    return config;
}

}  // namespace evergate::controller::kubernetes
