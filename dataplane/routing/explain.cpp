// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/explain.hpp"

#include "dataplane/routing/routing_table_impl.hpp"

namespace evergate::routing {

namespace {

std::string ruleText(const PathRule& rule) {
    switch (rule.type) {
        case model::PathType::exact:
            return "exact " + rule.path;
        case model::PathType::prefix:
            return "prefix " + rule.path;
        case model::PathType::rawPrefix:
            return "raw prefix " + rule.path;
    }
    return rule.path;
}

// Tries the paths of one host entry; true when one matched.
bool tryHost(const std::string& entry, const PathTable* paths, Explanation& out) {
    if (paths == nullptr) {
        out.steps.push_back(entry + ": no routes");
        return false;
    }
    const PathRule* rule = paths->match(out.path);
    if (rule == nullptr) {
        out.steps.push_back(entry + ": no rule for this path");
        return false;
    }
    out.hostEntry = entry;
    out.pathRule = ruleText(*rule);
    out.target = rule->target;
    out.steps.push_back(entry + ": " + out.pathRule + " -> route " + rule->target->route);
    return true;
}

}  // namespace

Explanation explain(const RoutingTable& table, std::string_view listener, std::string_view host,
                    std::string_view path) {
    Explanation out;
    const int index = table.listenerIndex(listener);
    const ComparableHost comparable(host);
    std::string scratch;
    out.path = normalizePath(path, scratch);
    if (index < 0 || comparable.tooLong() || out.path.empty()) {
        out.steps.emplace_back(index < 0              ? "no route names this listener"
                               : comparable.tooLong() ? "host too long"
                                                      : "invalid path");
        return out;
    }
    out.host = comparable.text();
    const HostTable& hosts = table.impl_->listeners[static_cast<std::size_t>(index)];
    if (!out.host.empty() && tryHost(out.host, hosts.exact(out.host), out)) {
        return out;
    }
    if (const std::size_t dot = out.host.find('.'); dot != std::string::npos) {
        if (tryHost("*" + out.host.substr(dot), hosts.wildcard(out.host), out)) {
            return out;
        }
    }
    tryHost("any host", hosts.any(), out);
    return out;
}

}  // namespace evergate::routing
