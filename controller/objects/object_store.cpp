// SPDX-License-Identifier: Apache-2.0
#include "controller/objects/object_store.hpp"

#include <algorithm>
#include <utility>

namespace evergate::controller {
namespace {

template <typename T>
bool byName(const T* a, const T* b) {
    return a->metadata.id < b->metadata.id;
}

template <typename T>
void insertSorted(std::vector<const T*>& list, const T* object) {
    list.insert(std::lower_bound(list.begin(), list.end(), object, byName<T>), object);
}

template <typename T>
std::vector<ObjectKey> keysOf(ResourceKind kind, const ObjectStore::Map<T>& map) {
    std::vector<ObjectKey> keys;
    keys.reserve(map.size());
    for (const auto& [name, object] : map) {
        keys.push_back({kind, name});
    }
    return keys;
}

Change configChange() {
    return Change{.config = true, .endpointsOf = {}};
}

bool asksForListener(const Service& service) {
    return service.metadata.annotation("evergate.io/tcp-port") != nullptr ||
           service.metadata.annotation("evergate.io/http-port") != nullptr;
}

}  // namespace

void Change::merge(Change other) {
    config = config || other.config;
    endpointsOf.merge(other.endpointsOf);
}

std::vector<ObjectName> servicesNamedBy(const Ingress& ingress) {
    std::set<ObjectName> names;
    const auto add = [&](const IngressBackend& backend) {
        if (!backend.resource && !backend.service.empty()) {
            names.insert({ingress.metadata.id.ns, backend.service});
        }
    };
    if (ingress.defaultBackend) {
        add(*ingress.defaultBackend);
    }
    for (const IngressRule& rule : ingress.rules) {
        for (const IngressPath& path : rule.paths) {
            add(path.backend);
        }
    }
    return {names.begin(), names.end()};
}

template <typename T>
Change ObjectStore::replace(Map<T>& map, T object) {
    constexpr bool kIndexed = std::is_same_v<T, Ingress> || std::is_same_v<T, EndpointSlice>;
    const auto [it, inserted] = map.try_emplace(object.metadata.id);
    const bool same = !inserted && sameMeaning(it->second, object);
    Change change;
    if constexpr (std::is_same_v<T, EndpointSlice>) {
        if (!inserted && !same) {
            change.merge(changeOf(it->second));
        }
    }
    if constexpr (kIndexed) {
        if (!inserted && !same) {
            unindex(it->second);
        }
    }
    if constexpr (std::is_same_v<T, Secret>) {
        if (same) {
            object.pair = it->second.pair;  // what is known of the pair stays known
        }
    }
    it->second = std::move(object);
    if (same) {
        return {};
    }
    if constexpr (kIndexed) {
        index(it->second);
    }
    if constexpr (std::is_same_v<T, EndpointSlice>) {
        change.merge(changeOf(it->second));
        return change;
    } else {
        return configChange();
    }
}

template <typename T>
Change ObjectStore::remove(Map<T>& map, const ObjectName& name) {
    const auto it = map.find(name);
    if (it == map.end()) {
        return {};
    }
    Change change = configChange();
    if constexpr (std::is_same_v<T, EndpointSlice>) {
        change = changeOf(it->second);
    }
    if constexpr (std::is_same_v<T, Ingress> || std::is_same_v<T, EndpointSlice>) {
        unindex(it->second);
    }
    map.erase(it);
    return change;
}

Change ObjectStore::upsert(Object object) {
    return std::visit(
        [this](auto&& value) -> Change {
            using T = std::decay_t<decltype(value)>;
            if constexpr (std::is_same_v<T, Ingress>) {
                return replace(ingresses_, std::forward<decltype(value)>(value));
            } else if constexpr (std::is_same_v<T, IngressClass>) {
                return replace(ingressClasses_, std::forward<decltype(value)>(value));
            } else if constexpr (std::is_same_v<T, Service>) {
                return replace(services_, std::forward<decltype(value)>(value));
            } else if constexpr (std::is_same_v<T, EndpointSlice>) {
                return replace(endpointSlices_, std::forward<decltype(value)>(value));
            } else if constexpr (std::is_same_v<T, Secret>) {
                return replace(secrets_, std::forward<decltype(value)>(value));
            } else {
                return {};
            }
        },
        std::move(object));
}

Change ObjectStore::erase(const ObjectKey& key) {
    switch (key.kind) {
        case ResourceKind::ingress:
            return remove(ingresses_, key.name);
        case ResourceKind::ingressClass:
            return remove(ingressClasses_, key.name);
        case ResourceKind::service:
            return remove(services_, key.name);
        case ResourceKind::endpointSlice:
            return remove(endpointSlices_, key.name);
        case ResourceKind::secret:
            return remove(secrets_, key.name);
    }
    return {};
}

Change ObjectStore::replaceAll(ResourceKind kind, std::vector<Object> objects) {
    Change change;
    std::set<ObjectKey> listed;
    for (Object& object : objects) {
        const auto key = keyOf(object);
        if (key && key->kind == kind) {
            listed.insert(*key);
            change.merge(upsert(std::move(object)));
        }
    }
    for (const ObjectKey& key : keys(kind)) {
        if (!listed.contains(key)) {
            change.merge(erase(key));
        }
    }
    return change;
}

// A slice of host names is a problem to report, which only a whole translation does.
Change ObjectStore::changeOf(const EndpointSlice& slice) const {
    if (slice.service.empty() || !isReferenced(slice.serviceName())) {
        return {};
    }
    if (slice.addressType != AddressType::ipv4 && slice.addressType != AddressType::ipv6) {
        return configChange();
    }
    return Change{.config = false, .endpointsOf = {slice.serviceName()}};
}

std::size_t ObjectStore::size() const noexcept {
    return ingresses_.size() + ingressClasses_.size() + services_.size() + endpointSlices_.size() +
           secrets_.size();
}

const Service* ObjectStore::service(const ObjectName& name) const {
    const auto it = services_.find(name);
    return it == services_.end() ? nullptr : &it->second;
}

const Secret* ObjectStore::secret(const ObjectName& name) const {
    const auto it = secrets_.find(name);
    return it == secrets_.end() ? nullptr : &it->second;
}

const std::vector<const EndpointSlice*>& ObjectStore::slicesOf(const ObjectName& service) const {
    static const std::vector<const EndpointSlice*> kNone;
    const auto it = byService_.find(service);
    return it == byService_.end() ? kNone : it->second.slices;
}

const std::vector<const Ingress*>& ObjectStore::ingressesNaming(const ObjectName& service) const {
    static const std::vector<const Ingress*> kNone;
    const auto it = byService_.find(service);
    return it == byService_.end() ? kNone : it->second.ingresses;
}

bool ObjectStore::isReferenced(const ObjectName& name) const {
    if (!ingressesNaming(name).empty()) {
        return true;
    }
    const Service* found = service(name);
    return found != nullptr && asksForListener(*found);
}

std::vector<ObjectKey> ObjectStore::keys(ResourceKind kind) const {
    switch (kind) {
        case ResourceKind::ingress:
            return keysOf(kind, ingresses_);
        case ResourceKind::ingressClass:
            return keysOf(kind, ingressClasses_);
        case ResourceKind::service:
            return keysOf(kind, services_);
        case ResourceKind::endpointSlice:
            return keysOf(kind, endpointSlices_);
        case ResourceKind::secret:
            return keysOf(kind, secrets_);
    }
    return {};
}

void ObjectStore::index(const Ingress& ingress) {
    for (const ObjectName& name : servicesNamedBy(ingress)) {
        insertSorted(byService_[name].ingresses, &ingress);
    }
}

void ObjectStore::unindex(const Ingress& ingress) {
    for (const ObjectName& name : servicesNamedBy(ingress)) {
        std::erase(byService_[name].ingresses, &ingress);
        dropIfEmpty(name);
    }
}

void ObjectStore::index(const EndpointSlice& slice) {
    if (!slice.service.empty()) {
        insertSorted(byService_[slice.serviceName()].slices, &slice);
    }
}

void ObjectStore::unindex(const EndpointSlice& slice) {
    if (!slice.service.empty()) {
        std::erase(byService_[slice.serviceName()].slices, &slice);
        dropIfEmpty(slice.serviceName());
    }
}

void ObjectStore::dropIfEmpty(const ObjectName& service) {
    const auto it = byService_.find(service);
    if (it != byService_.end() && it->second.slices.empty() && it->second.ingresses.empty()) {
        byService_.erase(it);
    }
}

}  // namespace evergate::controller
