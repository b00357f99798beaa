// SPDX-License-Identifier: Apache-2.0
// Which addresses an Ingress's status shows: given by flag, or read from a Service. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/objects/objects.hpp"

namespace evergate::controller::writeback {

// Sorted, each once: what statuses are compared as.
using Addresses = std::vector<PublishedAddress>;

Addresses sorted(Addresses addresses);

// An IP address or a host name; nothing for anything else.
std::optional<PublishedAddress> parsePublishedAddress(std::string_view text);

// "namespace/name"
std::optional<ObjectName> parseObjectName(std::string_view text);

// Those of a Service, by its type: the load balancer's and externalIPs; externalIPs or clusterIP of
// a NodePort; clusterIP; the name of an ExternalName. Empty while there are none; the text is what
// is wrong with the answer.
std::variant<Addresses, std::string> addressesOfService(std::string_view json);

}  // namespace evergate::controller::writeback
