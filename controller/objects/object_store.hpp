// SPDX-License-Identifier: Apache-2.0
// The last known objects of a source, and whether a change to them matters.
//
// Not thread-safe: it belongs to the controller's one thread. Pointers and references it hands out
// stay good until that object is erased. An object of kind Unknown is never stored.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "controller/objects/objects.hpp"

namespace evergate::controller {

// What a change to the store asks for.
struct Change {
    bool config = false;               // translate everything
    std::set<ObjectName> endpointsOf;  // else: only the endpoints of these Services changed

    bool none() const noexcept { return !config && endpointsOf.empty(); }

    void merge(Change other);
};

class ObjectStore {
public:
    template <typename T>
    using Map = std::map<ObjectName, T>;

    Change upsert(Object object);
    Change erase(const ObjectKey& key);
    // `objects` is the complete list of that kind: what is not in it is erased; others are ignored.
    Change replaceAll(ResourceKind kind, std::vector<Object> objects);

    const Map<Ingress>& ingresses() const noexcept { return ingresses_; }

    const Map<IngressClass>& ingressClasses() const noexcept { return ingressClasses_; }

    const Map<Service>& services() const noexcept { return services_; }

    const Map<EndpointSlice>& endpointSlices() const noexcept { return endpointSlices_; }

    const Map<Secret>& secrets() const noexcept { return secrets_; }

    std::size_t size() const noexcept;

    const Service* service(const ObjectName& name) const;  // null when absent
    const Secret* secret(const ObjectName& name) const;    // null when absent
    // Sorted by name; empty when there are none.
    const std::vector<const EndpointSlice*>& slicesOf(const ObjectName& service) const;
    // Ingresses of whatever class that name this Service; sorted by name.
    const std::vector<const Ingress*>& ingressesNaming(const ObjectName& service) const;
    // Named by an Ingress, or asking for a listener of its own by annotation.
    bool isReferenced(const ObjectName& service) const;
    std::vector<ObjectKey> keys(ResourceKind kind) const;

private:
    struct ServiceIndex {
        std::vector<const EndpointSlice*> slices;
        std::vector<const Ingress*> ingresses;
    };

    template <typename T>
    Change replace(Map<T>& map, T object);
    template <typename T>
    Change remove(Map<T>& map, const ObjectName& name);
    void index(const Ingress& ingress);
    void unindex(const Ingress& ingress);
    void index(const EndpointSlice& slice);
    void unindex(const EndpointSlice& slice);
    void dropIfEmpty(const ObjectName& service);
    Change changeOf(const EndpointSlice& slice) const;

    Map<Ingress> ingresses_;
    Map<IngressClass> ingressClasses_;
    Map<Service> services_;
    Map<EndpointSlice> endpointSlices_;
    Map<Secret> secrets_;
    std::map<ObjectName, ServiceIndex> byService_;
};

// Names of the Services an Ingress refers to, each once, sorted.
std::vector<ObjectName> servicesNamedBy(const Ingress& ingress);

}  // namespace evergate::controller
