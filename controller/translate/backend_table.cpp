// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/backend_table.hpp"

#include "controller/translate/endpoints.hpp"

namespace evergate::controller {

void BackendTable::addIngress(const Ingress& ingress) {
    const ObjectKey key{ResourceKind::ingress, ingress.metadata.id};
    const auto balance = loadBalanceOf(key, ingress.metadata, problems_);
    forEachBackend(ingress, [&](const IngressBackend& backend, const std::string& where) {
        auto parsed = referenceOf(ingress.metadata.id.ns, backend);
        if (auto* error = std::get_if<ReferenceError>(&parsed)) {
            problems_.add(toText(key), where + '.' + error->field, std::move(error->what));
            return;
        }
        const auto& reference = std::get<BackendReference>(parsed);
        checkTarget(key, where, reference);
        add(reference);
        if (balance) {
            applyBalance(key, *balance, uses_.at(reference.backendName()));
        }
    });
}

void BackendTable::add(const BackendReference& reference) {
    uses_.try_emplace(reference.backendName(), Use{reference, std::nullopt, {}});
}

void BackendTable::checkTarget(const ObjectKey& from, const std::string& where,
                               const BackendReference& reference) {
    const std::string target = toText({ResourceKind::service, reference.service});
    const Service* service = store_.service(reference.service);
    if (service == nullptr) {
        problems_.add(toText(from), where + ".service.name", target + " does not exist");
    } else if (service->externalName) {
        problems_.add(toText(from), where + ".service.name",
                      target + " is of type ExternalName, which is not supported");
    } else if (resolvePort(*service, reference.port) == nullptr) {
        problems_.add(toText(from), where + ".service.port",
                      target + " has no TCP port " + toText(reference.port));
    }
}

void BackendTable::applyBalance(const ObjectKey& from, const LoadBalance& balance, Use& use) {
    if (!use.balance) {
        use.balance = balance;
        use.balanceFrom = toText(from);
    } else if (*use.balance != balance) {
        problems_.add(toText(from), annotationPath(annotation::kLoadBalance),
                      "differs from that of " + use.balanceFrom + " for backend " +
                          use.reference.backendName() + "; ignored there");
    }
}

// What the Service says counts for whoever refers to it; else what the first Ingress says.
model::Backend BackendTable::backendOf(const Use& use) const {
    std::optional<LoadBalance> balance;
    if (const Service* service = store_.service(use.reference.service)) {
        balance = loadBalanceOf({ResourceKind::service, service->metadata.id}, service->metadata,
                                problems_);
    }
    if (!balance) {
        balance = use.balance;
    }
    model::Backend backend;
    if (balance) {
        backend.balance = balance->algorithm;
        backend.hashOn = balance->hashOn;
        backend.hashHeader = balance->hashHeader;
    }
    return backend;
}

void BackendTable::emit(model::Config& config) const {
    for (const auto& [name, use] : uses_) {
        config.put({model::Kind::backend, name}, backendOf(use));
        config.put({model::Kind::endpoints, name},
                   endpointsOf(store_, options_, use.reference, &problems_));
    }
}

}  // namespace evergate::controller
