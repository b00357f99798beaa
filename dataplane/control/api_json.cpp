// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/api_json.hpp"

#include <algorithm>
#include <unordered_map>

#include "common/model/fields.hpp"
#include "common/model/hex.hpp"
#include "common/model/public_json.hpp"
#include "dataplane/control/json_writer.hpp"
#include "dataplane/control/metrics.hpp"
#include "dataplane/control/policy_words.hpp"
#include "dataplane/control/snapshot_compiler.hpp"
#include "dataplane/http/proxy_error.hpp"

namespace evergate::dataplane {
namespace {

template <typename Enum>
std::string_view enumName(Enum value) {
    return model::EnumNames<Enum>::kNames[static_cast<std::size_t>(value)];
}

// Each counter that is not 0, by its enumerator's name.
template <typename Enum, typename Counts>
void writeReasons(JsonWriter& json, std::string_view key, const Counts& counts) {
    json.key(key).beginObject();
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] != 0)
            json.field(name(static_cast<Enum>(i)), counts[i]);
    }
    json.endObject();
}

void writeHttp2(JsonWriter& json, const http2::ServerCounts& counts) {
    json.key("http2").beginObject();
    json.field("connections", counts.activeConnections).field("streams", counts.activeStreams);
    writeReasons<http2::Refusal>(json, "refusals", counts.refusals);
    json.endObject();
}

void writeHandshakes(JsonWriter& json, const net::HandshakeCounts& counts) {
    std::uint64_t full = 0;
    std::uint64_t resumed = 0;
    for (const auto& version : counts.done) {
        full += version[0];
        resumed += version[1];
    }
    json.key("tls").beginObject().field("handshakes", full + resumed).field("resumed", resumed);
    writeReasons<net::HandshakeFailure>(json, "failures", counts.failed);
    json.endObject();
}

void writeCounters(JsonWriter& json, const session::Counters& counters) {
    json.key("counters").beginObject();
    json.field("connections", counters.activeConnections);
    json.field("idleConnections", counters.idleConnections);
    json.field("activeRequests", counters.activeRequests);
    json.field("tunnels", counters.tunnels);
    json.field("accepted", counters.accepted);
    json.field("requests", counters.requests);
    json.key("responses").beginObject();
    for (std::size_t i = 0; i < counters.responses.size(); ++i)
        json.field(codeClass(i), counters.responses[i]);
    json.endObject();
    json.key("errors").beginObject();
    for (std::size_t i = 1; i < counters.errors.size(); ++i) {
        if (counters.errors[i] != 0)
            json.field(http::info(static_cast<http::ProxyError>(i)).reason, counters.errors[i]);
    }
    json.endObject();
    json.field("bytesFromClients", counters.bytesFromClients);
    json.field("bytesToClients", counters.bytesToClients);
    json.field("upstreamConnects", counters.upstreamConnects);
    json.field("upstreamReuses", counters.upstreamReuses);
    json.field("retries", counters.retries);
    writeHttp2(json, counters.http2);
    writeHandshakes(json, counters.tls);
    json.endObject();
}

void writeLimits(JsonWriter& json, const StatusFacts& facts) {
    const GrantedLimits& limits = facts.limits;
    json.key("limits").beginObject();
    json.field("openFiles", limits.openFiles);
    json.field("cpus", limits.cpus);
    json.key("memoryBytes");
    if (limits.memoryBytes) {
        json.value(*limits.memoryBytes);
    } else {
        json.raw("null");
    }
    json.field("localPorts", limits.localPorts);
    json.field("acceptQueue", limits.somaxconn);
    json.field("maxConnections", facts.serving.maxConnections);
    json.field("maxBufferBytes", facts.serving.bufferBytes);
    json.field("overloadLagMs", facts.serving.overloadLag.count());
    json.key("sourceAddresses").beginArray();
    for (const std::string& address : facts.serving.sourceAddresses)
        json.value(address);
    json.endArray();
    json.key("used").beginObject();
    json.field("connections", facts.use.connections).field("clients", facts.use.clients);
    json.field("bufferBytes", facts.use.bufferBytes).endObject();
    json.endObject();
}

void writeEndpoint(JsonWriter& json, const worker::EndpointStats& endpoint) {
    json.beginObject();
    json.field("address", endpoint.address);
    json.field("port", endpoint.port);
    json.field("weight", endpoint.weight);
    json.field("state", nameOf(stateOf(endpoint)));
    if (endpoint.slowStart)
        json.field("slowStart", true);
    if (!endpoint.check.empty())
        json.field("check", endpoint.check);
    json.field("active", endpoint.active);
    json.field("idle", endpoint.idle);
    json.field("requests", endpoint.requests);
    json.field("failures", endpoint.failures);
    json.field("connects", endpoint.connects);
    json.field("connectFailures", endpoint.connectFailures);
    json.endObject();
}

void writeEndpoints(JsonWriter& json, const worker::BackendStats* stats) {
    json.key("endpoints").beginArray();
    if (stats != nullptr) {
        for (const auto& endpoint : stats->endpoints)
            writeEndpoint(json, endpoint);
    }
    json.endArray();
}

void writeEntry(JsonWriter& json, const model::Key& key, const model::Entry& entry) {
    json.key(model::toText(key)).beginObject();
    json.field("hash", model::hexOf(entry.hash));
    json.key("value").raw(model::encodePublic(*entry.value));
    json.endObject();
}

bool selected(const routing::BackendSpec& backend, const BackendQuery& query) {
    return query.filter.empty() || backend.name.find(query.filter) != std::string::npos;
}

std::vector<const routing::BackendSpec*> selectSpecs(const routing::Snapshot* snapshot,
                                                     const BackendQuery& query) {
    std::vector<const routing::BackendSpec*> specs;
    if (snapshot == nullptr)
        return specs;
    for (const auto& backend : snapshot->backends) {
        if (selected(backend, query))
            specs.push_back(&backend);
    }
    std::sort(specs.begin(), specs.end(),
              [](const auto* left, const auto* right) { return left->name < right->name; });
    if (query.limit && specs.size() > *query.limit)
        specs.resize(*query.limit);
    return specs;
}

}  // namespace

std::string statusJson(const StatusFacts& facts) {
    JsonWriter json;
    json.beginObject();
    json.field("version", facts.version);
    json.field("rootHash", facts.rootHash);
    json.field("endpointsVersion", facts.endpointsVersion);
    json.field("endpointsRootHash", facts.endpointsRootHash);
    json.field("workers", facts.workers);
    json.field("connected", facts.connected);
    json.field("stale", facts.stale);
    json.key("ageSeconds");
    if (facts.ageSeconds) {
        json.value(*facts.ageSeconds);
    } else {
        json.raw("null");
    }
    json.field("restored", facts.restored);
    json.field("lastError", facts.lastError);
    json.field("ready", facts.ready);
    json.field("reason", facts.reason);
    json.field("draining", facts.draining);
    json.field("uptimeSeconds", facts.uptimeSeconds);
    json.field("build", facts.build);
    json.field("nodeId", facts.nodeId);
    json.field("listeners", facts.listeners);
    json.field("routes", facts.routes);
    json.field("backends", facts.backends);
    writeCounters(json, facts.counters);
    writeLimits(json, facts);
    return json.endObject().take();
}

std::string configJson(const model::Config* config, const model::Config& endpoints,
                       std::uint64_t version, std::optional<model::Kind> kind) {
    JsonWriter json;
    json.beginObject().field("version", version).key("entries").beginObject();
    for (const model::Kind one :
         {model::Kind::settings, model::Kind::certificate, model::Kind::listener,
          model::Kind::backend, model::Kind::endpoints, model::Kind::route}) {
        if (kind && *kind != one)
            continue;
        const model::Config* source = one == model::Kind::endpoints ? &endpoints : config;
        if (source == nullptr)
            continue;
        for (const auto& [key, entry] : EntriesOfKind(*source, one))
            writeEntry(json, key, entry);
    }
    return json.endObject().endObject().take();
}

std::string routesJson(const model::Config* config) {
    JsonWriter json;
    json.beginObject().key("routes").beginArray();
    if (config != nullptr) {
        for (const auto& [key, entry] : EntriesOfKind(*config, model::Kind::route)) {
            const auto& route = std::get<model::Route>(*entry.value);
            json.beginObject().field("name", key.name);
            json.key("listeners").beginArray();
            for (const auto& listener : route.listeners)
                json.value(listener);
            json.endArray();
            json.field("host", route.host).field("pathType", enumName(route.pathType));
            json.field("path", route.path).field("backend", route.backend);
            json.field("origin", route.origin).key("policy").beginArray();
            for (const auto& word : policyWords(route))
                json.value(word);
            json.endArray().endObject();
        }
    }
    return json.endArray().endObject().take();
}

std::string listenersJson(const routing::Snapshot* snapshot,
                          const std::vector<worker::WorkerStats>& workers) {
    const std::vector<worker::ListenerStats> sums = sumListeners(workers);
    JsonWriter json;
    json.beginObject().key("listeners").beginArray();
    if (snapshot != nullptr) {
        for (const auto& spec : snapshot->listeners) {
            std::uint64_t accepted = 0;
            std::uint64_t active = 0;
            std::uint64_t refused = 0;
            for (const auto& stats : sums) {
                if (stats.name != spec.name)
                    continue;
                accepted += stats.accepted;
                active += stats.active;
                refused += stats.refused;
            }
            json.beginObject().field("name", spec.name);
            json.field("address", spec.listener.address).field("port", spec.listener.port);
            json.field("protocol", enumName(spec.listener.protocol));
            json.field("backend", spec.listener.backend);
            json.field("accepted", accepted).field("active", active);
            json.field("refused", refused);
            json.field("maxConnections", spec.listener.maxConnections).endObject();
        }
    }
    return json.endArray().endObject().take();
}

std::vector<routing::BackendId> selectBackends(const routing::Snapshot* snapshot,
                                               const BackendQuery& query) {
    std::vector<routing::BackendId> ids;
    for (const auto* spec : selectSpecs(snapshot, query))
        ids.push_back(spec->id);
    return ids;
}

std::string backendsJson(const routing::Snapshot* snapshot, const BackendQuery& query,
                         const std::vector<worker::BackendStats>& stats) {
    std::unordered_map<routing::BackendId, const worker::BackendStats*> byId;
    for (const auto& one : stats)
        byId.emplace(one.id, &one);
    JsonWriter json;
    json.beginObject();
    json.field("total", snapshot == nullptr ? std::size_t{0} : snapshot->backends.size());
    json.key("backends").beginArray();
    for (const auto* spec : selectSpecs(snapshot, query)) {
        const auto it = byId.find(spec->id);
        json.beginObject().field("name", spec->name);
        json.field("balance", enumName(spec->policy->balance));
        json.field("maxConnections", spec->policy->maxConnections);
        json.field("queued", it == byId.end() ? std::uint64_t{0} : it->second->queued);
        json.field("panic", it != byId.end() && it->second->panic);
        writeEndpoints(json, it == byId.end() ? nullptr : it->second);
        json.endObject();
    }
    return json.endArray().endObject().take();
}

std::string connectionsJson(const std::vector<worker::ConnectionInfo>& connections) {
    JsonWriter json;
    json.beginObject().key("connections").beginArray();
    for (const auto& one : connections) {
        json.beginObject().field("worker", one.worker).field("client", one.client);
        json.field("listener", one.listener).field("state", one.state);
        json.field("endpoint", one.endpoint).field("requests", one.requests);
        json.field("ageSeconds", one.ageSeconds).endObject();
    }
    return json.endArray().endObject().take();
}

std::string revisionsJson(const RevisionHistory& history) {
    JsonWriter json;
    json.beginObject().key("revisions").beginArray();
    for (const auto& record : history.newestFirst()) {
        json.beginObject().field("version", record.version).field("rootHash", record.rootHash);
        json.field("appliedAt", toIso8601(record.appliedAt));
        json.field("lane", record.lane == model::Lane::config ? "config" : "endpoints");
        json.field("upserts", record.upserts).field("deletes", record.deletes);
        json.field("micros", record.micros);
        json.field("result", record.applied() ? "applied" : "rejected");
        json.key("problems").beginArray();
        for (const auto& problem : record.problems)
            json.value(problem);
        json.endArray().endObject();
    }
    return json.endArray().endObject().take();
}

std::string explainJson(const Explanation& explanation,
                        const std::vector<worker::BackendStats>& stats) {
    const auto of = std::find_if(stats.begin(), stats.end(), [&](const auto& one) {
        return explanation.backendId && one.id == *explanation.backendId;
    });
    JsonWriter json;
    json.beginObject().field("listener", explanation.listener).field("host", explanation.host);
    json.field("path", explanation.path).field("route", explanation.route);
    json.field("origin", explanation.origin).field("backend", explanation.backend);
    json.field("status", explanation.status);
    writeEndpoints(json, of == stats.end() ? nullptr : &*of);
    json.key("steps").beginArray();
    for (const auto& step : explanation.steps)
        json.value(step);
    return json.endArray().endObject().take();
}

}  // namespace evergate::dataplane
