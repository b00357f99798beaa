// SPDX-License-Identifier: Apache-2.0
// The TLS settings for talking to the API server: TLS 1.2 or newer, the cluster's CA, our
// certificate.
//
// Reads the named files; any thread.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "controller/kubernetes/cluster_config.hpp"

namespace evergate::controller::kubernetes {

OrProblem<std::unique_ptr<boost::asio::ssl::context>> makeTlsContext(const ClusterConfig& config);

}  // namespace evergate::controller::kubernetes
