// SPDX-License-Identifier: Apache-2.0
// The Kubernetes source: Ingresses, IngressClasses, Services and EndpointSlices of one cluster.
//
// Runs on the controller's thread. The sink hears nothing before every resource has been listed
// once. While the API server is away the last known state stays; nothing is ever taken for deleted
// because it could not be read. docs/kubernetes.md tells users what it needs and does.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/process/logging.hpp"
#include "controller/kubernetes/cluster_config.hpp"
#include "controller/kubernetes/reflector.hpp"
#include "controller/source.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

struct KubernetesOptions {
    std::string kubeconfig;      // file; empty: the pod's service account
    std::string watchNamespace;  // empty: all
    TranslateOptions translate;
    process::Logger logger;  // null: none

    // What follows has the right value by default; tests change it.
    kubernetes::ReflectorTuning tuning;
    std::optional<kubernetes::ClusterConfig> cluster;  // instead of the two ways above
    kubernetes::Environment environment;               // empty: the process's
    std::string serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";
    std::uint32_t seed = 0;  // of jitter; 0: a random one
};

// Where the API server is, as the options say; or one clear line for the user. Reads files.
kubernetes::OrProblem<kubernetes::ClusterConfig> findCluster(const KubernetesOptions& options);

// Throws std::invalid_argument with the line of findCluster(): at start, and only then.
std::unique_ptr<Source> makeKubernetesSource(boost::asio::io_context& context,
                                             KubernetesOptions options);

}  // namespace evergate::controller
