// SPDX-License-Identifier: Apache-2.0
// What a worker serves from: the compiled routes, the settings and the policy of every backend.
//
// Immutable and complete; built on the control thread, shared by all workers, dropped with the last
// request that uses it. Endpoints are not in here: they change far more often and are live state.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/model/values.hpp"
#include "dataplane/routing/routing_table.hpp"

namespace evergate::tls {
class ClientContext;
class ServerCertificates;
}  // namespace evergate::tls

namespace evergate::routing {

// One listener as a worker needs it. `id` is dense and stable for the life of the process, like
// BackendId.
struct ListenerSpec {
    std::string name;
    model::Listener listener;
    int routeIndex = -1;      // http: RoutingTable::listenerIndex of this table
    BackendId backendId = 0;  // tcp, tls: where its connections go
    std::shared_ptr<const SourceNetworks> sources;  // tcp, tls: whom it serves; null: everybody
    // Whose connections begin with a PROXY protocol header; null: nobody's.
    std::shared_ptr<const SourceNetworks> introducers{};
};

struct BackendSpec {
    BackendId id = 0;
    std::string name;
    std::shared_ptr<const model::Backend> policy;
    std::shared_ptr<const tls::ClientContext> trust{};  // https: whom to trust; else null
};

struct Snapshot {
    std::uint64_t version = 0;
    model::Settings settings;
    RoutingTable routes;
    std::vector<ListenerSpec> listeners;  // sorted by name
    std::vector<BackendSpec> backends;    // sorted by id
    // What https and tls listeners show; null where there is no such listener.
    std::shared_ptr<const tls::ServerCertificates> certificates;
    // Who is believed about the client's address (Settings::trustedProxies); null: nobody.
    std::shared_ptr<const SourceNetworks> trustedProxies;
};

}  // namespace evergate::routing
