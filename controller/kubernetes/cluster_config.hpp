// SPDX-License-Identifier: Apache-2.0
// Where the API server is and how to prove who we are: from the pod's service account or a
// kubeconfig.
//
// Plain values. Certificates, keys and tokens that live in files are named here and read when a
// connection is made, because clusters replace them while we run. Secrets never appear in error
// texts.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "controller/client/server_access.hpp"

namespace evergate::controller::kubernetes {

using client::ConfigProblem;
using client::OrProblem;
using client::parseServerUrl;
using client::readText;
using client::ServerUrl;
using client::TextOrFile;

struct ClusterConfig : client::ServerAccess {
    TextOrFile token;
    std::string nameSpace;  // of the pod or the context; may be empty
};

// Pure: reads no files. `baseDirectory` is what relative file names in it are relative to.
OrProblem<ClusterConfig> parseKubeconfig(const std::string& yaml, const std::string& baseDirectory);
OrProblem<ClusterConfig> loadKubeconfig(const std::string& path);

using Environment = std::function<std::optional<std::string>(const char* name)>;

// From KUBERNETES_SERVICE_HOST and _PORT and the files of the service account's directory.
OrProblem<ClusterConfig> inClusterConfig(const Environment& environment,
                                         const std::string& serviceAccountDirectory);

}  // namespace evergate::controller::kubernetes
