// SPDX-License-Identifier: Apache-2.0
// The resources we watch: their URLs.
//
// Pure; any thread.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "controller/objects/objects.hpp"

namespace evergate::controller::kubernetes {

inline constexpr std::array kWatchedKinds = {ResourceKind::ingress, ResourceKind::ingressClass,
                                             ResourceKind::service, ResourceKind::endpointSlice,
                                             ResourceKind::secret};

std::string_view pluralOf(ResourceKind kind) noexcept;  // "endpointslices"
bool isNamespaced(ResourceKind kind) noexcept;

// "/apis/networking.k8s.io/v1/namespaces/shop/ingresses"; all namespaces when `nameSpace` is empty.
std::string collectionPath(ResourceKind kind, std::string_view nameSpace);

// What narrows lists and watches of a kind, with its '&': of Secrets we read those of type
// kubernetes.io/tls only. Empty: everything.
std::string_view selectorQuery(ResourceKind kind) noexcept;

// For a query value: everything but unreserved bytes as %XX.
std::string percentEncoded(std::string_view text);

}  // namespace evergate::controller::kubernetes
