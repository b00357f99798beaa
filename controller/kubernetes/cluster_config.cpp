// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/cluster_config.hpp"

namespace evergate::controller::kubernetes {

OrProblem<ClusterConfig> inClusterConfig(const Environment& environment,
                                         const std::string& serviceAccountDirectory) {
    const auto host = environment("KUBERNETES_SERVICE_HOST");
    const auto port = environment("KUBERNETES_SERVICE_PORT");
    if (!host || host->empty() || !port || port->empty()) {
        return ConfigProblem{
            "not in a cluster (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set): "
            "name a kubeconfig with --kubeconfig"};
    }
    const bool v6 = host->find(':') != std::string::npos;
    auto url = parseServerUrl("https://" + (v6 ? "[" + *host + "]" : *host) + ":" + *port);
    if (const auto* problem = std::get_if<ConfigProblem>(&url)) {
        return ConfigProblem{"KUBERNETES_SERVICE_HOST and _PORT: " + problem->what};
    }
    ClusterConfig config;
    config.server = std::get<ServerUrl>(std::move(url));
    config.token.file = serviceAccountDirectory + "/token";
    config.authority.file = serviceAccountDirectory + "/ca.crt";
    for (const auto* needed : {&config.token, &config.authority}) {
        const auto text = readText(*needed);
        if (const auto* problem = std::get_if<ConfigProblem>(&text)) {
            return *problem;
        }
    }
    const auto nameSpace = readText({"", serviceAccountDirectory + "/namespace"});
    if (const auto* text = std::get_if<std::string>(&nameSpace)) {
        config.nameSpace = *text;
    }
    return config;
}

}  // namespace evergate::controller::kubernetes
