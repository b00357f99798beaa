// SPDX-License-Identifier: Apache-2.0
// The four resources we watch: their URLs.
//
// Pure; any thread.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "controller/objects/objects.hpp"

namespace evergate::controller::kubernetes {

inline constexpr std::array kWatchedKinds = {ResourceKind::ingress, ResourceKind::ingressClass,
                                             ResourceKind::service, ResourceKind::endpointSlice};

std::string_view pluralOf(ResourceKind kind) noexcept;  // "endpointslices"
bool isNamespaced(ResourceKind kind) noexcept;

// "/apis/networking.k8s.io/v1/namespaces/shop/ingresses"; all namespaces when `nameSpace` is empty.
std::string collectionPath(ResourceKind kind, std::string_view nameSpace);

// For a query value: everything but unreserved bytes as %XX.
std::string percentEncoded(std::string_view text);

}  // namespace evergate::controller::kubernetes
