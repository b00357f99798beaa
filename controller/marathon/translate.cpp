// SPDX-License-Identifier: Apache-2.0
#include "controller/marathon/translate.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "controller/marathon/route_rank.hpp"
#include "controller/translate/main_listeners.hpp"

namespace evergate::controller::marathon {
namespace {

using model::Key;
using model::Kind;

// The cookie of marathon-lb.
constexpr const char* kStickyCookie = "mesosphere_server_id";

struct Service {
    const App* app = nullptr;
    PortWish wish;
    std::string backend;

    std::string origin() const { return toText(*app); }

    std::string label(const char* name) const {
        return "HAPROXY_" + std::to_string(wish.index) + "_" + name;
    }
};

class Translation {
public:
    Translation(const MarathonTranslate& options, const HostLookup& lookup)
        : options_(options), lookup_(lookup), groups_(options.groups) {}

    Translated run(const Apps& apps, const std::vector<AppProblem>& malformed) {
        for (const auto& each : malformed) {
            problems_.add("App " + each.appId, each.where, each.what + "; the app is as it was");
        }
        for (const auto& [id, app] : apps) {
            collect(app);
        }
        emitSettings();
        emitBackends();
        emitListeners();
        emitVhosts();
        result_.desired.problems = problems_.take();
        return std::move(result_);
    }

private:
    model::Config& config() { return result_.desired.config; }

    void collect(const App& app) {
        for (auto& wish : wishesOf(app, groups_, &problems_)) {
            Service service{&app, std::move(wish), {}};
            if (service.wish.port == 0 && service.wish.hosts.empty()) {
                problems_.add(
                    toText(app), service.label("PORT"),
                    "Marathon assigned no service port and no label gives one: not served");
                continue;
            }
            service.backend = backendName(app.id, service.wish.port);
            if (service.wish.port == 0) {
                service.backend += "_" + std::to_string(service.wish.index);
            }
            services_.push_back(std::move(service));
        }
    }

    void emitSettings();
    void emitBackends();
    void emitListeners();
    void emitServicePort(const Service& service);
    void emitVhosts();
    void emitVhost(const Service& service, const RankedRoute& ranked);
    void reportHidden(const Service& service, const RankedRoute& route, const RankedRoute& hiding);
    model::Backend backendOf(const PortWish& wish) const;

    const MarathonTranslate& options_;
    const HostLookup& lookup_;
    GroupFilter groups_;
    ProblemList problems_;
    std::vector<Service> services_;
    Translated result_;
};

void Translation::emitSettings() {
    const auto& common = options_.common;
    emitMainListeners(common, config());
    if (common.settings != model::Settings{}) {
        config().put({Kind::settings, "global"}, common.settings);
    }
}

model::Backend Translation::backendOf(const PortWish& wish) const {
    model::Backend backend;
    backend.balance = wish.balance;
    backend.hashOn = wish.hashOn;
    backend.hashHeader = wish.hashHeader;
    if (wish.sticky) {
        backend.affinityCookie = kStickyCookie;
    }
    return backend;
}

void Translation::emitBackends() {
    std::vector<Service> kept;
    for (auto& service : services_) {
        const Key key{Kind::backend, service.backend};
        if (config().entries().contains(key)) {
            problems_.add(service.origin(), service.label("PORT"),
                          "the name " + service.backend + " is taken by App " +
                              result_.owners.at(service.backend).appId + ": not served");
            continue;
        }
        config().put(key, backendOf(service.wish));
        const auto& port = service.app->shape.ports[service.wish.index];
        config().put({Kind::endpoints, service.backend},
                     endpointsOf(*service.app, port, lookup_, &problems_));
        result_.owners[service.backend] = {service.app->id, service.wish.index};
        kept.push_back(std::move(service));
    }
    services_ = std::move(kept);
}

void Translation::emitListeners() {
    std::set<std::uint16_t> reserved(options_.common.reservedPorts.begin(),
                                     options_.common.reservedPorts.end());
    reserved.insert(options_.common.listenPort);
    if (options_.common.https) {
        reserved.insert(options_.common.https->port);
    }
    // The first by app id and port gets what several want.
    std::vector<const Service*> order;
    for (const auto& service : services_) {
        order.push_back(&service);
    }
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
        return std::tie(a->app->id, a->wish.port, a->wish.index) <
               std::tie(b->app->id, b->wish.port, b->wish.index);
    });
    std::map<std::pair<std::string, std::uint16_t>, const Service*> owners;
    for (const auto* service : order) {
        const auto& wish = service->wish;
        if (!wish.listen || wish.port == 0) {
            continue;
        }
        const auto where = service->label("PORT");
        const auto port = std::to_string(wish.port);
        if (reserved.contains(wish.port)) {
            problems_.add(service->origin(), where,
                          "port " + port + " is Evergate's own; the service port is not opened");
            continue;
        }
        const auto& address =
            wish.bindAddress.empty() ? options_.common.listenAddress : wish.bindAddress;
        const auto [it, inserted] = owners.try_emplace({address, wish.port}, service);
        if (inserted) {
            emitServicePort(*service);
        } else {
            problems_.add(service->origin(), where,
                          "port " + port + " is taken by " + it->second->origin() +
                              "; the service port is not opened");
        }
    }
}

// Named after its address: when another app takes the port over, the listener stays.
void Translation::emitServicePort(const Service& service) {
    const auto& wish = service.wish;
    auto name = "port/" + std::to_string(wish.port);
    if (!wish.bindAddress.empty()) {
        name += "/" + wish.bindAddress;
    }
    model::Listener listener;
    listener.address = wish.bindAddress.empty() ? options_.common.listenAddress : wish.bindAddress;
    listener.port = wish.port;
    if (!wish.http) {
        listener.protocol = model::ListenerProtocol::tcp;
        listener.backend = service.backend;
        listener.restrictSources = wish.restrictSources;
        listener.allowSources = wish.allowSources;
        config().put({Kind::listener, name}, std::move(listener));
        return;
    }
    config().put({Kind::listener, name}, std::move(listener));
    model::Route route;
    route.listeners = {name};
    route.backend = service.backend;
    route.origin = service.origin();
    route.restrictSources = wish.restrictSources;
    route.allowSources = wish.allowSources;
    config().put({Kind::route, name}, std::move(route));
}

void Translation::emitVhosts() {
    std::vector<RankedRoute> ranked;
    for (std::size_t i = 0; i < services_.size(); ++i) {
        const auto& [app, wish, backend] = services_[i];
        for (const auto& host : wish.vhosts ? wish.hosts : std::vector<std::string>{}) {
            for (const auto& path :
                 wish.paths.empty() ? std::vector<std::string>{"/"} : wish.paths) {
                RankedRoute route;
                route.host = host;
                route.path = path;
                route.weight = wish.weight;
                route.appId = app->id;
                route.port = wish.port;
                route.service = i;
                ranked.push_back(std::move(route));
            }
        }
    }
    rankRoutes(ranked);
    for (const auto& route : ranked) {
        if (!route.hiddenBy) {
            emitVhost(services_[route.service], route);
        } else if (ranked[*route.hiddenBy].service != route.service) {
            reportHidden(services_[route.service], route, ranked[*route.hiddenBy]);
        }
    }
}

void Translation::reportHidden(const Service& service, const RankedRoute& route,
                               const RankedRoute& hiding) {
    problems_.add(service.origin(), service.label(service.wish.paths.empty() ? "VHOST" : "PATH"),
                  route.host + route.path + " is never reached: " + hiding.host + hiding.path +
                      " of App " + hiding.appId +
                      " comes first (by BACKEND_WEIGHT, then app id and port); not served");
}

void Translation::emitVhost(const Service& service, const RankedRoute& ranked) {
    model::Route route;
    route.listeners = {kHttpListener};
    if (options_.common.https) {
        route.listeners.emplace_back(kHttpsListener);
        route.redirectToHttps = service.wish.redirectToHttps;
        route.redirectPort = options_.common.https->redirectPort;
    } else if (service.wish.redirectToHttps) {
        problems_.add(service.origin(), service.label("REDIRECT_TO_HTTPS"),
                      "there is no https listener; ignored");
    }
    route.host = ranked.host;
    route.pathType = ranked.path == "/" ? model::PathType::prefix : model::PathType::rawPrefix;
    route.path = ranked.path;
    route.backend = service.backend;
    route.origin = service.origin();
    route.restrictSources = service.wish.restrictSources;
    route.allowSources = service.wish.allowSources;
    // The name holds what is unique among routes in force.
    config().put({Kind::route, "vhost/" + ranked.host + ranked.path}, std::move(route));
}

}  // namespace

Translated translate(const Apps& apps, const std::vector<AppProblem>& malformed,
                     const MarathonTranslate& options, const HostLookup& lookup) {
    return Translation(options, lookup).run(apps, malformed);
}

}  // namespace evergate::controller::marathon
