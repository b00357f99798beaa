// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/resource.hpp"

#include <cctype>

namespace evergate::controller::kubernetes {

std::string_view pluralOf(ResourceKind kind) noexcept {
    switch (kind) {
        case ResourceKind::ingress:
            return "ingresses";
        case ResourceKind::ingressClass:
            return "ingressclasses";
        case ResourceKind::service:
            return "services";
        case ResourceKind::endpointSlice:
            return "endpointslices";
        case ResourceKind::secret:
            return "secrets";
    }
    return {};
}

bool isNamespaced(ResourceKind kind) noexcept {
    return kind != ResourceKind::ingressClass;
}

std::string collectionPath(ResourceKind kind, std::string_view nameSpace) {
    const auto version = apiVersion(kind);
    const bool core = version.find('/') == std::string_view::npos;
    std::string path = core ? "/api/" : "/apis/";
    path += version;
    if (isNamespaced(kind) && !nameSpace.empty()) {
        path += "/namespaces/" + percentEncoded(nameSpace);
    }
    path += '/';
    path += pluralOf(kind);
    return path;
}

std::string_view selectorQuery(ResourceKind kind) noexcept {
    return kind == ResourceKind::secret ? "&fieldSelector=type%3Dkubernetes.io%2Ftls" : "";
}

std::string percentEncoded(std::string_view text) {
    constexpr auto kDigits = "0123456789ABCDEF";
    std::string encoded;
    for (const unsigned char c : text) {
        if (std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
            encoded += static_cast<char>(c);
        } else {
            encoded += {'%', kDigits[c >> 4U], kDigits[c & 15U]};
        }
    }
    return encoded;
}

}  // namespace evergate::controller::kubernetes
