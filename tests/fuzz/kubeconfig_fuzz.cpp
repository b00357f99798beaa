// SPDX-License-Identifier: Apache-2.0
// Fuzz: a kubeconfig of any bytes is a configuration or one line of explanation.
#include <cstdlib>
#include <string>

#include "controller/kubernetes/cluster_config.hpp"

using namespace evergate::controller::kubernetes;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parsed =
        parseKubeconfig(std::string(reinterpret_cast<const char*>(data), size), "/base");
    const auto* problem = std::get_if<ConfigProblem>(&parsed);
    if (problem != nullptr ? problem->what.empty()
                           : std::get<ClusterConfig>(parsed).server.host.empty()) {
        std::abort();
    }
    return 0;
}
