// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/objects.hpp"

#include <string.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "common/model/syntax.hpp"

namespace evergate::controller {
namespace {

bool sameMetadata(const Metadata& a, const Metadata& b) {
    return std::tie(a.id, a.createdAt, a.annotations) == std::tie(b.id, b.createdAt, b.annotations);
}

}  // namespace

TlsKeyPair::~TlsKeyPair() {
    ::explicit_bzero(key.data(), key.size());
}

std::string_view kindName(ResourceKind kind) noexcept {
    switch (kind) {
        case ResourceKind::ingress:
            return "Ingress";
        case ResourceKind::ingressClass:
            return "IngressClass";
        case ResourceKind::service:
            return "Service";
        case ResourceKind::endpointSlice:
            return "EndpointSlice";
        case ResourceKind::secret:
            return "Secret";
    }
    return "?";
}

std::string_view apiVersion(ResourceKind kind) noexcept {
    switch (kind) {
        case ResourceKind::ingress:
        case ResourceKind::ingressClass:
            return "networking.k8s.io/v1";
        case ResourceKind::service:
        case ResourceKind::secret:
            return "v1";
        case ResourceKind::endpointSlice:
            return "discovery.k8s.io/v1";
    }
    return "?";
}

std::string toText(const ObjectKey& key) {
    std::string text(kindName(key.kind));
    text += ' ';
    if (!key.name.ns.empty()) {
        text += key.name.ns + '/';
    }
    return text + key.name.name;
}

std::optional<ObjectKey> keyFromText(std::string_view text) {
    for (const ResourceKind kind : kResourceKinds) {
        const std::string_view name = kindName(kind);
        if (!text.starts_with(name) || !text.substr(name.size()).starts_with(' ')) {
            continue;
        }
        const std::string_view id = text.substr(name.size() + 1);
        const std::size_t slash = id.find('/');
        ObjectKey key{kind, {}};
        if (slash != std::string_view::npos) {
            key.name.ns = id.substr(0, slash);
        }
        key.name.name = slash == std::string_view::npos ? id : id.substr(slash + 1);
        const bool clusterScoped = kind == ResourceKind::ingressClass;
        const bool good = isObjectName(key.name.name) &&
                          (clusterScoped ? key.name.ns.empty() : isObjectName(key.name.ns));
        return good ? std::optional(std::move(key)) : std::nullopt;
    }
    return std::nullopt;
}

bool isForeignAnnotation(std::string_view key) noexcept {
    constexpr std::array<std::string_view, 4> kPrefixes{
        "nginx.ingress.kubernetes.io/", "haproxy.org/", "haproxy-ingress.github.io/",
        "ingress.kubernetes.io/"};
    return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                       [&](std::string_view prefix) { return key.starts_with(prefix); });
}

const std::string* Metadata::annotation(std::string_view key) const noexcept {
    const auto it =
        std::lower_bound(annotations.begin(), annotations.end(), key,
                         [](const auto& pair, std::string_view k) { return pair.first < k; });
    return it != annotations.end() && it->first == key ? &it->second : nullptr;
}

std::optional<ObjectKey> keyOf(const Object& object) {
    struct Visitor {
        std::optional<ObjectKey> operator()(const Ingress& o) const {
            return ObjectKey{ResourceKind::ingress, o.metadata.id};
        }

        std::optional<ObjectKey> operator()(const IngressClass& o) const {
            return ObjectKey{ResourceKind::ingressClass, o.metadata.id};
        }

        std::optional<ObjectKey> operator()(const Service& o) const {
            return ObjectKey{ResourceKind::service, o.metadata.id};
        }

        std::optional<ObjectKey> operator()(const EndpointSlice& o) const {
            return ObjectKey{ResourceKind::endpointSlice, o.metadata.id};
        }

        std::optional<ObjectKey> operator()(const Secret& o) const {
            return ObjectKey{ResourceKind::secret, o.metadata.id};
        }

        std::optional<ObjectKey> operator()(const Unknown&) const { return std::nullopt; }
    };

    return std::visit(Visitor{}, object);
}

bool sameMeaning(const Ingress& a, const Ingress& b) {
    return sameMetadata(a.metadata, b.metadata) &&
           std::tie(a.ingressClassName, a.defaultBackend, a.rules, a.tls) ==
               std::tie(b.ingressClassName, b.defaultBackend, b.rules, b.tls);
}

bool sameMeaning(const IngressClass& a, const IngressClass& b) {
    return sameMetadata(a.metadata, b.metadata) && a.controller == b.controller;
}

bool sameMeaning(const Service& a, const Service& b) {
    return sameMetadata(a.metadata, b.metadata) && a.externalName == b.externalName &&
           a.ports == b.ports;
}

// Nothing reads the age or the annotations of a slice.
bool sameMeaning(const EndpointSlice& a, const EndpointSlice& b) {
    return std::tie(a.metadata.id, a.service, a.addressType, a.endpoints, a.ports) ==
           std::tie(b.metadata.id, b.service, b.addressType, b.endpoints, b.ports);
}

bool sameMeaning(const Secret& a, const Secret& b) {
    return a.metadata.id == b.metadata.id && a.authorities == b.authorities &&
           a.revocations == b.revocations && (a.pair == b.pair || *a.pair == *b.pair);
}

bool isObjectName(std::string_view text) noexcept {
    return model::isHostName(text, false);
}

}  // namespace evergate::controller
