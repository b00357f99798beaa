// SPDX-License-Identifier: Apache-2.0
#include "dataplane/routing/routing_table.hpp"

#include "dataplane/routing/routing_table_impl.hpp"

namespace evergate::routing {

RoutingTable::RoutingTable() : impl_(std::make_unique<Impl>()) {}

RoutingTable::~RoutingTable() = default;
RoutingTable::RoutingTable(RoutingTable&&) noexcept = default;
RoutingTable& RoutingTable::operator=(RoutingTable&&) noexcept = default;

int RoutingTable::listenerIndex(std::string_view listener) const noexcept {
    const auto it = impl_->indexes.find(listener);
    return it == impl_->indexes.end() ? -1 : it->second;
}

const Target* RoutingTable::match(int listenerIndex, std::string_view host,
                                  std::string_view path) const noexcept {
    if (listenerIndex < 0 || path.empty()) {
        return nullptr;
    }
    const ComparableHost comparable(host);
    if (comparable.tooLong()) {
        return nullptr;
    }
    const auto index = static_cast<std::size_t>(listenerIndex);
    const PathRule* rule = impl_->listeners[index].match(comparable.text(), path);
    return rule == nullptr ? nullptr : rule->target;
}

bool RoutingTable::passesThrough(int listenerIndex) const noexcept {
    return listenerIndex >= 0 &&
           !impl_->passthrough[static_cast<std::size_t>(listenerIndex)].empty();
}

const Target* RoutingTable::passthrough(int listenerIndex, std::string_view host) const noexcept {
    const ComparableHost comparable(host);
    if (!passesThrough(listenerIndex) || comparable.tooLong()) {
        return nullptr;
    }
    const auto index = static_cast<std::size_t>(listenerIndex);
    const PassthroughTable& hosts = impl_->passthrough[index];
    if (const Target* target = hosts.exact(comparable.text())) {
        return target;
    }
    const bool routed = impl_->listeners[index].exact(comparable.text()) != nullptr;
    return routed ? nullptr : hosts.wildcard(comparable.text());
}

const std::vector<std::unique_ptr<Target>>& RoutingTable::targets() const noexcept {
    return impl_->targets;
}

}  // namespace evergate::routing
