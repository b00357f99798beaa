// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/routing_table_impl.hpp"

namespace evergate::routing {

// Fills a table route by route, in the order of their keys: the same configuration gives the same
// table.
class Compiler {
public:
    explicit Compiler(BackendIds& ids) : ids_(ids) {}

    void add(const model::Key& key, const model::Route& route) {
        // A rule is compared with normalised paths, so it is normalised too. One that cannot be (a
        // malformed escape) stays as it is and matches nothing.
        const std::string_view normal = normalizePath(route.path, scratch_);
        const std::string_view path = normal.empty() ? std::string_view(route.path) : normal;
        const Target* target = addTarget(key, route, path);
        for (const std::string& listener : route.listeners) {
            const std::size_t index = indexOf(listener);
            if (route.passthrough) {
                table_.impl_->passthrough[index].add(route.host, target);
            } else {
                table_.impl_->listeners[index].at(route.host).add(route.pathType, path, target);
            }
        }
    }

    RoutingTable finish() {
        for (HostTable& hosts : table_.impl_->listeners) {
            hosts.finish();
        }
        return std::move(table_);
    }

private:
    const Target* addTarget(const model::Key& key, const model::Route& route,
                            std::string_view path) {
        auto& targets = table_.impl_->targets;
        auto target = std::make_unique<Target>();
        target->route = key.name;
        target->origin = route.origin;
        target->backend = route.backend;
        target->backendId = ids_.idOf(route.backend);
        target->statsIndex =
            ids_.statsIndexOf(key.name, static_cast<std::uint32_t>(targets.size()));
        target->policy = compilePolicy(route, path);
        return targets.emplace_back(std::move(target)).get();
    }

    std::size_t indexOf(const std::string& listener) {
        auto& listeners = table_.impl_->listeners;
        const auto [it, added] =
            table_.impl_->indexes.try_emplace(listener, static_cast<int>(listeners.size()));
        if (added) {
            listeners.emplace_back();
            table_.impl_->passthrough.emplace_back();
        }
        return static_cast<std::size_t>(it->second);
    }

    BackendIds& ids_;
    RoutingTable table_;
    std::string scratch_;
};

RoutingTable compile(const model::Config& config, BackendIds& ids) {
    Compiler compiler(ids);
    const auto& entries = config.entries();
    for (auto it = entries.lower_bound({model::Kind::route, ""});
         it != entries.end() && it->first.kind == model::Kind::route; ++it) {
        if (const auto* route = std::get_if<model::Route>(it->second.value.get())) {
            compiler.add(it->first, *route);
        }
    }
    return compiler.finish();
}

}  // namespace evergate::routing
