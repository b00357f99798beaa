// SPDX-License-Identifier: Apache-2.0
// The Kubernetes source: Ingresses, IngressClasses, Services, EndpointSlices and, where there is an
// https listener, TLS Secrets of one cluster.
//
// Runs on the controller's thread. The sink hears nothing before every resource has been listed
// once. While the API server is away the last known state stays; nothing is ever taken for deleted
// because it could not be read. docs/kubernetes.md tells users what it needs and does.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/process/logging.hpp"
#include "controller/kubernetes/cluster_config.hpp"
#include "controller/kubernetes/reflector.hpp"
#include "controller/objects/object_store.hpp"
#include "controller/source.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

struct KubernetesOptions {
    std::string kubeconfig;      // file; empty: the pod's service account
    std::string watchNamespace;  // empty: all
    TranslateOptions translate;
    process::Logger logger;  // null: none
    // Called when anything but an EndpointSlice is no longer what it was, if only in its status,
    // and after each Desired. Null: not called.
    std::function<void()> onChange;

    // What follows has the right value by default; tests change it.
    kubernetes::ReflectorTuning tuning;
    std::optional<kubernetes::ClusterConfig> cluster;  // instead of the two ways above
    kubernetes::Environment environment;               // empty: the process's
    std::string serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";
    std::uint32_t seed = 0;  // of jitter; 0: a random one
    // How long an API server that refuses us Secrets is asked again before we go on without: right
    // after its start it may refuse what it will soon allow.
    std::chrono::milliseconds secretGrace{5'000};
};

// A Source whose store others may read: what is written back into the cluster depends on it.
class KubernetesSource : public Source {
public:
    virtual const ObjectStore& store() const = 0;
    // Desired::serial of the last Desired, when that was built from all of store(); nothing before
    // the first, and while a newer one is due.
    virtual std::optional<std::uint64_t> serial() const = 0;
};

// Where the API server is, as the options say; or one clear line for the user. Reads files.
kubernetes::OrProblem<kubernetes::ClusterConfig> findCluster(const KubernetesOptions& options);

// Throws std::invalid_argument with the line of findCluster(): at start, and only then.
std::unique_ptr<KubernetesSource> makeKubernetesSource(boost::asio::io_context& context,
                                                       KubernetesOptions options);

}  // namespace evergate::controller
